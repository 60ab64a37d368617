"""The verdict on time lag: the oldest message of a queue waits too long. Pure; hooked into `health`."""

from __future__ import annotations

from typing import Any, Protocol

from mqadmin.queues.health.memory import Latch, latched

OLDEST_S = 600.0
WATCH = "watch"
BACK_SHARE = 0.8  # of the limit: below it is well again
BACK_S = 10.0


class Facts(Protocol):
    """What of `health.QueueFacts` it goes by. `oldest_s`: how long is too long."""

    @property
    def type(self) -> str: ...
    @property
    def is_delay(self) -> bool: ...
    @property
    def is_inbox(self) -> bool: ...
    @property
    def oldest_at(self) -> int | None: ...
    @property
    def oldest_at_least(self) -> bool: ...
    @property
    def oldest_s(self) -> float: ...


def remember(latch: Latch, facts: Facts, now: float) -> Latch:
    """Return whether the oldest waits too long, and since when. Letters wait for people, delays are meant to, and
    a stream keeps what was read."""
    if facts.type == "stream" or facts.is_delay or facts.is_inbox:
        return Latch()
    waits = 0.0 if facts.oldest_at is None else now - facts.oldest_at
    too_long, well = waits >= facts.oldest_s, waits < BACK_SHARE * facts.oldest_s
    return latched(latch, too_long, well, now, on_after=0, off_after=BACK_S)


def reasons(facts: Facts, latch: Latch) -> list[tuple[str, dict[str, Any]]]:
    """Return the reason "the oldest waits 14 min", or none."""
    if not latch.on or latch.since is None or facts.oldest_at is None:
        return []
    params = {"oldest_at": facts.oldest_at, "at_least": facts.oldest_at_least, "limit": int(facts.oldest_s)}
    reason = {"code": "waits_long", "level": WATCH, "params": params, "since": int(latch.since)}
    return [(WATCH, reason)]


def is_settled(facts: Facts, latch: Latch) -> bool:
    """Whether time alone changes nothing: what waits will wait too long one day."""
    exempt = facts.type == "stream" or facts.is_delay or facts.is_inbox
    return exempt or facts.oldest_at is None or latch.on
