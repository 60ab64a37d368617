"""Messages that are gone before anybody took them: expired, dropped at a limit, refused; and how full a queue is.

What was published to a queue is ready, or was delivered, or is gone untaken. By another count: it is there, or was
acked, or is gone. Counters and lengths are told by different processes, each up to five seconds late, so the
smaller of the two is taken, over some minutes, less what that may be worth. One jump is a purge, not a leak: it
does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from mqadmin.queues.health.facts import BROKEN, WATCH, QueueFacts, Reason, View, reason
from mqadmin.queues.health.latches import OFF, Latch, latched
from mqadmin.queues.health.memory import Memory

# When, what was published, what of it is untaken and what unacked by the counts, what was delivered, what left.
Entry = tuple[float, int, int, int, int, int]

WINDOW_S = 300.0
STEP_S = 9.0
SPAN_S = 15.0
UNSETTLED_S = 7.0  # of traffic may be counted on one side only
OFF_S = 60.0
FULL_OFF = 0.9  # of the share at which it is told
AT_LIMIT = 0.95


@dataclass(frozen=True, slots=True)
class Loss:
    """`rate`: messages per second, `percent` of what arrived meanwhile."""

    rate: float
    percent: float


# --- remembered


def ledger(memory: Memory, facts: QueueFacts, now: float) -> tuple[Entry, ...]:
    """Return the accounts with this one, sparser with age."""
    entry = _entry(facts, now)
    if entry is None or facts.emptied:
        return ()
    entries = memory.ledger
    if not entries or _count_anew(entries[-1], entry):
        return (entry,)
    if now - entries[-1][0] < STEP_S or entry[1:] == entries[-1][1:]:
        return entries
    kept = [entry]
    for older in reversed(entries):
        age = now - older[0]
        if age <= WINDOW_S and kept[-1][0] - older[0] >= max(STEP_S, age / 4):
            kept.append(older)
    return tuple(reversed(kept))


def losing(latch: Latch, entries: tuple[Entry, ...], memory: Memory, facts: QueueFacts, now: float) -> Latch:
    limit = facts.limits.lost_percent
    if not entries or not limit or _is_meant(memory, facts):
        return OFF
    loss = lost(entries, facts, now)
    high = loss is not None and loss.percent >= limit
    low = loss is None or loss.percent < limit / 2
    return latched(latch, high, low, now, on_after=0, off_after=OFF_S)


def full(memory: Memory, facts: QueueFacts, now: float) -> Latch:
    share, told = _share(facts), (facts.limits.full_percent or 0) / 100
    if not share or not told:
        return OFF
    return latched(memory.full, share >= told, share < FULL_OFF * told, now, on_after=0, off_after=0)


def lost(entries: tuple[Entry, ...], facts: QueueFacts, now: float) -> Loss | None:
    """Return what is lost by the accounts of the last minutes; None for nothing that is sure."""
    entry = _entry(facts, now)
    if entry is None:
        return None
    first = next((older for older in entries if now - older[0] <= WINDOW_S), entry)
    span, gone = now - first[0], _gone(first, entry)
    noise = UNSETTLED_S * ((facts.publish_rate or 0) + (facts.deliver_rate or 0)) + 2
    if span < SPAN_S or gone <= noise:
        return None
    known = [*(older for older in entries if first[0] <= older[0] < now), entry]
    if gone - max(_gone(before, after) for before, after in pairwise(known)) <= noise:
        return None
    arrived = max(entry[1] - first[1], gone)
    return Loss(round(gone / span, 2), min(100.0, 100 * gone / arrived))


def _entry(facts: QueueFacts, now: float) -> Entry | None:
    if facts.published is None or facts.ready is None or facts.total is None:
        return None
    if facts.is_delay or facts.type == "stream":
        return None
    delivered, left = facts.delivered or 0, facts.left or 0
    untaken = facts.published - facts.ready - delivered
    unacked = facts.published - facts.total - facts.delayed - left
    return (now, facts.published, untaken, unacked, delivered, left)


def _count_anew(before: Entry, after: Entry) -> bool:
    """Whether a counter fell: its statistics, or those of the channels of a node that is away, began anew."""
    return any(after[place] < before[place] for place in (1, 4, 5))


def _gone(before: Entry, after: Entry) -> int:
    untaken, unacked = after[2] - before[2], after[3] - before[3]
    return untaken if untaken < unacked else unacked


def _is_meant(memory: Memory, facts: QueueFacts) -> bool:
    """Whether expiring is what it is for: nobody ever consumed it, and what expires goes on to another queue."""
    return facts.dead_letters and facts.ttl_ms is not None and not (memory.consumers_seen or facts.consumers)


def _share(facts: QueueFacts) -> float:
    """Return how full it is, 0 to 1 and a bit; 0 without a limit."""
    by_count = (facts.ready or 0) / facts.max_length if facts.max_length else 0.0
    by_bytes = (facts.bytes_ready or 0) / facts.max_bytes if facts.max_bytes else 0.0
    return max(by_count, by_bytes)


# --- judged


def limit(view: View) -> list[Reason]:
    """Say how full it is, and what happens at its limit."""
    facts = view.facts
    if not view.memory.full.on:
        return []
    share = _share(facts)
    is_bytes = bool(facts.max_bytes) and share == (facts.bytes_ready or 0) / (facts.max_bytes or 1)
    refuses = facts.overflow.startswith("reject-publish")
    params = {
        "limit": facts.max_bytes if is_bytes else facts.max_length,
        "unit": "bytes" if is_bytes else "messages",
        "percent": min(100, int(100 * share)),
        "refuses": refuses,
    }
    # A limit in bytes is reached when the next message does not fit any more.
    is_full = share >= (AT_LIMIT if is_bytes else 1)
    level = BROKEN if is_full and refuses else WATCH
    return [reason(level, "full" if is_full else "nearly_full", view.memory.full.since, **params)]


def eaten(view: View) -> list[Reason]:
    """Say what is gone before anybody took it, how, and how sure that is."""
    latch, facts = view.memory.losing, view.facts
    loss = lost(view.memory.ledger, facts, view.now) if latch.on else None
    if not latch.on:
        return []
    params = {
        "how": _how(facts),
        "rate": loss.rate if loss else 0,
        "percent": round(loss.percent) if loss else 0,
        "at_least": facts.receives,
        "kept": facts.dead_letters,
    }
    return [reason(WATCH, "losing", latch.since, **params)]


def _how(facts: QueueFacts) -> str:
    if _share(facts) >= AT_LIMIT:
        if facts.overflow.startswith("reject-publish"):
            return "refused"
        return "dropped"
    return "expired" if facts.ttl_ms is not None else "unknown"
