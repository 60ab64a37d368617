"""What waits: growing, standing still, late, piling up in consumers' hands, beyond what the owner allows."""

from __future__ import annotations

from typing import Any

from mqadmin.queues.health.facts import BROKEN, NEVER, OK, WATCH, QueueFacts, Reason, View, reason
from mqadmin.queues.health.latches import OFF, Latch, latched
from mqadmin.queues.health.memory import Memory

GROWING_OFF_S = 30.0
GROWING_BROKEN = 10  # times as long
STALLED_BROKEN = 5
MIN_GROWTH = 0.2
SOON_S = 3600.0
HOARDING_S = 60.0
DRAINING_S = 60.0  # shorter, and there is nothing to tell
LAGGING_S = 60.0


# --- remembered


def growing(memory: Memory, facts: QueueFacts, slope: float | None, now: float) -> Latch:
    ready = facts.ready or 0
    # Five seconds' worth of arrivals is traffic in flight, not a backlog.
    is_backlog = ready >= max(20.0, 5 * (facts.publish_rate or 0))
    wait = facts.limits.growing_s
    # Nobody falls behind where nobody consumes: who comes, a collector say, is not late since before it came.
    deserted = memory.absent.on and not facts.consumers
    rises = slope is not None and slope >= MIN_GROWTH and is_backlog and bool(wait) and not deserted
    falls = deserted or (slope is not None and (slope <= 0 or ready < 10))
    return latched(memory.growing, rises, falls, now, on_after=wait or 0, off_after=GROWING_OFF_S)


def stalled(memory: Memory, facts: QueueFacts, now: float) -> Latch:
    wait = facts.limits.stalled_s
    waits = bool(facts.ready and facts.consumers and facts.unacked and wait)
    still = facts.ack_rate == 0 and not facts.deliver_rate
    return latched(
        memory.stalled, waits and still, not waits or not still, now, on_after=wait or 0, off_after=10
    )


def hoarding(memory: Memory, facts: QueueFacts, slope: float | None, now: float) -> Latch:
    """Consumers take all that comes and ack too little of it: nothing is ready, and still it grows."""
    ready, unacked = facts.ready or 0, facts.unacked or 0
    held = (
        unacked >= max(200.0, 20 * (facts.ack_rate or 0)) and unacked > 10 * ready and bool(facts.consumers)
    )
    rises = held and slope is not None and slope >= MIN_GROWTH
    falls = not held or (slope is not None and slope <= 0)
    return latched(memory.hoarding, rises, falls, now, on_after=HOARDING_S, off_after=GROWING_OFF_S)


def lagging(memory: Memory, facts: QueueFacts, now: float) -> Latch:
    """Each reader of a stream should get all that is published."""
    if facts.type != "stream":
        return OFF
    each = _each_reader(facts)
    arrives = facts.publish_rate or 0
    behind = each is not None and arrives >= 1 and each < 0.9 * arrives
    fine = each is None or each >= 0.95 * arrives
    return latched(memory.lagging, behind, fine, now, on_after=LAGGING_S, off_after=GROWING_OFF_S)


def over(latch: Latch, value: int | None, limit: float | None, now: float) -> Latch:
    """More than the owner allows; no more once a tenth below it."""
    if not limit or value is None:
        return OFF
    return latched(latch, value > limit, value <= 0.9 * limit, now, on_after=0, off_after=0)


def _each_reader(facts: QueueFacts) -> float | None:
    if not facts.consumers or facts.deliver_rate is None:
        return None
    return facts.deliver_rate / facts.consumers


# --- judged


