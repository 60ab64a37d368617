"""MessagePack bytes -> Python values, for showing and searching. Reads only; hostile input is bounded.

https://github.com/msgpack/msgpack/blob/master/spec.md. A reader of our own, since a page must never be brought
down by what a stranger published: depth, number of values and size are limited here, and nothing is allocated
because a length says so.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import Any

MOST_VALUES = 200_000
DEEPEST = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERS = {
    0xCA: ">f",
    0xCB: ">d",
    0xCC: ">B",
    0xCD: ">H",
    0xCE: ">I",
    0xCF: ">Q",
    0xD0: ">b",
    0xD1: ">h",
    0xD2: ">i",
    0xD3: ">q",
}
_PLAIN = {0xC0: None, 0xC2: False, 0xC3: True}
# First byte -> (what follows, bytes of its length).
_SIZED = {
    0xC4: ("bytes", 1),
    0xC5: ("bytes", 2),
    0xC6: ("bytes", 4),
    0xC7: ("ext", 1),
    0xC8: ("ext", 2),
    0xC9: ("ext", 4),
    0xD9: ("text", 1),
    0xDA: ("text", 2),
    0xDB: ("text", 4),
    0xDC: ("list", 2),
    0xDD: ("list", 4),
    0xDE: ("map", 2),
    0xDF: ("map", 4),
}
_FIXED_EXT = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}


def unpack(content: bytes) -> Any:
    """Return the one value that `content` is. Map keys that are no text become their text.

    Raises ValueError for anything that is not one whole value within the limits.
    """
    reader = _Reader(content)
    value = reader.value(0)
    if reader.at != len(content):
        raise ValueError("there is more behind the value")
    return value


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self.at = 0
        self._left = MOST_VALUES

    def value(self, depth: int) -> Any:
        self._left -= 1
        if depth > DEEPEST or self._left < 0:
            raise ValueError("too deep or too many values")
        first = self._take(1)[0]
        if first <= 0x7F:
            return first
        if first >= 0xE0:
            return first - 256
        if first in _PLAIN:
            return _PLAIN[first]
        if first in _NUMBERS:
            form = _NUMBERS[first]
            return struct.unpack(form, self._take(struct.calcsize(form)))[0]
        if first in _FIXED_EXT:
            return self._extension(_FIXED_EXT[first])
        kind, size = self._shape(first)
        match kind:
            case "list":
                return [self.value(depth + 1) for _item in range(size)]
            case "map":
                return {_key(self.value(depth + 1)): self.value(depth + 1) for _item in range(size)}
            case "text":
                return self._take(size).decode("utf-8", "replace")
            case "ext":
                return self._extension(size)
            case _:
                return self._take(size)

    def _shape(self, first: int) -> tuple[str, int]:
        if first <= 0x8F:
            return "map", first & 0x0F
        if first <= 0x9F:
            return "list", first & 0x0F
        if first <= 0xBF:
            return "text", first & 0x1F
        if first not in _SIZED:
            raise ValueError(f"0x{first:02x} begins no value")
        kind, width = _SIZED[first]
        return kind, int.from_bytes(self._take(width), "big")

    def _extension(self, size: int) -> Any:
        kind = struct.unpack(">b", self._take(1))[0]
        data = self._take(size)
        if kind != -1:
            return data
        match size:
            case 4:
                nanoseconds, seconds = 0, int.from_bytes(data, "big")
            case 8:
                whole = int.from_bytes(data, "big")
                nanoseconds, seconds = whole >> 34, whole & (2**34 - 1)
            case 12:
                nanoseconds, seconds = struct.unpack(">Iq", data)
            case _:
                return data
        try:
            return _EPOCH + timedelta(seconds=seconds, microseconds=nanoseconds // 1000)
        except OverflowError:
            return seconds

    def _take(self, size: int) -> bytes:
        piece = self._content[self.at : self.at + size]
        if len(piece) < size:
            raise ValueError("it ends in the middle of a value")
        self.at += size
        return piece


def _key(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else str(value)
