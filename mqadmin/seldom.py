"""What is logged again and again, once a minute of each kind, with how many were left out."""

from __future__ import annotations

import threading
import time

EVERY_S = 60.0


class Seldom:
    """Lets the first of each kind through a minute, and counts the others. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due: dict[tuple[str, str], float] = {}
        self._left_out: dict[tuple[str, str], int] = {}

    def left_out(self, kind: tuple[str, str]) -> int | None:
        """Return how many were left out since the last one that was let through; None: this one is, too."""
        now = time.monotonic()
        with self._lock:
            if now < self._due.get(kind, 0.0):
                self._left_out[kind] = self._left_out.get(kind, 0) + 1
                return None
            self._due[kind] = now + EVERY_S
            return self._left_out.pop(kind, 0)

    def forget(self) -> None:
        """Let the next of each kind through."""
        with self._lock:
            self._due.clear()
            self._left_out.clear()
