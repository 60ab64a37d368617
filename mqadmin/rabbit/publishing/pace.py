"""A bound on messages a second, kept over every stretch of time and not only on average. No clock of its own."""

from __future__ import annotations

import threading

SLICE_SECONDS = 0.25  # what is sent at once is at most what may be sent in this time


class Pace:
    """Says how many may go at once and when the next may. Any thread. Times: seconds of a monotonic clock."""

    def __init__(self, per_second: float) -> None:
        """`per_second` 0: as fast as it goes."""
        self._per_second = max(0.0, per_second)
        self._free_at = 0.0
        self._lock = threading.Lock()

    @property
    def is_bounded(self) -> bool:
        """Whether there is a bound at all."""
        return self._per_second > 0

    def at_once(self, at_most: int) -> int:
        """Return how many of `at_most` may be sent together: at least one, or it would never end."""
        if not self._per_second:
            return at_most
        return min(at_most, max(1, int(self._per_second * SLICE_SECONDS)))

    def wait(self, now: float) -> float:
        """Return the seconds from `now` until the next may be sent."""
        return max(0.0, self._free_at - now)

    def take(self, count: int, now: float) -> float:
        """Take the next turn, for so many messages, and return how many seconds from `now` it is away."""
        if not self._per_second:
            return 0.0
        with self._lock:
            turn = max(self._free_at, now)
            self._free_at = turn + count / self._per_second
            return turn - now
