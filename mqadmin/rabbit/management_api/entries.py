"""The entries of a long list, each as the broker wrote it: read one by one, and only where they are new.

A list of ten thousand queues is 5 MB of JSON, which decoded at once take 30 MB. And of ten thousand queues most
stand still: what is said of them is letter for letter what was said the last time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")
Entry = msgspec.Raw
_split = msgspec.json.Decoder(list[Entry]).decode


def split(content: bytes) -> list[Entry] | None:
    """Return the entries of a list in JSON; None of what is no list, or none that can be read as one."""
    try:
        content.decode()
        return _split(content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def read(entry: Entry) -> Any:
    """Return what an entry says, a NUL character shown as "␀". Raises ValueError."""
    text = bytes(entry)
    try:
        found = msgspec.json.decode(text)
    except msgspec.MsgspecError:
        found = json.loads(text)  # it reads some more: halves of characters, numbers beyond all measure
    return shown(found) if rb"\u0000" in text else found


def shown(value: Any) -> Any:
    """Return a value of JSON, each NUL character in it shown as "␀"."""
    if isinstance(value, str):
        return value.replace("\0", "\u2400")
    if isinstance(value, dict):
        return {shown(key): shown(item) for key, item in value.items()}
    return [shown(item) for item in value] if isinstance(value, list) else value


class Kept(Generic[T]):
    """What was read from the entries of the last list, by their text: told again, it is the same object.

    For one thread. Of a text its digest is kept, 128 bits: two texts with the same one do not come by chance.
    """

    def __init__(self) -> None:
        self._kept: dict[bytes, T] = {}

    def read(self, entries: Iterable[Entry], make: Callable[[Entry], T]) -> list[T]:
        """Return what each entry says; `make` makes it where it was not in the last list. Raises what that does."""
        before, now = self._kept, {}
        found = []
        for entry in entries:
            digest = blake2b(entry, digest_size=16).digest()
            value = before.get(digest)
            if value is None:
                value = make(entry)
            now[digest] = value
            found.append(value)
        self._kept = now
        return found
