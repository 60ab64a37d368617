"""What verdicts remember of a queue between samples: small, immutable, stored as JSON in `Queue.facts`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

WINDOW_S = 120.0
STEP_S = 15.0
SPAN_S = 45.0
MIN_SPAN_S = 20.0
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Latch:
    """A condition with hysteresis: `on` after it held for a while, off again after its opposite did."""

    since: float | None = None
    on: bool = False
    ending: float | None = None  # since when the opposite holds

    @property
    def settled(self) -> bool:
        """Whether time alone changes nothing."""
        return self.since is None or (self.on and self.ending is None)


def latched(latch: Latch, high: bool, low: bool, now: float, *, on_after: float, off_after: float) -> Latch:
    """Return `latch` after one observation.

    `high` switches it on once it has held for `on_after` seconds without a gap, `low` off once it has held
    for `off_after`. Between the two (neither true) it stays as it is. `since` is when `high` began.
    """
    if not latch.on:
        if not high:
            return Latch()
        since = now if latch.since is None else latch.since
        return Latch(since, on=now - since >= on_after)
    if not low:
        return latch if latch.ending is None else replace(latch, ending=None)
    ending = now if latch.ending is None else latch.ending
    return Latch() if now - ending >= off_after else replace(latch, ending=ending)


_LATCHES = ("growing", "absent", "stalled", "redelivering", "full", "waiting")


@dataclass(frozen=True, slots=True)
class Memory:
    """What was seen of one queue. Equal before and after an observation that brings nothing new."""

    total: int | None = None  # the last one seen
    window: tuple[tuple[float, int], ...] = ()  # (time, total) where it changed, about two minutes back
    consumers_seen: int = 0  # how many consumers it last had
    active_at: float | None = None  # the last sign of traffic that was seen, to about half a minute
    idle_at: float | None = (
        None  # since when it was idle when first seen, as the broker told; it keeps revising that
    )
    arrivals: tuple[tuple[int, int], ...] = ()  # (epoch minute, messages) of a dead-letter queue, one hour
    growing: Latch = Latch()
    absent: Latch = Latch()
    stalled: Latch = Latch()
    redelivering: Latch = Latch()
    full: Latch = Latch()
    waiting: Latch = Latch()

    def observe(self, total: int, now: float) -> Memory:
        """Return the memory with `total` in its window, thinned to a point every STEP_S."""
        if self.window:
            at, last = self.window[-1]
            if last == total or now - at < STEP_S:
                return self if self.total == total else replace(self, total=total)
        kept = [point for point in self.window if now - point[0] <= WINDOW_S]
        if not kept and self.total is not None:
            # The queue stood still until now: the last value held until just before this change.
            kept = [(now - STEP_S, self.total)]
        return replace(self, total=total, window=(*kept, (now, total)))

    def slope(self, total: int, now: float) -> float | None:
        """Return the growth in messages per second over about SPAN_S, None while too little is known."""
        if not self.window:
            return None
        older = [point for point in self.window if now - point[0] >= SPAN_S]
        at, value = older[-1] if older else self.window[0]
        span = now - at
        if span < MIN_SPAN_S:
            return None
        return round((total - value) / span, 3)

    def arrived(self, count: int, now: float) -> tuple[tuple[int, int], ...]:
        """Return `arrivals` with `count` more in this minute; those of more than an hour ago are dropped."""
        if count <= 0:
            return self.arrivals
        minute = int(now // 60)
        kept = [item for item in self.arrivals if (minute - item[0]) * 60 <= HOUR_S]
        if kept and kept[-1][0] == minute:
            count += kept.pop()[1]
        return (*kept, (minute, count))

    def arrived_since(self, moment: float) -> int:
        """Return how many messages arrived after `moment`."""
        return sum(count for minute, count in self.arrivals if minute * 60 >= moment)

    def settled(self, total: int) -> bool:
        """Whether the next observation of the same facts changes neither memory nor verdict."""
        still = not self.window or self.window[-1][1] == total
        latches = (getattr(self, name) for name in _LATCHES)
        return still and not self.arrivals and not self.growing.on and all(latch.settled for latch in latches)

    def to_json(self) -> dict[str, Any]:
        """Return what differs from an empty memory, for `Queue.facts`."""
        found: dict[str, Any] = {}
        if self.total is not None:
            found["total"] = self.total
        if self.window:
            found["window"] = [[round(at, 1), total] for at, total in self.window]
        if self.consumers_seen:
            found["consumers_seen"] = self.consumers_seen
        if self.active_at is not None:
            found["active_at"] = round(self.active_at, 1)
        if self.idle_at is not None:
            found["idle_at"] = round(self.idle_at, 1)
        if self.arrivals:
            found["arrivals"] = [list(item) for item in self.arrivals]
        for name in _LATCHES:
            latch: Latch = getattr(self, name)
            if latch.since is not None:
                found[name] = [round(latch.since, 1), latch.on, latch.ending]
        return found

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Memory:
        """Return the memory that `to_json` wrote; what is missing is empty."""
        latches = {name: Latch(*stored[name]) for name in _LATCHES if name in stored}
        return cls(
            total=stored.get("total"),
            window=tuple((at, total) for at, total in stored.get("window", ())),
            consumers_seen=stored.get("consumers_seen", 0),
            active_at=stored.get("active_at"),
            idle_at=stored.get("idle_at"),
            arrivals=tuple((minute, count) for minute, count in stored.get("arrivals", ())),
            **latches,
        )
