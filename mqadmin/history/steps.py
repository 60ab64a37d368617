"""How history is thinned as it ages, and what one coarser point says of the finer ones. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from django.conf import settings

from mqadmin.history.kinds import Values
from mqadmin.history.tally import Tally

POINTS = 120  # of one chunk, at the most
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_FORM = re.compile(r"(\d+)([smhd]):(\d+)([smhd])")


class Step(NamedTuple):
    """One point in `seconds`, for the last `kept` seconds; `span` seconds of it make a chunk."""

    seconds: int
    kept: int

    @property
    def span(self) -> int:
        return self.seconds * POINTS


def read(text: str) -> tuple[Step, ...]:
    """Return the steps of "5s:2h,1m:2d,10m:90d", the finest first.

    Raises ValueError, in words, for another form, and where a coarser step is no multiple of the finer one or is
    not kept for longer.
    """
    steps = []
    for part in text.replace(" ", "").split(","):
        match = _FORM.fullmatch(part)
        if match is None or not int(match[1]) or not int(match[3]):
            raise ValueError(f"{part!r} is not of the form 5s:2h")
        steps.append(Step(int(match[1]) * _SECONDS[match[2]], int(match[3]) * _SECONDS[match[4]]))
    for fine, coarse in pairwise(steps):
        if coarse.seconds % fine.seconds or coarse.seconds == fine.seconds or coarse.kept <= fine.kept:
            raise ValueError(
                f"{text!r}: each step must be a multiple of the one before it, and kept for longer"
            )
    return tuple(steps)


def configured() -> tuple[Step, ...]:
    """Return the steps of this installation. Raises ValueError where the setting is not of the form."""
    return read(settings.MQADMIN_HISTORY)


def gap() -> float:
    """Return the seconds without a sample from which on nothing is known of the time between."""
    return max(30.0, 4 * settings.MQADMIN_SAMPLE_SECONDS)


@dataclass(slots=True)
class _Open:
    """A series within a window: the values that it has, since when, and what was before, None for nothing."""

    kind: str
    now: Values
    since: float
    tally: Tally | None = None

    def hold(self, until: float) -> None:
        """Count the values that held until then."""
        if until > self.since:
            if self.tally is None:
                self.tally = Tally(self.kind)
            self.tally.hold(self.now, until - self.since)
        self.since = until

    def point(self, end: float) -> Values:
        """Return what stands for the window that ends now."""
        if self.tally is None and end > self.since:
            return self.now  # one and the same all the time: most are, when a monitor begins
        self.hold(end)
        if self.tally is None:
            return (None,) * len(self.now)
        return tuple(None if value is None else round(value) for value in self.tally.values())


class Window:
    """Collects what happens in `seconds` into one point for each series that changed in it.

    `add` and `close` are called in the order of time. For one thread.
    """

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self.start: int | None = None
        self._open: dict[int, _Open] = {}
        self._written: dict[int, Values] = {}

    def resume(
        self, start: int, now: Mapping[int, Values], written: Mapping[int, Values], kinds: Mapping[int, str]
    ) -> None:
        """Go on at `start`, where each series has what is `now`; the last point of such a window was `written`.

        A series of which these are not the same is written in this window.
        """
        left = {series: values for series, values in now.items() if written.get(series) != values}
        self._open = {series: _Open(kinds[series], values, float(start)) for series, values in left.items()}
        self._written = dict(written)
        self.start = start if left else None

    def is_over(self, at: float) -> bool:
        """Whether the moment lies behind the window."""
        return self.start is not None and at >= self.start + self.seconds

    def add(self, series: int, kind: str, before: Values | None, values: Values, at: float) -> None:
        """Note what a series has from now on; `before`: what it had until now, where that is known."""
        if self.start is None:
            self.start = int(at // self.seconds) * self.seconds
        found = self._open.get(series)
        if found is None:
            now, since = (values, at) if before is None else (before, float(self.start))
            found = self._open[series] = _Open(kind, now, since)
        found.hold(at)
        found.now = values

    def pause(self, at: float) -> None:
        """Note that nothing is known from that moment on."""
        for found in self._open.values():
            found.hold(max(at, found.since))
            found.now = (None,) * len(found.now)

    def close(self, kinds: Mapping[int, str]) -> tuple[int, dict[int, Values]]:
        """Return (start of the window, the point of each series that is not as in the last window) and begin anew.

        `kinds`: of each series. A series whose last values are not the point goes on into the next window, so that
        they are written there.
        """
        start = self.start or 0
        end = start + self.seconds
        points, left = {}, {}
        for series, found in self._open.items():
            point = found.point(end)
            if self._written.get(series) != point:
                points[series] = self._written[series] = point
            if point != found.now:
                left[series] = _Open(kinds[series], found.now, end)
        self._open = left
        self.start = end if left else None
        return start, points
