"""What verdicts remember of a queue between samples: small, immutable, stored as JSON in `Queue.facts`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from mqadmin.queues.health.latches import OFF, Latch

WINDOW_S = 120.0
STEP_S = 15.0
SPAN_S = 45.0
MIN_SPAN_S = 20.0
HOUR_S = 3600.0
UTC = "UTC"

LATCHES = (
    "growing",
    "absent",
    "stalled",
    "redelivering",
    "full",
    "losing",
    "hoarding",
    "lagging",
    "over_ready",
    "over_unacked",
    "few",
    "waiting",
    "behind",
)


@dataclass(frozen=True, slots=True)
class Usual:
    """When messages arrived, and how long the pauses between them usually are.

    `pauses`: the longest pause in minutes by hour of the day, 24 of Monday to Friday and 24 of the weekend, in
    the time zone of that name; -1 for not known; () before the first arrival. See `silence`.
    """

    arrived_at: float | None = None  # the last arrival, to about half a minute; at first, the first look
    steady_since: float | None = None  # since when they have come without a pause worth the name
    known_since: float | None = None  # since when pauses are known
    pauses: tuple[int, ...] = ()
    zone: str = UTC


NOTHING_USUAL = Usual()


@dataclass(frozen=True, slots=True)
class Memory:
    """What was seen of one queue. Equal before and after an observation that brings nothing new."""

    total: int | None = None  # the last one seen
    # Counters as last seen, and what they add up to: not stored, as they change with every message.
    published: int | None = None
    left: int | None = None
    ledger: tuple[
        tuple[float, int, int, int, int, int], ...
    ] = ()  # `losses.Entry`, sparser with age; not stored
    window: tuple[tuple[float, int], ...] = ()  # (time, total) where it changed, about two minutes back
    consumers_seen: int = 0  # how many consumers it last had
    active_at: float | None = None  # the last sign of traffic that was seen, to about half a minute
    idle_at: float | None = (
        None  # since when it was idle when first seen, as the broker told; it keeps revising that
    )
    arrivals: tuple[tuple[int, int], ...] = ()  # (epoch minute, messages) of a dead-letter queue, one hour
    usual: Usual = NOTHING_USUAL
    node: str = ""
    moved: tuple[float, str] | None = None  # when its leader moved, and from where
    anew: tuple[float, str] | None = None  # when it was found to be another queue of that name, and by what
    growing: Latch = OFF
    absent: Latch = OFF
    stalled: Latch = OFF
    redelivering: Latch = OFF
    full: Latch = OFF
    losing: Latch = OFF
    hoarding: Latch = OFF
    lagging: Latch = OFF
    over_ready: Latch = OFF
    over_unacked: Latch = OFF
    few: Latch = OFF
    waiting: Latch = OFF
    behind: Latch = OFF

    def window_with(self, total: int, now: float) -> tuple[tuple[float, int], ...]:
        """Return the window with `total` in it, thinned to a point every STEP_S."""
        if self.window:
            at, last = self.window[-1]
            if last == total or now - at < STEP_S:
                return self.window
        kept = [point for point in self.window if now - point[0] <= WINDOW_S]
        if not kept and self.total is not None:
            # The queue stood still until now: the last value held until just before this change.
            kept = [(now - STEP_S, self.total)]
        return (*kept, (now, total))

    def slope(self, total: int, now: float) -> float | None:
        """Return the growth in messages per second over about SPAN_S, None while too little is known."""
        return slope(self.window, total, now)

    def arrivals_with(self, count: int, now: float) -> tuple[tuple[int, int], ...]:
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
        if not still or self.arrivals or self.growing.on or self.losing.on:
            return False
        return all(latch is OFF or latch.settled for latch in _latches(self))

    def remade(self, now: float, by: str) -> Memory:
        """Return what is still true once another queue has taken the name: who used it, and when."""
        return Memory(consumers_seen=self.consumers_seen, usual=self.usual, anew=(now, by))

    def to_json(self) -> dict[str, Any]:
        """Return what differs from an empty memory, for `Queue.facts`."""
        found: dict[str, Any] = {
            name: value for name in _PLAIN if (value := getattr(self, name)) is not None and value != ""
        }
        found |= {name: round(value, 1) for name in _TIMES if (value := getattr(self, name)) is not None}
        if self.consumers_seen:
            found["consumers_seen"] = self.consumers_seen
        if self.window:
            found["window"] = [[round(at, 1), total] for at, total in self.window]
        if self.arrivals:
            found["arrivals"] = [list(item) for item in self.arrivals]
        for name in _EVENTS:
            if (event := getattr(self, name)) is not None:
                found[name] = [round(event[0], 1), event[1]]
        if self.usual != NOTHING_USUAL:
            found["usual"] = [
                self.usual.arrived_at,
                self.usual.steady_since,
                self.usual.known_since,
                list(self.usual.pauses),
            ]
            if self.usual.zone != UTC:
                found["usual"].append(self.usual.zone)
        for name, latch in zip(LATCHES, _latches(self), strict=True):
            if latch is not OFF and latch.since is not None:
                found[name] = [round(latch.since, 1), latch.on, latch.ending]
        return found

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Memory:
        """Return the memory that `to_json` wrote; what is missing is empty."""
        plain = {name: stored[name] for name in (*_PLAIN, *_TIMES, "consumers_seen") if name in stored}
        latches: dict[str, Any] = {name: Latch(*stored[name]) for name in LATCHES if name in stored}
        events: dict[str, Any] = {name: tuple(stored[name]) for name in _EVENTS if name in stored}
        usual = NOTHING_USUAL
        if "usual" in stored:
            arrived, steady, known, pauses, *zone = stored["usual"]
            usual = Usual(arrived, steady, known, tuple(pauses), *zone)
        return cls(
            window=tuple((at, total) for at, total in stored.get("window", ())),
            arrivals=tuple((minute, count) for minute, count in stored.get("arrivals", ())),
            usual=usual,
            **plain,
            **events,
            **latches,
        )


_latches = attrgetter(*LATCHES)
_PLAIN = ("total", "node")
_TIMES = ("active_at", "idle_at")
_EVENTS = ("moved", "anew")


def slope(window: tuple[tuple[float, int], ...], total: int, now: float) -> float | None:
    """Return the growth in messages per second over about SPAN_S, None while too little is known."""
    if not window:
        return None
    older = None
    for point in window:
        if now - point[0] < SPAN_S:
            break
        older = point
    at, value = older or window[0]
    span = now - at
    if span < MIN_SPAN_S:
        return None
    return round((total - value) / span, 3)
