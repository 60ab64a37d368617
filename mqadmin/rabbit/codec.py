"""Makes pika encode and decode every header a broker may deliver, unchanged.

pika 1.4.4 (pika/data.py) cannot encode floats, decodes floats to integers, loses the width of integers and the
scale of decimals, turns a string that is not UTF-8 into a byte array, and drops the connection at a timestamp past
the year 9999 (seen with publishers that write milliseconds). A dead letter with such a header must be requeued as
it came, so these stand in place of its two value functions, for nested tables too: its functions for tables call
them through the module's globals. The wire types are those of rabbit_binary_generator.
"""

from __future__ import annotations

import math
import struct
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from pika import data
from pika.compat import long

from mqadmin.rabbit.wire_numbers import INT32, INT64, INTEGERS, Float32, Int64, WireInt

_Decoder = Callable[[bytes, int], tuple[Any, int]]


class LongString(bytes):
    """A header value of wire type `S` (long string) that is not valid UTF-8; plain bytes are type `x`."""


class RawField(bytes):
    """A table or array that is nested deeper than MAX_DEPTH, as it was on the wire, type and length included.

    Readers recurse: a frame holds twenty thousand levels, and Python has room for a few hundred.
    """


class RawTimestamp(int):
    """A header value of wire type `T` whose seconds lie outside what `datetime` can hold."""


MAX_DEPTH = 100

_nesting = threading.local()

_encode = data.encode_value
_decode = data.decode_value


def encode_value(pieces: list[bytes], value: Any) -> int:
    """Append `value` as an AMQP field to `pieces`, return its size in bytes.

    Raises ValueError for what AMQP cannot hold, else as pika does.
    """
    encode = _ENCODERS.get(type(value))
    encoded = _other(value) if encode is None else encode(value)
    pieces.append(encoded)
    return len(encoded)


