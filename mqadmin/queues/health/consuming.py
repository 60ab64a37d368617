"""Who consumes: nobody, too few, those that have no room, those that are slow, those that fail again and again."""

from __future__ import annotations

from math import ceil
from typing import Any

from mqadmin.queues.health.facts import BROKEN, WATCH, QueueFacts, Reason, View, reason
from mqadmin.queues.health.latches import OFF, Latch, latched
from mqadmin.queues.health.memory import Memory

# A collector that restarts, or that the supervisor moves, is away for seconds: that is no news.
NO_COLLECTOR_S = 120.0
CONSUMERS_BACK_S = 4.0
FEW_S = 30.0
ROOM = 0.9  # consumers that may take a message for so much of the time are not what holds it up
BUSY, SPARE = (
    0.8,
    0.5,
)  # the share of time that handlers work: above the one they are slow, below the other not


# --- remembered


def absent(memory: Memory, facts: QueueFacts, now: float) -> Latch:
    """Nobody consumes. Begins only where someone did, or where messages wait: an empty spare is no news."""
    missing = facts.consumers == 0 and bool(memory.consumers_seen or facts.ready or facts.delayed)
    wait = facts.limits.no_consumers_s
    after = max(NO_COLLECTOR_S, wait or 0) if facts.tracked else wait or 0
    back = bool(facts.consumers)
    return latched(
        memory.absent, missing and bool(wait), back, now, on_after=after, off_after=CONSUMERS_BACK_S
    )


def few(memory: Memory, facts: QueueFacts, now: float) -> Latch:
    wanted, there = facts.limits.consumers, facts.consumers or 0
    if not wanted:
        return OFF
    return latched(
        memory.few, there < wanted, there >= wanted, now, on_after=FEW_S, off_after=CONSUMERS_BACK_S
    )


def redelivering(memory: Memory, facts: QueueFacts, now: float) -> Latch:
    limit = (facts.limits.redelivered_percent or 0) / 100
    share = redelivered_share(facts)
    high = bool(limit) and share >= limit and (facts.redeliver_rate or 0) >= 0.1
    return latched(memory.redelivering, high, share < limit / 2, now, on_after=20, off_after=30)


def redelivered_share(facts: QueueFacts) -> float:
    """Return the share of deliveries that are redeliveries, 0 to 1; 0 while nothing is delivered."""
    if not facts.deliver_rate or not facts.redeliver_rate:
        return 0.0
    return min(1.0, facts.redeliver_rate / facts.deliver_rate)


# --- judged


def is_deserted(view: View) -> bool:
    """Whether nobody consumes, for so long that nothing else of its consumers is to be said."""
    return view.memory.absent.on and not view.facts.consumers


def nobody(view: View) -> list[Reason]:
    """Say that messages wait and nobody takes them."""
    facts, memory = view.facts, view.memory
    waiting, since = (facts.ready or 0) + facts.delayed, memory.absent.since
    if not waiting or since is None:
        return []
    if facts.tracked:
        return [reason(WATCH, "no_collector", since, waiting=waiting)]
    if facts.is_inbox:
        return []  # a dead-letter queue waits for people: `letters` speaks of it
    if memory.consumers_seen:
        return [reason(BROKEN, "no_consumers", since, waiting=waiting, had=memory.consumers_seen)]
    return [reason(WATCH, "never_consumed", since, waiting=waiting)]


def too_few(view: View) -> list[Reason]:
    """Say that fewer consume than its owner wants."""
    latch, facts = view.memory.few, view.facts
    if not latch.on:
        return []
    return [
        reason(WATCH, "few_consumers", latch.since, consumers=facts.consumers, wanted=facts.limits.consumers)
    ]


def redelivered(view: View) -> list[Reason]:
    """Say that much is delivered again."""
    latch = view.memory.redelivering
    if not latch.on:
        return []
    percent = round(100 * redelivered_share(view.facts))
    return [reason(WATCH, "redelivered", latch.since, percent=percent)]


def cramped(view: View) -> list[Reason]:
    """Say why consumers do not keep up with a backlog that grows: they are slow, or may not take enough at once.

    The broker delivers while any consumer has room: ready beside unacked means that none has, whatever
    `consumer_capacity` says of quorum queues (3.10 does not measure it). What handlers have in hand tells the rest.
    """
    facts, growing = view.facts, view.memory.growing
    if not (growing.on and facts.ready and facts.unacked and facts.consumers) or _has_room(facts):
        return []
    more = _more_consumers(facts, view.growth)
    params: dict[str, Any] = {"consumers": facts.consumers, "unacked": facts.unacked}
    busy = _busy(facts)
    if busy is not None and facts.handling is not None:
        params |= {"ms": round(1000 * (facts.handling.seconds or 0), 1), "busy": round(100 * busy)}
        is_slow = busy >= SPARE
        needs = more if busy >= BUSY else None
    else:
        # With more than one at hand each, a handler never waits for the next: it is the slow one.
        is_slow = facts.unacked >= 2 * facts.consumers
        needs = more if is_slow else None
    if facts.capacity is not None and facts.type == "classic":
        params["room"] = round(100 * facts.capacity)
    if needs:
        params["more"] = needs
    return [reason(WATCH, "slow_consumers" if is_slow else "no_room", growing.since, **params)]


def _has_room(facts: QueueFacts) -> bool:
    return facts.type == "classic" and facts.capacity is not None and facts.capacity >= ROOM


def _busy(facts: QueueFacts) -> float | None:
    """Return the share of their time that handlers work, where all consumers are mqadmin's and it is measured."""
    own = facts.handling
    if own is None or own.seconds is None or not own.slots or own.processes < (facts.consumers or 0):
        return None
    return min(1.0, (facts.ack_rate or 0) * own.seconds / own.slots)


def _more_consumers(facts: QueueFacts, growth: float | None) -> int | None:
    """Return how many more such consumers would keep up with what arrives; None where nothing can be said."""
    if not facts.consumers or not facts.ack_rate:
        return None
    each = facts.ack_rate / facts.consumers
    arrives = max(facts.publish_rate or 0, facts.ack_rate + max(growth or 0, 0))
    return max(1, ceil(arrives / each - 0.05) - facts.consumers)
