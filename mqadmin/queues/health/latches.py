"""Conditions with hysteresis: a trouble is told after it held for a while, and no more after it stayed away."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Latch:
    """A condition: `on` after it held for a while, off again after its opposite did."""

    since: float | None = None
    on: bool = False
    ending: float | None = None  # since when the opposite holds

    @property
    def settled(self) -> bool:
        """Whether time alone changes nothing."""
        return self.since is None or (self.on and self.ending is None)


OFF = Latch()


def latched(latch: Latch, high: bool, low: bool, now: float, *, on_after: float, off_after: float) -> Latch:
    """Return `latch` after one observation.

    `high` switches it on once it has held for `on_after` seconds without a gap, `low` off once it has held
    for `off_after`. Between the two (neither true) it stays as it is. `since` is when `high` began.
    """
    if not latch.on:
        if not high:
            return OFF
        since = now if latch.since is None else latch.since
        return Latch(since, on=now - since >= on_after)
    if not low:
        return latch if latch.ending is None else replace(latch, ending=None)
    ending = now if latch.ending is None else latch.ending
    return OFF if now - ending >= off_after else replace(latch, ending=ending)