def _other(value: Any) -> bytes:
    """Return what is none of the common types, or a subclass of one."""
    match value:
        case RawField():
            return bytes(value)
        case LongString():
            return struct.pack(">cI", b"S", len(value)) + value
        case RawTimestamp():
            return struct.pack(">cQ", b"T", value)
        case Decimal():
            return _decimal(value)
        case datetime():
            moment = value if value.tzinfo else value.replace(tzinfo=UTC)
            seconds = int(moment.timestamp() // 1)
            if seconds < 0:
                raise ValueError(f"AMQP has no time before 1970: {value.isoformat()}")
            return struct.pack(">cQ", b"T", seconds)
        case float():
            return _float(value)
        case long() if int(value) in INT64:  # a range searches itself for a subclass of int
            return _pack_int64(b"l", value)
        case int():
            return _integer(int(value))
        case list() | tuple():
            return _array(value)
    pieces: list[bytes] = []
    _encode(pieces, value)
    return b"".join(pieces)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _pack_long(b"S", len(encoded)) + encoded


def _integer(value: int) -> bytes:
    if -0x8000_0000 <= value < 0x8000_0000:
        return _pack_int32(b"I", value)
    if value not in INT64:
        raise ValueError(f"AMQP has no integer of more than 64 bits: {value}")
    return _pack_int64(b"l", value)


def _float(value: float, form: str = ">cd") -> bytes:
    if not math.isfinite(value):
        # Erlang has no such float: RabbitMQ closes the whole connection (541), tried on 3.10.8.
        raise ValueError(f"AMQP on RabbitMQ has no float {value}")
    return struct.pack(form, b"d" if form == ">cd" else b"f", value)


def _table(value: dict[Any, Any]) -> bytes:
    pieces: list[bytes] = [b"F"]
    data.encode_table(pieces, value)
    return b"".join(pieces)


def _array(value: Sequence[Any]) -> bytes:
    pieces: list[bytes] = []
    for item in value:
        encode_value(pieces, item)
    encoded = b"".join(pieces)
    return _pack_long(b"A", len(encoded)) + encoded


def _typed(kind: type[WireInt]) -> Callable[[Any], bytes]:
    return partial(struct.Struct(f">c{kind.form}").pack, kind.kind)


_pack_long = struct.Struct(">cI").pack
_pack_int32 = struct.Struct(">ci").pack
_pack_int64 = struct.Struct(">cq").pack
_ENCODERS: dict[type, Callable[[Any], bytes]] = {
    str: _text,
    int: _integer,
    bool: lambda value: b"t\1" if value else b"t\0",
    type(None): lambda _value: b"V",
    float: _float,
    dict: _table,
    list: _array,
    Float32: partial(_float, form=">cf"),
    **{kind: _typed(kind) for kind in INTEGERS},
}


def _decimal(value: Decimal) -> bytes:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError(f"AMQP has no decimal {value}")
    number = int("".join(map(str, digits)) or "0") * (-1 if sign else 1)
    if exponent > 0:
        number, exponent = number * 10 ** min(exponent, 20), 0
    if number not in INT32 or -exponent > 255:
        raise ValueError(f"AMQP decimals hold 32 bits: {value}")
    return struct.pack(">cBi", b"D", -exponent, number)


def decode_value(encoded: bytes, offset: int) -> tuple[Any, int]:
    """Return the AMQP field at `offset` and the offset behind it; raises as pika does."""
    start = offset + 1
    decode = _DECODERS.get(encoded[offset:start])
    return _decode(encoded, offset) if decode is None else decode(encoded, start)


def _decode_text(encoded: bytes, at: int) -> tuple[str | LongString, int]:
    start = at + 4
    end: int = start + _size(encoded, at)[0]
    raw = encoded[start:end]
    try:
        return str(raw, "utf-8"), end
    except UnicodeDecodeError:
        return LongString(raw), end


def _decode_long(encoded: bytes, at: int) -> tuple[int, int]:
    value: int = _int64(encoded, at)[0]
    if 0 <= value < len(_COUNTS):
        return _COUNTS[value], at + 8
    return (Int64(value) if -0x8000_0000 <= value < 0x8000_0000 else value), at + 8


def _number(form: str, of: Callable[[Any], Any] | None = None) -> _Decoder:
    """Return what decodes a number of a fixed width; `of`: its type, if it is not plain."""
    width = struct.calcsize(form)
    unpack = struct.Struct(form).unpack_from
    if of is None:
        return lambda encoded, at: (unpack(encoded, at)[0], at + width)
    made = of
    return lambda encoded, at: (made(unpack(encoded, at)[0]), at + width)


def _decode_decimal(encoded: bytes, at: int) -> tuple[Decimal, int]:
    decimals, raw = struct.unpack_from(">Bi", encoded, at)
    return Decimal(raw).scaleb(-decimals), at + 5


def _decode_table(encoded: bytes, at: int) -> tuple[Any, int]:
    return _nested(encoded, at, data.decode_table)


def _decode_array(encoded: bytes, at: int) -> tuple[Any, int]:
    return _nested(encoded, at, _items)


def _items(encoded: bytes, at: int) -> tuple[list[Any], int]:
    end = at + 4 + _size(encoded, at)[0]
    at += 4
    found = []
    while at < end:
        value, at = decode_value(encoded, at)
        found.append(value)
    return found, at


def _nested(encoded: bytes, at: int, decode: _Decoder) -> tuple[Any, int]:
    depth: int = getattr(_nesting, "depth", 0)
    if depth >= MAX_DEPTH:
        end = at + 4 + _size(encoded, at)[0]
        return RawField(encoded[at - 1 : end]), end
    _nesting.depth = depth + 1
    try:
        return decode(encoded, at)
    finally:
        _nesting.depth = depth


def _moment(seconds: int) -> datetime | RawTimestamp:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return RawTimestamp(seconds)


_COUNTS = tuple(map(Int64, range(256)))  # most that is `l` counts deaths or attempts
_size = struct.Struct(">I").unpack_from
_int64 = struct.Struct(">q").unpack_from
_DECODERS: dict[bytes, _Decoder] = {
    b"S": _decode_text,
    b"I": _number(">i"),
    b"l": _decode_long,
    b"T": _number(">Q", _moment),
    b"t": _number(">?"),
    b"d": _number(">d"),
    b"f": _number(">f", Float32),
    b"D": _decode_decimal,
    b"F": _decode_table,
    b"A": _decode_array,
    **{kind.kind: _number(f">{kind.form}", kind) for kind in INTEGERS if kind is not Int64},
}


def install() -> None:
    """Put these functions in pika's place, for the whole process. Doing it twice changes nothing."""
    data.encode_value = encode_value
    data.decode_value = decode_value
