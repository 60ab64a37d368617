"""From what the broker lists to what a `Queue` row holds: pure, one queue at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mqadmin.queues.monitor import health
from mqadmin.queues.monitor.arrivals import Arrivals
from mqadmin.queues.monitor.health import RANK, QueueFacts, Verdict, judge, remember
from mqadmin.queues.monitor.memory import Memory
from mqadmin.rabbit.types import QueueInfo

HISTORY_MINUTES = 60
# The memory of a queue process breathes; a change below this share, or of so few bytes, is not worth a write.
MEMORY_NOISE = 0.25
MEMORY_NOISE_BYTES = 65_536

COLUMNS = (
    "type",
    "durable",
    "auto_delete",
    "exclusive",
    "state",
    "node",
    "ready",
    "unacked",
    "total",
    "consumers",
    "publish_rate",
    "deliver_rate",
    "ack_rate",
    "redeliver_rate",
    "memory",
    "message_bytes",
    "arguments",
    "policy",
    "effective_policy",
    "history",
    "growth",
    "clears_in",
    "oldest_at",
    "oldest_at_least",
    "facts",
    "health",
    "health_rank",
    "health_reasons",
    "dead_letters_to",
    "dead_letters_from",
    "dead_letter_choice",
    "dead_letter_fault",
    "is_inbox",
    "is_delay",
    "delay_ms",
    "gone_at",
)
"""What the monitor writes of a queue, beside its key and `changed_at`."""


@dataclass(frozen=True, slots=True)
class DeadLetterRoute:
    """Where a queue's dead letters go to and come from, as `Queue` stores it."""

    to: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    choice: str = ""  # which of `to` a letter reaches: `Route.choice`, "" for all
    fault: str = ""
    is_inbox: bool = False  # dead letters end up here
    is_delay: bool = False  # holds messages until they expire back to where they came from
    delay_ms: int | None = None


NOWHERE = DeadLetterRoute()


@dataclass(slots=True)
class Known:
    """What the monitor holds of one queue between two samples."""

    row: dict[str, Any] = field(default_factory=dict)  # the values as last written
    memory: Memory = field(default_factory=Memory)
    info: QueueInfo | None = None
    route: DeadLetterRoute = NOWHERE
    context: tuple[Any, ...] = ()
    settled: bool = False
    arrivals: Arrivals | None = None  # from the first message that waited on


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is the same for all queues of a sample. `before`: when the last sample was. `parking`: the name that
    parking queues have."""

    now: float
    alarms: tuple[str, ...] = ()
    parking: str = ""
    before: float | None = None


def update(
    known: Known, info: QueueInfo, route: DeadLetterRoute, tracked: bool, around: Surroundings
) -> bool:
    """Bring `known` up to date with one more sample; return whether its row must be written."""
    oldest = _oldest(known, info, around)
    context = (tracked, around.alarms)
    if known.settled and known.info == info and known.route == route and known.context == context:
        return False
    facts = queue_facts(info, route, tracked=tracked, around=around)
    memory = remember(known.memory, facts, around.now)
    verdict = judge(facts, memory, around.now)
    history = extended(known.row.get("history", []), info.total, around.now)
    row = _row(info, route, facts.is_inbox, memory, verdict, history, known.row) | oldest
    changed = row != known.row
    known.row, known.memory, known.info, known.route, known.context = row, memory, info, route, context
    known.settled = verdict.settled and (not history or history[-1][1] == info.total)
    return changed


def _oldest(known: Known, info: QueueInfo, around: Surroundings) -> dict[str, Any]:
    """Return since when the oldest ready message waits, as the row has it; a stream's are not taken away."""
    if info.ready is None or info.total is None or info.type == "stream":
        known.arrivals = None
    else:
        if known.arrivals is None:
            known.arrivals = Arrivals()
        same = known.info is not None and (known.info.published, known.info.left, known.info.total) == (
            info.published,
            info.left,
            info.total,
        )
        if info.ready or not same or known.info is None:
            known.arrivals.observe(
                around.now,
                since=around.before,
                ready=info.ready,
                total=info.total,
                published=info.published,
                left=info.left,
            )
    lag = known.arrivals.lag(around.now) if known.arrivals else None
    if lag is None:
        return {"oldest_at": None, "oldest_at_least": False}
    return {"oldest_at": int(around.now - lag.seconds), "oldest_at_least": lag.at_least}


def hide(known: Known) -> bool:
    """Note that the queue may not be seen any more; return whether its row must be written."""
    row = {**known.row, **dict.fromkeys(_NUMBERS), "health": health.UNKNOWN, "health_rank": 0}
    row["health_reasons"] = [{"code": "unseen", "level": health.UNKNOWN, "params": {}}]
    if known.row.get("gone_at") is not None or row == known.row:
        return False
    known.row, known.settled = row, False
    return True


