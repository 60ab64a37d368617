"""MessagePack bytes -> Python values, for showing and searching: the library `msgpack`, within our limits.

https://github.com/msgpack/msgpack/blob/master/spec.md. A page must never be brought down by what a stranger
published. The library has no limit on the number of values in all and none of ours on depth, and it makes room for
a list because a length says so: it reads one header or one scalar at a time here, and what is in what is seen to
by this module.
"""

from __future__ import annotations

from typing import Any

import msgpack

MOST_VALUES = 200_000
DEEPEST = 60
_TIMESTAMP = 0xFF  # the extension type -1, which the specification gives a meaning
# First byte of an extension -> bytes before its content, the last of which is its type.
_EXTENSIONS = {0xC7: 3, 0xC8: 4, 0xC9: 6, 0xD4: 2, 0xD5: 2, 0xD6: 2, 0xD7: 2, 0xD8: 2}


def unpack(content: bytes) -> Any:
    """Return the one value that `content` is. Map keys that are no text become their text.

    Raises ValueError for anything that is not one whole value within the limits.
    """
    reader = _Reader(content)
    try:
        value = reader.value(0)
    except (msgpack.OutOfData, IndexError):
        raise ValueError("it ends in the middle of a value") from None
    if not reader.is_at_end():
        raise ValueError("there is more behind the value")
    return value


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._left = MOST_VALUES
        self._unpacker = msgpack.Unpacker(
            max_buffer_size=len(content), unicode_errors="replace", ext_hook=lambda _type, data: data
        )
        self._unpacker.feed(content)

    def is_at_end(self) -> bool:
        return bool(self._unpacker.tell() == len(self._content))

    def value(self, depth: int) -> Any:
        self._left -= 1
        if depth > DEEPEST or self._left < 0:
            raise ValueError("too deep or too many values")
        at = self._unpacker.tell()
        first = self._content[at]
        if 0x90 <= first <= 0x9F or first in (0xDC, 0xDD):
            return [self.value(depth + 1) for _item in range(self._unpacker.read_array_header())]
        if 0x80 <= first <= 0x8F or first in (0xDE, 0xDF):
            size = self._unpacker.read_map_header()
            return {_key(self.value(depth + 1)): self.value(depth + 1) for _item in range(size)}
        if first in _EXTENSIONS and self._content[at + _EXTENSIONS[first] - 1] == _TIMESTAMP:
            return self._timestamp(at, first)
        return self._unpacker.unpack()

    def _timestamp(self, at: int, first: int) -> Any:
        """Return a datetime; seconds where it is beyond the years of those; where it is no timestamp, its bytes.
        The library would take the whole document for none."""
        header = _EXTENSIONS[first]
        size = (
            1 << first - 0xD4
            if header == 2
            else int.from_bytes(self._content[at + 1 : at + header - 1], "big")
        )
        data = self._unpacker.read_bytes(header + size)[header:]
        if len(data) < size:
            raise ValueError("it ends in the middle of a value")
        try:
            moment = msgpack.Timestamp.from_bytes(data)
        except ValueError:
            return data
        try:
            return moment.to_datetime()
        except OverflowError:
            return moment.seconds


def _key(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else str(value)
