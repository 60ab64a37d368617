"""The verdict on a queue: a pure function of what the broker reports and what is remembered of it.

`remember` folds one observation into a queue's `Memory`; `judge` turns facts and memory into a `Verdict`.
Neither has a clock, a database or a broker: the monitor feeds them, tests feed them tables. Times are epoch
seconds, rates messages per second. A number that the broker did not report is None: unknown, not zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mqadmin.queues.health import waiting
from mqadmin.queues.health.memory import Latch, Memory, latched

BROKEN, WATCH, OK, IDLE, UNKNOWN = "broken", "watch", "ok", "idle", "unknown"
RANK = {BROKEN: 3, WATCH: 2, OK: 1, IDLE: 0, UNKNOWN: 0}

NEVER = 1e12  # clears_in of a backlog that grows or stands still: sorts behind every real duration
IDLE_AFTER_S = 60.0
NO_CONSUMERS_S = 30.0
# A collector that restarts, or that the supervisor moves, is away for seconds: that is no news.
NO_COLLECTOR_S = 120.0
CONSUMERS_BACK_S = 4.0
GROWING_S = 30.0
GROWING_BROKEN_S = 300.0
MIN_GROWTH = 0.2
STALLED_S = 60.0
STALLED_BROKEN_S = 300.0
LATE_S = 3600.0

# https://www.rabbitmq.com/docs/monitoring: states of a queue that serves nobody. `down` and `crashed`:
# classic; `stopped`: its vhost is down; `minority`, `noproc`, `nodedown`: quorum without its majority.
DOWN_STATES = frozenset({"down", "crashed", "stopped", "minority", "noproc", "nodedown", "terminated"})


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """What is true of a queue at one moment, as far as the broker said."""

    type: str = "classic"
    state: str = "running"
    ready: int | None = 0
    unacked: int | None = 0
    total: int | None = 0
    consumers: int | None = 0
    publish_rate: float | None = None
    deliver_rate: float | None = None
    ack_rate: float | None = None
    redeliver_rate: float | None = None
    max_length: int | None = None
    overflow: str = ""
    is_delay: bool = False  # it only holds messages for a while
    delay_ms: int | None = None  # how long, where its own arguments say it
    dead_letter_fault: str = ""  # `exchange_missing`, `routes_nowhere`, ...
    inbox_of: tuple[str, ...] = ()  # the queues that dead-letter into this one
    is_inbox: bool = False
    tracked: bool = False
    alarms: tuple[str, ...] = ()  # of the broker: `memory`, `disk`
    idle_since: float | None = None  # the broker's own word, where it gives one
    members: int = 0  # of a quorum queue or stream; `away`: those of them that are not there
    away: tuple[str, ...] = ()
    lacks_majority: bool = False
    delayed: int = 0  # returned, and waiting for a delayed retry: neither ready nor unacked
    oldest_at: int | None = None  # since when the oldest ready message waits; `oldest_at_least`: or longer
    oldest_at_least: bool = False
    oldest_s: float = waiting.OLDEST_S  # how long is too long


@dataclass(frozen=True, slots=True)
class Verdict:
    """A level, its reasons (worst first; codes and params for `wording`), and the forecast.

    `clears_in`: seconds until the backlog is gone at the present rate, NEVER, or None where nothing can be
    said. `growth`: messages per second, over about the last minute. `settled`: time alone changes nothing.
    """

    level: str
    reasons: tuple[dict[str, Any], ...]
    clears_in: float | None
    growth: float | None
    settled: bool


def remember(memory: Memory, facts: QueueFacts, now: float) -> Memory:
    """Return `memory` with one more observation. The result equals `memory` when there is nothing new."""
    if facts.total is None or facts.consumers is None or facts.ready is None:
        return memory
    is_first = memory.total is None
    arrived = facts.total - (memory.total or 0) if not is_first else 0
    memory = memory.observe(facts.total, now)
    active = _is_active(facts, arrived)
    slope = memory.slope(facts.total, now)
    return replace(
        memory,
        consumers_seen=facts.consumers or memory.consumers_seen,
        active_at=_active_at(memory, active, now),
        idle_at=facts.idle_since if is_first else memory.idle_at,
        arrivals=memory.arrived(arrived, now) if facts.is_inbox else memory.arrivals,
        growing=_growing(memory, facts, slope, now),
        absent=_absent(memory, facts, now),
        stalled=_stalled(memory, facts, now),
        redelivering=_redelivering(memory, facts, now),
        full=_full(memory, facts, now),
        waiting=waiting.remember(memory.waiting, facts, now),
    )


def judge(facts: QueueFacts, memory: Memory, now: float) -> Verdict:
    """Return the verdict for `facts`; `memory` already includes them (see `remember`)."""
    if facts.state in DOWN_STATES or facts.lacks_majority:
        return _verdict([_down(facts)], None, None, settled=True)
    lost = _lost(facts)
    if facts.total is None or facts.ready is None or facts.consumers is None:
        unknown = [_reason(UNKNOWN, "not_reported")]
        return _verdict(lost + _members_away(facts) or unknown, None, None, settled=True)
    growth = memory.slope(facts.total, now)
    clears_in = _clears_in(facts, memory, growth)
    reasons = lost + _members_away(facts) + _faults(facts, memory, now)
    if facts.type != "stream" and not facts.is_delay:
        reasons += _backlog(facts, memory, growth, clears_in, now)
    if facts.is_inbox:
        reasons += _letters(facts, memory, now)
    reasons += waiting.reasons(facts, memory.waiting)
    is_idle = _is_idle(memory, now)
    if facts.delayed:
        reasons.append(_reason(OK, "delayed", count=facts.delayed))
    reasons += _quiet(facts, memory, is_idle, reasons)
    settled = is_idle and memory.settled(facts.total) and waiting.is_settled(facts, memory.waiting)
    return _verdict(reasons, clears_in, growth, settled=settled, idle=is_idle and not facts.delayed)


def _verdict(
    reasons: list[tuple[str, dict[str, Any]]],
    clears_in: float | None,
    growth: float | None,
    *,
    settled: bool,
    idle: bool = False,
) -> Verdict:
    ordered = sorted(reasons, key=lambda item: -RANK[item[0]])
    worst = ordered[0][0] if ordered else OK
    if worst in (OK, IDLE):
        worst = IDLE if idle or worst == IDLE else OK
    return Verdict(worst, tuple(reason for _, reason in ordered), clears_in, growth, settled)


def _reason(level: str, code: str, **params: Any) -> tuple[str, dict[str, Any]]:
    return level, {"code": code, "level": level, "params": params}


# --- what is remembered ---------------------------------------------------------------------------------


def _is_active(facts: QueueFacts, arrived: int) -> bool:
    return bool(arrived or facts.publish_rate or facts.deliver_rate or facts.ack_rate)


def _active_at(memory: Memory, active: bool, now: float) -> float | None:
    if active:
        # Coarse on purpose: a busy queue's row is not rewritten for this alone.
        recent = memory.active_at is not None and now - memory.active_at < IDLE_AFTER_S / 2
        return memory.active_at if recent else now
    return memory.active_at


def _growing(memory: Memory, facts: QueueFacts, slope: float | None, now: float) -> Latch:
    ready = facts.ready or 0
    # Five seconds' worth of arrivals is traffic in flight, not a backlog.
    is_backlog = ready >= max(20.0, 5 * (facts.publish_rate or 0))
    rises = slope is not None and slope >= MIN_GROWTH and is_backlog
    falls = slope is not None and (slope <= 0 or ready < 10)
    return latched(memory.growing, rises, falls, now, on_after=GROWING_S, off_after=GROWING_S)


def _absent(memory: Memory, facts: QueueFacts, now: float) -> Latch:
    """Nobody consumes. Begins only where someone did, or where messages wait: an empty spare is no news."""
    missing = facts.consumers == 0 and bool(memory.consumers_seen or facts.ready or facts.delayed)
    wait = NO_COLLECTOR_S if facts.tracked else NO_CONSUMERS_S
    back = bool(facts.consumers)
    return latched(memory.absent, missing, back, now, on_after=wait, off_after=CONSUMERS_BACK_S)


def _stalled(memory: Memory, facts: QueueFacts, now: float) -> Latch:
    waits = bool(facts.ready and facts.consumers and facts.unacked)
    still = facts.ack_rate == 0 and not facts.deliver_rate
    return latched(
        memory.stalled, waits and still, not waits or not still, now, on_after=STALLED_S, off_after=10
    )


def _redelivering(memory: Memory, facts: QueueFacts, now: float) -> Latch:
    share = redelivered_share(facts)
    high = share >= 0.2 and (facts.redeliver_rate or 0) >= 0.1
    return latched(memory.redelivering, high, share < 0.1, now, on_after=20, off_after=30)


def _full(memory: Memory, facts: QueueFacts, now: float) -> Latch:
    if not facts.max_length:
        return Latch()
    share = (facts.ready or 0) / facts.max_length
    return latched(memory.full, share >= 0.9, share < 0.8, now, on_after=0, off_after=0)


def redelivered_share(facts: QueueFacts) -> float:
    """Return the share of deliveries that are redeliveries, 0 to 1; 0 while nothing is delivered."""
    if not facts.deliver_rate or not facts.redeliver_rate:
        return 0.0
    return min(1.0, facts.redeliver_rate / facts.deliver_rate)


# --- what is judged -------------------------------------------------------------------------------------


def _clears_in(facts: QueueFacts, memory: Memory, growth: float | None) -> float | None:
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


def _down(facts: QueueFacts) -> tuple[str, dict[str, Any]]:
    if not facts.lacks_majority:
        return _reason(BROKEN, "down", state=facts.state)
    return _reason(BROKEN, "down", state="minority", away=list(facts.away), members=facts.members)


def _members_away(facts: QueueFacts) -> list[tuple[str, dict[str, Any]]]:
    """Say who is away, and how many more it can do without."""
    if not facts.away:
        return []
    spare = (facts.members - 1) // 2 - len(facts.away)
    params = {"away": list(facts.away), "members": facts.members, "spare": spare}
    return [_reason(WATCH, "members_away", **params)]


def _lost(facts: QueueFacts) -> list[tuple[str, dict[str, Any]]]:
    if not facts.dead_letter_fault:
        return []
    return [_reason(BROKEN, "dead_letters_lost", fault=facts.dead_letter_fault)]


def _faults(facts: QueueFacts, memory: Memory, now: float) -> list[tuple[str, dict[str, Any]]]:
    reasons = []
    if memory.full.on and facts.max_length:
        reasons.append(_limit(facts, facts.max_length))
    blocked = memory.active_at is not None and now - memory.active_at < IDLE_AFTER_S
    if facts.alarms and blocked:
        reasons.append(_reason(WATCH, "blocked", alarms=list(facts.alarms)))
    return reasons


def _limit(facts: QueueFacts, limit: int) -> tuple[str, dict[str, Any]]:
    refuses = facts.overflow.startswith("reject-publish")
    is_full = (facts.ready or 0) >= limit
    level = BROKEN if is_full and refuses else WATCH
    percent = min(100, int(100 * (facts.ready or 0) / limit))
    return _reason(level, "full" if is_full else "nearly_full", limit=limit, percent=percent, refuses=refuses)


def _backlog(
    facts: QueueFacts, memory: Memory, growth: float | None, clears_in: float | None, now: float
) -> list[tuple[str, dict[str, Any]]]:
    if memory.absent.on and not facts.consumers:
        return _nobody(facts, memory)
    reasons = []
    if memory.stalled.on and memory.stalled.since is not None:
        level = BROKEN if now - memory.stalled.since >= STALLED_BROKEN_S else WATCH
        reasons.append(_reason(level, "stalled", since=int(memory.stalled.since), unacked=facts.unacked))
    elif memory.growing.on and memory.growing.since is not None:
        reasons.append(_falling_behind(facts, memory.growing.since, max(growth or 0, 0), now))
        if facts.unacked and facts.consumers and facts.ready:
            # The broker delivers while any consumer has room: ready beside unacked means none has.
            reasons.append(_reason(WATCH, "full_prefetch", consumers=facts.consumers, unacked=facts.unacked))
    elif clears_in is not None and LATE_S < clears_in < NEVER:
        reasons.append(_reason(WATCH, "clears_late", seconds=int(clears_in)))
    if memory.redelivering.on:
        percent = round(100 * redelivered_share(facts))
        reasons.append(_reason(WATCH, "redelivered", percent=percent))
    return reasons


def _falling_behind(facts: QueueFacts, since: float, growth: float, now: float) -> tuple[str, dict[str, Any]]:
    full_in = None
    if facts.max_length and growth:
        full_in = int(max(0, facts.max_length - (facts.ready or 0)) / growth)
    soon_full = full_in is not None and full_in < LATE_S
    level = BROKEN if soon_full or now - since >= GROWING_BROKEN_S else WATCH
    params = {"since": int(since), "rate": round(growth, 1)}
    if full_in is not None:
        params |= {"full_in": full_in, "limit": facts.max_length or 0}
    return _reason(level, "growing", **params)


def _nobody(facts: QueueFacts, memory: Memory) -> list[tuple[str, dict[str, Any]]]:
    waiting = (facts.ready or 0) + facts.delayed
    if not waiting or memory.absent.since is None:
        return []
    since = int(memory.absent.since)
    if facts.tracked:
        return [_reason(WATCH, "no_collector", since=since, waiting=waiting)]
    if facts.is_inbox:
        return []  # a dead-letter queue waits for people: `_letters` speaks of it
    if memory.consumers_seen:
        return [_reason(BROKEN, "no_consumers", since=since, waiting=waiting, had=memory.consumers_seen)]
    return [_reason(WATCH, "never_consumed", waiting=waiting)]


def _letters(facts: QueueFacts, memory: Memory, now: float) -> list[tuple[str, dict[str, Any]]]:
    if facts.tracked:
        return [_reason(OK, "captured")]
    if not facts.ready:
        return []
    arrived = memory.arrived_since(now - 3600)
    source = facts.inbox_of[0] if len(facts.inbox_of) == 1 else ""
    if arrived:
        return [_reason(WATCH, "letters_arriving", count=arrived, waiting=facts.ready, source=source)]
    return [_reason(WATCH, "letters_waiting", waiting=facts.ready, source=source)]


def _is_idle(memory: Memory, now: float) -> bool:
    return memory.active_at is None or now - memory.active_at >= IDLE_AFTER_S


def _quiet(
    facts: QueueFacts, memory: Memory, is_idle: bool, reasons: list[tuple[str, dict[str, Any]]]
) -> list[tuple[str, dict[str, Any]]]:
    """Return what to say of a queue that has no trouble."""
    if facts.is_delay:
        return [_reason(IDLE, "delay", ms=facts.delay_ms)]
    if facts.type == "stream" and not reasons:
        return [_reason(OK, "stream")]
    since = memory.active_at or memory.idle_at
    if reasons or since is None or not is_idle:
        return []
    return [_reason(IDLE, "idle", since=int(since))]
