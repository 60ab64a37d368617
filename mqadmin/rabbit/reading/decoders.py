"""Bodies that are neither text nor JSON: which decoder reads one, by its content type or by its queue.

A decoder makes plain values of bytes: tables, lists, texts, numbers. Bytes come from strangers: a decoder raises
ValueError for whatever it cannot read within the limits below, and nothing else. Which ones there are besides those
that need no schema is said by `use`, once a process.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from io import BytesIO
from typing import Any

MOST_VALUES = 200_000
MOST_CHARACTERS = 4_000_000  # of all texts together: one that is referred to a thousand times counts so often
DEEPEST = 60
_UNSAID = ("", "application/octet-stream", "binary/octet-stream", "application/binary")
_PICKLE_TYPES = ("application/x-python-serialize", "application/x-pickle", "application/pickle")
_PICKLE = (b"\x80\x02", b"\x80\x03", b"\x80\x04\x95", b"\x80\x05\x95")


@dataclass(frozen=True)
class Decoder:
    """`name`: "protobuf". `said`: what it was read as, "protobuf shop.Order". `decode` raises ValueError."""

    name: str
    said: str
    decode: Callable[[bytes], Any]


@dataclass(frozen=True)
class Rule:
    """Bodies of a content type (its beginning is compared, without parameters), or of the queues that a pattern
    matches (`*`, `?`), as far as they name no type themselves; "" for any. The first that matches counts."""

    content_type: str
    queue: str
    decoder: Decoder

    def holds(self, stated: str, queue: str) -> bool:
        """Whether it is about a body of this type, in small letters, from this queue."""
        if self.queue and not fnmatchcase(queue, self.queue):
            return False
        return stated == self.content_type if self.content_type else stated in _UNSAID


def _none() -> Sequence[Rule]:
    return ()


_load: Callable[[], Sequence[Rule]] = _none


def use(load: Callable[[], Sequence[Rule]]) -> None:
    """Set who knows the rules; it is asked for each body, and has to remember them."""
    global _load
    _load = load


def of(content_type: str | None, queue: str = "") -> Decoder | None:
    """Return what reads a body of this type from this queue, None where nothing is said about it."""
    stated = (content_type if isinstance(content_type, str) else "").partition(";")[0].strip().lower()
    for rule in _load():
        if rule.holds(stated, queue):
            return rule.decoder
    if stated in ("application/cbor", "application/cwt") or stated.endswith("+cbor"):
        return _CBOR
    return None


def is_pickle(content: bytes, content_type: str | None) -> bool:
    """Whether it is Python's pickle: never opened, as that would run what its sender wrote into it."""
    stated = (content_type if isinstance(content_type, str) else "").partition(";")[0].strip().lower()
    return stated in _PICKLE_TYPES or (content.startswith(_PICKLE) and content.endswith(b"."))


def tidy(value: Any) -> Any:
    """Return a decoded value as tables, lists, texts, numbers, truths and None. Raises ValueError above the limits.

    Bytes are their text where they are ASCII that can be read, else base64 behind "base64:".
    """
    return _Tidy().value(value, 0)


class _Tidy:
    def __init__(self) -> None:
        self._values, self._characters = MOST_VALUES, MOST_CHARACTERS

    def value(self, value: Any, depth: int) -> Any:
        self._values -= 1
        if depth > DEEPEST or self._values < 0:
            raise ValueError("it is too deep, or has too many values")
        match value:
            case None | bool():
                return value
            case float():
                return value if math.isfinite(value) else self._text(str(value))
            case int():
                if value.bit_length() > 4_096:
                    raise ValueError("a number in it has more than 4,096 bits")
                return value
            case str():
                return self._text(value)
            case bytes() | bytearray():
                return self._text(_of_bytes(bytes(value[:MOST_CHARACTERS])))
            case dict():
                return {self._key(name): self.value(item, depth + 1) for name, item in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.value(item, depth + 1) for item in value]
            case _ if hasattr(value, "items"):  # a map that may be a key
                return {self._key(name): self.value(item, depth + 1) for name, item in value.items()}
            case _:
                return self._text(_plain(value))

    def _key(self, name: Any) -> str:
        return self._text(
            name if isinstance(name, str) else _of_bytes(name) if isinstance(name, bytes) else _plain(name)
        )

    def _text(self, text: str) -> str:
        self._characters -= len(text)
        if self._characters < 0:
            raise ValueError("its texts are too long")
        return text


def _of_bytes(value: bytes) -> str:
    text = value.decode("ascii", "replace")
    return (
        text if text.isprintable() and "\ufffd" not in text else f"base64:{base64.b64encode(value).decode()}"
    )


def _plain(value: Any) -> str:
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    try:
        return str(value)[:1_000]
    except Exception as error:
        raise ValueError(f"a value in it cannot be written: {type(error).__name__}") from None


def _cbor(content: bytes) -> Any:
    """RFC 8949, by the library cbor2, which has a limit on depth; what shared values unfold to is limited by us."""
    import cbor2  # a body at a time needs it

    try:
        source = BytesIO(content)
        value = cbor2.CBORDecoder(source).decode()
    except Exception as error:  # of a tag that says "decimal" or "date" and holds something else, anything
        raise ValueError(str(error)[:200] or type(error).__name__) from None
    if source.tell() != len(content):  # a second document, of which nobody would see or mask anything
        raise ValueError("there is more behind the value")
    return tidy(value)


_CBOR = Decoder("cbor", "CBOR", _cbor)
