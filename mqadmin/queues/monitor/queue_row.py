"""From what the broker lists to what a `Queue` row holds: pure, one queue at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mqadmin.queues.health.facts import FOREVER, RANK, UNKNOWN, Verdict, dated
from mqadmin.queues.health.judging import judge, remember
from mqadmin.queues.health.memory import Memory
from mqadmin.queues.monitor.arrivals import Arrivals
from mqadmin.queues.monitor.observing import NOWHERE, DeadLetterRoute, Surroundings, queue_facts
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


@dataclass(slots=True)
class Known:
    """What the monitor holds of one queue between two samples."""

    row: dict[str, Any] = field(default_factory=dict)  # the values as last written
    memory: Memory = field(default_factory=Memory)
    info: QueueInfo | None = None
    route: DeadLetterRoute = NOWHERE
    context: tuple[Any, ...] = ()
    settled: bool = False
    wake_at: float = FOREVER  # a settled one is judged again then
    arrivals: Arrivals | None = None  # from the first message that waited on


def update(
    known: Known, info: QueueInfo, route: DeadLetterRoute, tracked: bool, around: Surroundings
) -> bool:
    """Bring `known` up to date with one more sample; return whether its row must be written."""
    now = around.now
    context: tuple[Any, ...] = (tracked, around.alarms)
    if around.limits or around.handling or around.lags:
        context += (
            around.limits.get(info.key),
            around.handling.get(info.key),
            around.lags.get(info.key),
        )
    same = known.settled and known.info == info and known.route == route and known.context == context
    if same and now < known.wake_at:
        if info.ready:
            _oldest(known, info, around)  # what waits grows older
        return False
    oldest = _oldest(known, info, around)
    if by := remade(known, info, around):
        known.memory, known.arrivals = known.memory.remade(now, by), None
        oldest = _oldest(known, info, around)
    facts = queue_facts(info, route, tracked=tracked, around=around, oldest=oldest)
    memory = remember(known.memory, facts, now)
    verdict = dated(judge(facts, memory, now), known.row.get("health_reasons", ()), now)
    history = extended(known.row.get("history", []), info.total, around.now)
    row = _row(info, route, facts.is_inbox, memory, verdict, history, known.row) | oldest
    changed = row != known.row
    known.row, known.memory, known.info, known.route, known.context = row, memory, info, route, context
    known.settled = verdict.settled and (not history or history[-1][1] == info.total)
    known.wake_at = verdict.wake_at
    return changed


def remade(known: Known, info: QueueInfo, around: Surroundings) -> str:
    """Return by what one sees that this is another queue of the same name; "" where it is the same."""
    row, last = known.row, known.info
    if not row:
        return ""
    if row.get("gone_at") is not None:
        return "came_back"
    if row["type"] != info.type[:20]:
        return "type"
    if row["arguments"] != info.arguments or row["durable"] != info.durable:
        return "arguments"
    if last is None or last.published is None or not around.calm:
        return ""
    return "counters" if info.published is not None and info.published < last.published else ""


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
                blind=around.was_blind,
                ready=info.ready,
                total=info.total,
                published=info.published,
                left=info.left,
            )
    lag = known.arrivals.lag(around.now) if known.arrivals else None
    if lag is None:
        return {"oldest_at": None, "oldest_at_least": False}
    out_of_turn = bool(info.arguments.get("x-max-priority"))  # the oldest may be one of a low priority
    return {"oldest_at": int(around.now - lag.seconds), "oldest_at_least": lag.at_least or out_of_turn}


def hide(known: Known) -> bool:
    """Note that the queue may not be seen any more; return whether its row must be written."""
    row = {**known.row, **dict.fromkeys(_NUMBERS), "health": UNKNOWN, "health_rank": 0}
    row["health_reasons"] = [{"code": "unseen", "level": UNKNOWN, "params": {}}]
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
    if not history:
        return [None] * steps
    first = int(now // 60) - steps + 1
    found: list[float | None] = []
    value: float | None = None
    for at, next_value in history:  # each holds until the next one
        ahead = min(at - first, steps) - len(found)
        if ahead > 0:
            found += [value] * ahead
        value = next_value
    return found + [value] * (steps - len(found))


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
