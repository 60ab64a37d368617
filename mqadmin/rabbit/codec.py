"""Makes pika encode and decode every header a broker may deliver, unchanged.

pika 1.4.4 (pika/data.py) cannot encode floats, decodes floats to integers, loses the scale of decimals, turns
a string that is not UTF-8 into a byte array, and drops the connection at a timestamp past the year 9999 (seen
with publishers that write milliseconds). A dead letter with such a header must be requeued as it came, so its
two value functions are wrapped. They call each other through the module's globals, hence nested tables and
arrays are covered too. The wire types are those of rabbit_binary_generator.
"""

from __future__ import annotations

import math
import struct
import threading
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pika import data


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
_INT64 = range(-(2**63), 2**63)
_INT32 = range(-(2**31), 2**31)

_PLAIN = (str, dict, list, bool)

_encode = data.encode_value
_decode = data.decode_value


def encode_value(pieces: list[bytes], value: Any) -> int:
    """Append `value` as an AMQP field to `pieces`, return its size in bytes.

    Raises ValueError for what AMQP cannot hold, else as pika does.
    """
    match value:
        case RawField():
            encoded = bytes(value)
        case LongString():
            encoded = struct.pack(">cI", b"S", len(value)) + value
        case RawTimestamp():
            encoded = struct.pack(">cQ", b"T", value)
        case float():
            if not math.isfinite(value):
                # Erlang has no such float: RabbitMQ closes the whole connection (541), tried on 3.10.8.
                raise ValueError(f"AMQP on RabbitMQ has no float {value}")
            encoded = struct.pack(">cd", b"d", value)
        case Decimal():
            encoded = _decimal(value)
        case datetime():
            moment = value if value.tzinfo else value.replace(tzinfo=UTC)
            seconds = int(moment.timestamp() // 1)
            if seconds < 0:
                raise ValueError(f"AMQP has no time before 1970: {value.isoformat()}")
            encoded = struct.pack(">cQ", b"T", seconds)
        case bool():
            return _encode(pieces, value)
        case int() if int(value) not in _INT64:  # a range searches itself for a subclass of int
            raise ValueError(f"AMQP has no integer of more than 64 bits: {value}")
        case tuple():
            return _encode(pieces, list(value))
        case _:
            return _encode(pieces, value)
    pieces.append(encoded)
    return len(encoded)


def _decimal(value: Decimal) -> bytes:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError(f"AMQP has no decimal {value}")
    number = int("".join(map(str, digits)) or "0") * (-1 if sign else 1)
    if exponent > 0:
        number, exponent = number * 10 ** min(exponent, 20), 0
    if number not in _INT32 or -exponent > 255:
        raise ValueError(f"AMQP decimals hold 32 bits: {value}")
    return struct.pack(">cBi", b"D", -exponent, number)


def decode_value(encoded: bytes, offset: int) -> tuple[Any, int]:
    """Return the AMQP field at `offset` and the offset behind it; raises as pika does."""
    start = offset + 1
    match encoded[offset:start]:
        case b"f":
            return struct.unpack_from(">f", encoded, start)[0], start + 4
        case b"d":
            return struct.unpack_from(">d", encoded, start)[0], start + 8
        case b"D":
            decimals, raw = struct.unpack_from(">Bi", encoded, start)
            return Decimal(raw).scaleb(-decimals), start + 5
        case b"T":
            seconds = struct.unpack_from(">Q", encoded, start)[0]
            return _moment(seconds), start + 8
        case b"F" | b"A":
            return _decode_nested(encoded, offset)
        case b"S":
            value, end = _decode(encoded, offset)
            return (LongString(value) if isinstance(value, bytes) else value), end
        case _:
            return _decode(encoded, offset)


def _decode_nested(encoded: bytes, offset: int) -> tuple[Any, int]:
    depth: int = getattr(_nesting, "depth", 0)
    if depth >= MAX_DEPTH:
        end = offset + 5 + struct.unpack_from(">I", encoded, offset + 1)[0]
        return RawField(encoded[offset:end]), end
    _nesting.depth = depth + 1
    try:
        return _decode(encoded, offset)
    finally:
        _nesting.depth = depth


def _moment(seconds: int) -> datetime | RawTimestamp:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return RawTimestamp(seconds)


def install() -> None:
    """Put these functions in pika's place, for the whole process. Doing it twice changes nothing."""
    data.encode_value = encode_value
    data.decode_value = decode_value
