"""Time lag: the oldest message of a queue waits too long."""

from __future__ import annotations

from mqadmin.queues.health.facts import FOREVER, WATCH, QueueFacts, Reason, View, reason
from mqadmin.queues.health.latches import OFF, Latch, latched
from mqadmin.queues.health.memory import Memory

BACK_SHARE = 0.8  # of the limit: below it is well again
BACK_S = 10.0


def waiting(memory: Memory, facts: QueueFacts, now: float) -> Latch:
    """Return whether the oldest waits too long, and since when."""
    limit = facts.limits.oldest_s
    if not limit or _may_wait(facts):
        return OFF
    waits = 0.0 if facts.oldest_at is None else now - facts.oldest_at
    too_long, well = waits >= limit, waits < BACK_SHARE * limit
    return latched(memory.waiting, too_long, well, now, on_after=0, off_after=BACK_S)


def _may_wait(facts: QueueFacts) -> bool:
    """Letters wait for people, delays are meant to, and a stream keeps what was read."""
    return facts.type == "stream" or facts.is_delay or facts.is_inbox


def waits_long(view: View) -> list[Reason]:
    """Say how long the oldest waits, where that is too long."""
    facts, latch = view.facts, view.memory.waiting
    if not latch.on or facts.oldest_at is None:
        return []
    limit = int(facts.limits.oldest_s or 0)
    params = {"oldest_at": facts.oldest_at, "at_least": facts.oldest_at_least, "limit": limit}
    return [reason(WATCH, "waits_long", latch.since, **params)]


def wake_at(view: View) -> float:
    """Return when what waits will have waited too long."""
    facts, limit = view.facts, view.facts.limits.oldest_s
    if not limit or facts.oldest_at is None or view.memory.waiting.on or _may_wait(facts):
        return FOREVER
    return facts.oldest_at + limit
