"""What a process remembers so as not to make it twice: so many things; what nobody asks for goes first."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V")
_APART = 16  # values of other keys are made meanwhile, but for few


class Remembered(Generic[V]):
    """Two generations of at most `most` values each. Any thread may use it; no value may be changed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._young: dict[Hashable, V] = {}
        self._old: dict[Hashable, V] = {}
        self._making = [Lock() for _number in range(_APART)]

    def get(self, key: Hashable) -> V | None:
        """Return the value; one that is asked for is young again."""
        found = self._young.get(key)
        if found is None and (found := self._old.get(key)) is not None:
            self.put(key, found)
        return found

    def put(self, key: Hashable, value: V) -> V:
        """Remember a value and return it."""
        if len(self._young) >= self._most:
            self._old, self._young = self._young, {}
        self._young[key] = value
        return value

    def made(self, key: Hashable, make: Callable[[], V]) -> V:
        """Return the value; where there is none one thread makes it, and others that ask for it wait.

        `make` asks for no other value of the same kind. What it raises goes to its caller; the next one makes it.
        """
        found = self.get(key)
        if found is None:
            with self._making[hash(key) % _APART]:
                found = self.get(key)  # made by whoever was here before
                if found is None:
                    found = self.put(key, make())
        return found

    def forget(self) -> None:
        """Forget all."""
        self._young, self._old = {}, {}
