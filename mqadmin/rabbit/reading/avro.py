"""Avro's binary encoding, read with the schema that it was written with (https://avro.apache.org/docs/1.12.0/).

The library fastavro has no limit on depth, number of values or size: where a schema contains itself, a megabyte
of bytes overflows the stack of the process, and an array of nulls asks for any memory. A page must not end by what
a stranger published. So bytes are read here, within limits; a schema is small and comes from the administrator.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from mqadmin.rabbit.reading.decoders import DEEPEST, MOST_VALUES

_PRIMITIVES = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Read = Callable[["_Bytes", int], Any]


class Schema:
    """A schema, ready to read with. Raises ValueError for one that is none."""

    def __init__(self, text: str) -> None:
        self._named: dict[str, Read] = {}
        try:
            self._read = self._of(json.loads(text), "")
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"it is no schema of Avro: {type(error).__name__} {error}") from None

    def decode(self, content: bytes) -> Any:
        """Return the one value that `content` is. Raises ValueError."""
        source = _Bytes(content)
        value = self._read(source, 0)
        if not source.is_at_end():
            raise ValueError("there is more behind the value")
        return value

    def _of(self, schema: Any, space: str) -> Read:
        """Return what reads a schema; `space`: the namespace that it stands in."""
        if isinstance(schema, list):
            return _union([self._of(branch, space) for branch in schema])
        if isinstance(schema, str):
            return self._by_name(schema, space)
        kind = schema["type"]
        if isinstance(kind, dict | list):
            return self._of(kind, space)
        if kind in ("record", "error", "enum", "fixed"):
            return self._named_type(kind, schema, space)
        if kind == "array":
            return _blocks(self._of(schema["items"], space))
        if kind == "map":
            return _map(self._of(schema["values"], space))
        return _logical(schema, self._by_name(kind, space))

    def _by_name(self, name: str, space: str) -> Read:
        if name in _PRIMITIVES:
            return getattr(_Bytes, f"read_{name}")  # type: ignore[no-any-return]
        full = name if "." in name or not space else f"{space}.{name}"
        if full not in self._named and name not in self._named:
            raise ValueError(f"it is no schema of Avro: {name[:80]!r} is not defined")
        known = self._named
        found = full if full in known else name
        return lambda source, depth: known[found](source, depth)  # a record may hold itself

    def _named_type(self, kind: str, schema: dict[str, Any], space: str) -> Read:
        name = schema["name"]
        space = name.rpartition(".")[0] if "." in name else schema.get("namespace", space)
        full = name if "." in name or not space else f"{space}.{name}"
        if kind == "enum":
            read = _enum(list(schema["symbols"]))
        elif kind == "fixed":
            read = _logical(schema, _fixed(int(schema["size"])))
        else:
            fields: list[tuple[str, Read]] = []
            read = self._named[full] = _record(fields)
            fields += [(str(field["name"]), self._of(field["type"], space)) for field in schema["fields"]]
        self._named[full] = read
        return read


class _Bytes:
    def __init__(self, content: bytes) -> None:
        self._content, self._at, self._left = content, 0, MOST_VALUES

    def is_at_end(self) -> bool:
        return self._at == len(self._content)

    def take(self, size: int) -> bytes:
        if size < 0 or size > len(self._content) - self._at:
            raise ValueError("it ends in the middle of a value")
        self._at += size
        return self._content[self._at - size : self._at]

    def count(self, depth: int) -> None:
        self._left -= 1
        if depth > DEEPEST or self._left < 0:
            raise ValueError("it is too deep, or has too many values")

    def read_null(self, depth: int) -> None:
        self.count(depth)

    def read_boolean(self, depth: int) -> bool:
        self.count(depth)
        found = self.take(1)[0]
        if found > 1:
            raise ValueError("a truth in it is neither 0 nor 1")
        return bool(found)

    def read_long(self, depth: int) -> int:
        self.count(depth)
        return self.number()

    read_int = read_long

    def number(self) -> int:
        """Read a zigzag number of variable length, at most ten bytes."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return (value >> 1) ^ -(value & 1)
        raise ValueError("a number in it has more than ten bytes")

    def read_float(self, depth: int) -> float:
        self.count(depth)
        return float(struct.unpack("<f", self.take(4))[0])

    def read_double(self, depth: int) -> float:
        self.count(depth)
        return float(struct.unpack("<d", self.take(8))[0])

    def read_bytes(self, depth: int) -> bytes:
        self.count(depth)
        return self.take(self.number())

    def read_string(self, depth: int) -> str:
        self.count(depth)
        try:
            return self.take(self.number()).decode()
        except UnicodeDecodeError:
            raise ValueError("a text in it is not UTF-8") from None


def _record(fields: list[tuple[str, Read]]) -> Read:
    def read(source: _Bytes, depth: int) -> Any:
        source.count(depth)
        return {name: item(source, depth + 1) for name, item in fields}

    return read


def _union(branches: list[Read]) -> Read:
    def read(source: _Bytes, depth: int) -> Any:
        index = source.number()
        if not 0 <= index < len(branches):
            raise ValueError("it chooses a branch of a union that is not there")
        source.count(depth)  # a union may hold itself by way of nothing else
        return branches[index](source, depth)

    return read


def _sizes(source: _Bytes) -> Any:
    """Yield once for each item of an array or a map, block by block."""
    while count := source.number():
        if count < 0:  # then the block says its size in bytes, for who skips it
            count = -count
            source.number()
        for _item in range(count):
            yield


def _blocks(item: Read) -> Read:
    def read(source: _Bytes, depth: int) -> Any:
        source.count(depth)
        return [item(source, depth + 1) for _one in _sizes(source)]

    return read


def _map(value: Read) -> Read:
    def read(source: _Bytes, depth: int) -> Any:
        source.count(depth)
        return {source.read_string(depth): value(source, depth + 1) for _one in _sizes(source)}

    return read


def _enum(symbols: list[str]) -> Read:
    def read(source: _Bytes, depth: int) -> Any:
        source.count(depth)
        index = source.number()
        if not 0 <= index < len(symbols):
            raise ValueError("it names a symbol of an enum that is not there")
        return symbols[index]

    return read


def _fixed(size: int) -> Read:
    def read(source: _Bytes, depth: int) -> Any:
        source.count(depth)
        return source.take(size)

    return read


def _logical(schema: dict[str, Any], plain: Read) -> Read:
    """Return what reads a number as the date or the decimal that it stands for, where the schema says so."""
    make = _LOGICAL.get(schema.get("logicalType", ""))
    scale = int(schema.get("scale", 0))

    def read(source: _Bytes, depth: int) -> Any:
        value = plain(source, depth)
        if make is None:
            return value
        try:
            return make(value, scale)
        except (OverflowError, TypeError, ValueError, ArithmeticError):
            return value  # a year that no calendar has: as it stands

    return read


def _decimal(value: bytes, scale: int) -> str:
    return (
        str(Decimal(int.from_bytes(value[:256], "big", signed=True)).scaleb(-scale))
        if len(value) <= 256
        else "…"
    )


_LOGICAL: dict[str, Callable[[Any, int], Any]] = {
    "date": lambda days, _scale: (date(1970, 1, 1) + timedelta(days=days)).isoformat(),
    "timestamp-millis": lambda ms, _scale: (_EPOCH + timedelta(milliseconds=ms)).isoformat(),
    "timestamp-micros": lambda us, _scale: (_EPOCH + timedelta(microseconds=us)).isoformat(),
    "decimal": _decimal,
}
