"""Codes that stand between saying what an act would do and doing it."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from threading import Lock
from time import monotonic
from typing import Any

from mqadmin.agents.asking import Trouble

LASTS_S = 300.0
_MOST = 100  # codes that are kept: the oldest goes first


class Codes:
    """Codes by what they are for. Each opens once, for the same call with the same arguments, for five minutes."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._given: dict[str, tuple[bytes, float]] = {}

    def give(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Return a new code for this call with these arguments. Any thread."""
        code = secrets.token_urlsafe(12)
        with self._lock:
            self._given[code] = (_mark(name, arguments), self._clock() + LASTS_S)
            while len(self._given) > _MOST:
                del self._given[next(iter(self._given))]
        return code

    def take(self, code: str, name: str, arguments: Mapping[str, Any]) -> None:
        """Use a code up. Raises Trouble unless it is for this, and in time; then it is used up too. Any thread."""
        with self._lock:
            mark, until = self._given.pop(code, (b"", 0.0))
        if not mark:
            why = "This code is unknown, or was used: nothing was done. Call without `confirm` first."
            raise Trouble(why, "confirm_unknown")
        if self._clock() >= until:
            why = "This code has expired: nothing was done. Call without `confirm` again."
            raise Trouble(why, "confirm_expired")
        if mark != _mark(name, arguments):
            why = "This code is for other arguments: nothing was done. Call without `confirm` again."
            raise Trouble(why, "confirm_other")


def _mark(name: str, arguments: Mapping[str, Any]) -> bytes:
    text = json.dumps([name, arguments], sort_keys=True)
    return hashlib.sha256(text.encode()).digest()
