"""From what the broker lists to what a `Queue` row holds: pure, one queue at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from mqadmin.queues.health.facts import FOREVER, RANK, UNKNOWN, Verdict, dated, is_dated
from mqadmin.queues.health.judging import judge, remember
from mqadmin.queues.health.memory import Memory
from mqadmin.queues.monitor.arrivals import Arrivals
from mqadmin.queues.monitor.observing import NOWHERE, DeadLetterRoute, Surroundings, queue_facts
from mqadmin.rabbit.types import QueueInfo

HISTORY_MINUTES = 60
# The memory of a queue process breathes; a change below this share, or of so few bytes, is not worth a write.
MEMORY_NOISE = 0.25
MEMORY_NOISE_BYTES = 65_536


class Row(NamedTuple):
    """What the monitor writes of a queue, beside its key and `changed_at`: columns of `Queue`, JSON as its text.

    A tuple and texts: they take a fraction of the memory of what they say.
    """

    type: str
    durable: bool
    auto_delete: bool
    exclusive: bool
    state: str
    node: str
    ready: int | None
    unacked: int | None
    total: int | None
    consumers: int | None
    publish_rate: float | None
    deliver_rate: float | None
    ack_rate: float | None
    redeliver_rate: float | None
    memory: int | None
    message_bytes: int | None
    capacity: float | None
    ram: int | None
    persistent: int | None
    bytes_ram: int | None
    bytes_persistent: int | None
    arguments: str
    policy: str
    effective_policy: str
    history: str
    growth: float | None
    clears_in: float | None
    oldest_at: int | None
    oldest_at_least: bool
    facts: str
    health: str
    health_rank: int
    health_reasons: str
    dead_letters_to: str
    dead_letters_from: str
    dead_letter_choice: str
    dead_letter_fault: str
    is_inbox: bool
    is_delay: bool
    delay_ms: int | None
    gone_at: datetime | None = None

    def read(self, name: str) -> Any:
        """Return what a column of JSON says."""
        text = getattr(self, name)
        return _EMPTY[text]() if text in _EMPTY else json.loads(text)

    def what(self) -> dict[str, Any]:
        """Return of a queue what `changes.stays` goes by."""
        found = {name: self.read(name) for name in ("arguments", "effective_policy")}
        return {"exclusive": self.exclusive, "auto_delete": self.auto_delete, **found}


COLUMNS = Row._fields
_EMPTY: Mapping[str, Callable[[], Any]] = {"{}": dict, "[]": list}
# In an order of its own, since PostgreSQL keeps none.
_encoded = json.JSONEncoder(sort_keys=True).encode


def text(value: Any) -> str:
    """Return JSON as a row has it."""
    if value:
        return _encoded(value)
    return "{}" if isinstance(value, Mapping) else "[]"


@dataclass(slots=True)
class Known:
    """What the monitor holds of one queue between two samples."""

    row: Row | None = None  # the values as last written
    memory: Memory = field(default_factory=Memory)
    info: QueueInfo | None = None
    route: DeadLetterRoute = NOWHERE
    context: tuple[Any, ...] = ()
    settled: bool = False
    wake_at: float = FOREVER  # a settled one is judged again then
    arrivals: Arrivals | None = None  # from the first message that waited on

    @property
    def is_gone(self) -> bool:
        return self.row is not None and self.row.gone_at is not None

    def go(self, moment: datetime) -> None:
        """Note that the broker does not list it any more."""
        if self.row is not None:
            self.row = self.row._replace(gone_at=moment)
        self.settled, self.arrivals = False, None


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
    same = known.settled and (known.info is info or known.info == info)
    if same and known.route == route and known.context == context and now < known.wake_at:
        if info.ready:
            _oldest(known, info, around)  # what waits grows older
        return False
    oldest = _oldest(known, info, around)
    if by := remade(known, info, around):
        known.memory, known.arrivals = known.memory.remade(now, by), None
        oldest = _oldest(known, info, around)
    facts = queue_facts(info, route, tracked=tracked, around=around, oldest=oldest)
    memory = remember(known.memory, facts, now)
    verdict = judge(facts, memory, now)
    if not is_dated(verdict):
        verdict = dated(verdict, known.row.read("health_reasons") if known.row else (), now)
    before = known.row.read("history") if known.row else []
    history = extended(before, info.total, around.now)
    row = _row(info, route, facts.is_inbox, memory, verdict, history, known, oldest)
    changed = row != known.row
    known.row, known.memory, known.info, known.route, known.context = row, memory, info, route, context
    known.settled = verdict.settled and (not history or history[-1][1] == info.total)
    known.wake_at = verdict.wake_at
    return changed


def remade(known: Known, info: QueueInfo, around: Surroundings) -> str:
    """Return by what one sees that this is another queue of the same name; "" where it is the same."""
    row, last = known.row, known.info
    if row is None:
        return ""
    if row.gone_at is not None:
        return "came_back"
    if row.type != info.type[:20]:
        return "type"
    if row.durable != info.durable or row.arguments != text(info.arguments):
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
    if known.row is None or known.row.gone_at is not None:
        return False
    unseen: dict[str, Any] = dict.fromkeys(_NUMBERS)
    row = known.row._replace(**unseen, health=UNKNOWN, health_rank=0, health_reasons=_UNSEEN)
    if row == known.row:
        return False
    known.row, known.settled = row, False
    return True


_UNSEEN = text([{"code": "unseen", "level": UNKNOWN, "params": {}}])
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
    "capacity",
    "ram",
    "persistent",
    "bytes_ram",
    "bytes_persistent",
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
        ahead = at - first - len(found)
        if ahead == 1:
            found.append(value)
        elif ahead > 0:
            found += [value] * ahead
        value = next_value
    del found[steps:]  # the clock of who wrote may be ahead
    return found + [value] * (steps - len(found))


def _row(
    info: QueueInfo,
    route: DeadLetterRoute,
    is_inbox: bool,
    memory: Memory,
    verdict: Verdict,
    history: list[list[int]],
    known: Known,
    oldest: Mapping[str, Any],
) -> Row:
    last = known.row
    return _shared(
        Row(
            type=info.type[:20],
            durable=info.durable,
            auto_delete=info.auto_delete,
            exclusive=info.exclusive,
            state=(info.state or "")[:40],
            node=(info.node or "")[:255],
            ready=info.ready,
            unacked=info.unacked,
            total=info.total,
            consumers=info.consumers,
            publish_rate=info.publish_rate,
            deliver_rate=info.deliver_rate,
            ack_rate=info.ack_rate,
            redeliver_rate=info.redeliver_rate,
            memory=_calm(info.memory, last and last.memory),
            message_bytes=info.message_bytes,
            capacity=info.capacity,
            ram=info.ram,
            persistent=info.persistent,
            bytes_ram=info.bytes_ram,
            bytes_persistent=info.bytes_persistent,
            arguments=text(info.arguments),
            policy=info.policy or "",
            effective_policy=text(info.effective_policy),
            history=text(history),
            growth=verdict.growth,
            clears_in=verdict.clears_in,
            facts=text(memory.to_json()),
            health=verdict.level,
            health_rank=RANK[verdict.level],
            health_reasons=text(verdict.reasons),
            dead_letters_to=text(route.to),
            dead_letters_from=text(route.origins),
            dead_letter_choice=route.choice,
            dead_letter_fault=route.fault,
            is_inbox=is_inbox,
            is_delay=route.is_delay,
            delay_ms=route.delay_ms,
            **oldest,
        ),
        last,
    )


def _shared(row: Row, last: Row | None) -> Row:
    """Return the row, made of the last one's own values where they are equal: so nothing is kept twice."""
    if last is None:
        return row
    if row == last:
        return last
    return Row._make(old if old == new else new for old, new in zip(last, row, strict=True))


def _calm(value: int | None, last: int | None) -> int | None:
    if value is None or last is None or abs(value - last) > max(MEMORY_NOISE * last, MEMORY_NOISE_BYTES):
        return value
    return last