_NUMBERS = (
    "ready",
    "unacked",
    "total",
    "consumers",
    "publish_rate",
    "deliver_rate",
    "ack_rate",
    "redeliver_rate",
    "memory",
    "message_bytes",
    "growth",
    "clears_in",
    "oldest_at",
)


def queue_facts(
    info: QueueInfo, route: DeadLetterRoute, *, tracked: bool, around: Surroundings
) -> QueueFacts:
    """Return what `health` judges by."""
    return QueueFacts(
        type=info.type,
        state=info.state or "",
        ready=info.ready,
        unacked=info.unacked,
        total=info.total,
        consumers=info.consumers,
        publish_rate=info.publish_rate,
        deliver_rate=info.deliver_rate,
        ack_rate=info.ack_rate,
        redeliver_rate=info.redeliver_rate,
        max_length=max_length(info.arguments, info.effective_policy),
        overflow=str(info.arguments.get("x-overflow") or info.effective_policy.get("overflow") or ""),
        is_delay=route.is_delay,
        delay_ms=route.delay_ms,
        dead_letter_fault=route.fault,
        inbox_of=route.origins if route.is_inbox else (),
        is_inbox=route.is_inbox or info.name == around.parking,
        tracked=tracked,
        alarms=around.alarms,
        idle_since=moment(info.idle_since),
        members=len(info.members),
        away=info.away,
        lacks_majority=info.lacks_majority,
        delayed=info.delayed or 0,
    )


def max_length(arguments: Mapping[str, Any], policy: Mapping[str, Any]) -> int | None:
    """Return how many ready messages the queue may hold; of argument and policy the smaller one counts.

    https://www.rabbitmq.com/docs/maxlength: "the minimum of the two values is used".
    """
    limits = [arguments.get("x-max-length"), policy.get("max-length")]
    return min((limit for limit in limits if isinstance(limit, int)), default=None)


def moment(text: str | None) -> float | None:
    """Return the epoch seconds of the broker's `idle_since`; None for none, or for a form not known."""
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def extended(history: list[list[int]], total: int | None, now: float) -> list[list[int]]:
    """Return the length history with this minute's point, where the length changed; one hour is kept.

    One point more than the hour needs stays at its beginning: the value with which the hour began.
    """
    if total is None or (history and history[-1][1] == total):
        return history
    minute = int(now // 60)
    if history and history[-1][0] >= minute:
        return history
    first = minute - HISTORY_MINUTES
    begin = next((i for i in range(len(history), 0, -1) if history[i - 1][0] <= first), 1) - 1
    return [*history[begin:], [minute, total]]


def points(history: list[list[int]], now: float, steps: int = HISTORY_MINUTES) -> list[float | None]:
    """Return the length at each of the last `steps` minutes, oldest first; None before it was known."""
    minute = int(now // 60)
    found: list[float | None] = []
    value: float | None = None
    waiting = list(history)
    for at in range(minute - steps + 1, minute + 1):
        while waiting and waiting[0][0] <= at:
            value = waiting.pop(0)[1]
        found.append(value)
    return found


def _row(
    info: QueueInfo,
    route: DeadLetterRoute,
    is_inbox: bool,
    memory: Memory,
    verdict: Verdict,
    history: list[list[int]],
    last: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "type": info.type[:20],
        "durable": info.durable,
        "auto_delete": info.auto_delete,
        "exclusive": info.exclusive,
        "state": (info.state or "")[:40],
        "node": (info.node or "")[:255],
        "ready": info.ready,
        "unacked": info.unacked,
        "total": info.total,
        "consumers": info.consumers,
        "publish_rate": info.publish_rate,
        "deliver_rate": info.deliver_rate,
        "ack_rate": info.ack_rate,
        "redeliver_rate": info.redeliver_rate,
        "memory": _calm(info.memory, last.get("memory")),
        "message_bytes": info.message_bytes,
        "arguments": dict(info.arguments),
        "policy": info.policy or "",
        "effective_policy": dict(info.effective_policy),
        "history": history,
        "growth": verdict.growth,
        "clears_in": verdict.clears_in,
        "facts": memory.to_json(),
        "health": verdict.level,
        "health_rank": RANK[verdict.level],
        "health_reasons": list(verdict.reasons),
        "dead_letters_to": list(route.to),
        "dead_letters_from": list(route.origins),
        "dead_letter_choice": route.choice,
        "dead_letter_fault": route.fault,
        "is_inbox": is_inbox,
        "is_delay": route.is_delay,
        "delay_ms": route.delay_ms,
        "gone_at": None,
    }


def _calm(value: int | None, last: int | None) -> int | None:
    if value is None or last is None or abs(value - last) > max(MEMORY_NOISE * last, MEMORY_NOISE_BYTES):
        return value
    return last
