"""For how long things have been as they are, by a clock that nobody sets."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Unchanged(Generic[K]):
    """Remembers when it first saw each thing as it is now. For one thread."""

    def __init__(self) -> None:
        self._seen: dict[K, tuple[object, float]] = {}

    def look(self, things: Mapping[K, object]) -> dict[K, float]:
        """Return for how many seconds each of `things` has had its value; what is not among them is forgotten."""
        now = time.monotonic()
        known = {key: self._seen.get(key, (None, now)) for key in things}
        self._seen = {
            key: known[key] if known[key][0] == value else (value, now) for key, value in things.items()
        }
        return {key: now - first for key, (_value, first) in self._seen.items()}
