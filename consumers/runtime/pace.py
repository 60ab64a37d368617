"""A rate limit: so many messages a second over all handler threads of a process, evenly."""

from __future__ import annotations

import threading
import time


class Pace:
    """Hands out turns `1 / per_second` apart. Any thread. `per_second` 0: no limit."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second if per_second > 0 else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def turn(self, messages: int = 1) -> float:
        """Take the next turn, for so many messages at once, and return how many seconds to wait for it."""
        if not self._gap:
            return 0.0
        with self._lock:
            now = time.monotonic()
            turn = max(self._next, now)
            self._next = turn + self._gap * messages
            return turn - now