def standing(view: View) -> list[Reason]:
    """Say that nothing is acked, or else that the backlog grows, or takes long, or when it is gone."""
    facts, memory = view.facts, view.memory
    stalled, growing, clears = memory.stalled, memory.growing, view.clears_in
    if stalled.on and stalled.since is not None:
        is_long = view.now - stalled.since >= STALLED_BROKEN * (facts.limits.stalled_s or 0)
        return [reason(BROKEN if is_long else WATCH, "stalled", stalled.since, unacked=facts.unacked)]
    if growing.on and growing.since is not None:
        return [_falling_behind(view, growing.since)]
    if clears is None or clears >= NEVER or not facts.ready:
        return []
    if facts.limits.clears_s and clears > facts.limits.clears_s:
        return [reason(WATCH, "clears_late", seconds=int(clears))]
    if clears >= DRAINING_S:
        return [reason(OK, "draining", seconds=int(clears // 60 * 60))]
    return []


def _falling_behind(view: View, since: float) -> Reason:
    facts, growth = view.facts, max(view.growth or 0, 0)
    full_in, unit = _full_in(facts, growth)
    is_long = view.now - since >= GROWING_BROKEN * (facts.limits.growing_s or 0)
    is_soon = full_in is not None and full_in < SOON_S
    params: dict[str, Any] = {"rate": round(growth, 1)}
    if full_in is not None:
        full_at = int((view.now + full_in) // 60 * 60)  # no finer than a forecast is
        limit = facts.max_bytes if unit == "bytes" else facts.max_length
        params |= {"full_in": int(full_in), "full_at": full_at, "limit": limit or 0, "unit": unit}
    return reason(BROKEN if is_long or is_soon else WATCH, "growing", since, **params)


def _full_in(facts: QueueFacts, growth: float) -> tuple[float | None, str]:
    """Return in how many seconds it is full, and by which of its limits; None where it has none."""
    found = []
    if growth and facts.max_length:
        found.append((max(0, facts.max_length - (facts.ready or 0)) / growth, "messages"))
    if growth and facts.max_bytes and facts.bytes_ready and facts.ready:
        mean = facts.bytes_ready / facts.ready
        found.append((max(0, facts.max_bytes - facts.bytes_ready) / (growth * mean), "bytes"))
    return min(found, default=(None, ""))


def hoarded(view: View) -> list[Reason]:
    """Say that consumers without a limit take what they cannot handle."""
    latch, facts = view.memory.hoarding, view.facts
    if not latch.on:
        return []
    params = {
        "unacked": facts.unacked,
        "consumers": facts.consumers,
        "rate": round(max(view.growth or 0, 0), 1),
    }
    return [reason(WATCH, "hoarding", latch.since, **params)]


def readers_behind(view: View) -> list[Reason]:
    """Say that a stream's readers get less than comes."""
    latch, facts = view.memory.lagging, view.facts
    if not latch.on:
        return []
    each = _each_reader(facts) or 0
    params = {
        "readers": facts.consumers,
        "each": round(each, 1),
        "rate": round(max((facts.publish_rate or 0) - each, 0), 1),
    }
    return [reason(WATCH, "readers_behind", latch.since, **params)]


def over_limits(view: View) -> list[Reason]:
    """Say what is more than its owner allows."""
    found = []
    memory, facts = view.memory, view.facts
    if memory.over_ready.on:
        limit = facts.limits.ready
        found.append(reason(WATCH, "too_many_ready", memory.over_ready.since, ready=facts.ready, limit=limit))
    if memory.over_unacked.on:
        limit, since = facts.limits.unacked, memory.over_unacked.since
        found.append(reason(WATCH, "too_many_unacked", since, unacked=facts.unacked, limit=limit))
    return found


def clears_in(facts: QueueFacts, memory: Memory, growth: float | None) -> float | None:
    """Return `Verdict.clears_in`."""
    ready = facts.ready or 0
    if facts.type == "stream":
        return None
    if facts.is_delay:
        return None if facts.delay_ms is None else facts.delay_ms / 1000
    if not ready:
        return None if facts.delayed else 0.0
    if not facts.consumers:
        return None
    if memory.growing.on or memory.stalled.on:
        return NEVER
    if facts.ack_rate and ready <= 10 * facts.ack_rate:
        return round(ready / facts.ack_rate, 1)
    if growth is None:
        return None
    return float(round(ready / -growth)) if growth < 0 else NEVER
