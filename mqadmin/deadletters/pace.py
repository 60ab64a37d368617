"""A bound on messages a second, kept over every stretch of time and not only on average. Pure, no clock."""

from __future__ import annotations

SLICE_SECONDS = 0.25  # what is sent at once is at most what may be sent in this time


class Pace:
    """Says how many may go at once and how long to wait before the next. One thread."""

    def __init__(self, per_second: float) -> None:
        """`per_second` 0: as fast as it goes."""
        self._per_second = per_second
        self._free_at = 0.0

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
        """Return the seconds to wait before the next are sent."""
        return max(0.0, self._free_at - now)

    def sent(self, count: int, now: float) -> None:
        """Note that `count` were sent, beginning at `now` (seconds of a monotonic clock)."""
        if self._per_second:
            self._free_at = max(self._free_at, now) + count / self._per_second
