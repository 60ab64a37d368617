"""One value that stands for a span of time: its peak, or its mean over the time in which it was known. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from mqadmin.history.kinds import KINDS


class Tally:
    """Counts the values that a thing had, each with the seconds for which it held."""

    __slots__ = ("_known", "_numbers", "_peaks", "_sums")

    def __init__(self, kind: str) -> None:
        self._numbers = KINDS[kind]
        self._sums = [0.0] * len(self._numbers)
        self._known = [0.0] * len(self._numbers)
        self._peaks: list[int | None] = [None] * len(self._numbers)

    def hold(self, values: Sequence[int | None], seconds: float) -> None:
        """Count values that held for so long; for no time at all they count for nothing."""
        if seconds <= 0:
            return
        for place, value in enumerate(values):
            if value is not None:
                self._sums[place] += value * seconds
                self._known[place] += seconds
                peak = self._peaks[place]
                self._peaks[place] = value if peak is None or value > peak else peak

    def values(self) -> list[float | None]:
        """Return one value a number, None where none was known."""
        return [
            peak if number.how == "peak" else total / known if known else None
            for number, total, known, peak in zip(
                self._numbers, self._sums, self._known, self._peaks, strict=True
            )
        ]
