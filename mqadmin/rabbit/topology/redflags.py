"""What is wrong with a dead-letter topology: where letters are lost, and where the evidence is eaten. Pure.

Sources: https://www.rabbitmq.com/docs/dlx, https://www.rabbitmq.com/docs/quorum-queues#dead-lettering,
rabbit_quorum_queue.erl (dlh/7: at-least-once needs overflow reject-publish, else it logs and falls back),
rabbit_dead_letter.erl (is_cycle/2: a circle without a rejection in it drops the message).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from mqadmin.rabbit.topology import settings
from mqadmin.rabbit.topology.topology import DeadLetterMap, DeadLetterPath, QueueKey, message_ttl
from mqadmin.rabbit.types import QueueInfo

FlagCode = Literal[
    "exchange_missing",  # the dead-letter exchange does not exist: letters vanish
    "routes_nowhere",  # no queue is bound for the key: letters vanish
    "at_least_once_fell_back",  # asked for, but overflow is not reject-publish
    "ttl_eats",  # letters expire in their dead-letter queue and go nowhere
    "length_eats",  # a full dead-letter queue drops its oldest letters
    "length_refuses",  # a full dead-letter queue refuses new letters, which are lost
    "queue_expires",  # the dead-letter queue itself is deleted when nobody uses it
    "is_transient",  # the dead-letter queue, or what is in it, does not outlive a restart
    "returns_kill",  # letters come with a count above its delivery limit: the first return is one too many
    "cycle",  # letters go round without a delay queue; without a rejection on the way RabbitMQ drops them
]
Level = Literal["red", "amber"]
LEVELS: Mapping[FlagCode, Level] = {
    "exchange_missing": "red",
    "routes_nowhere": "red",
    "at_least_once_fell_back": "red",
    "ttl_eats": "red",
    "length_eats": "red",
    "length_refuses": "amber",
    "queue_expires": "red",
    "is_transient": "amber",
    "returns_kill": "red",
    "cycle": "red",
}


@dataclass(frozen=True)
class Flag:
    """One thing that is wrong with `queue`. `value`: the limit or name it is about; `others`: who else is in it."""

    queue: QueueKey
    code: FlagCode
    value: str = ""
    others: tuple[str, ...] = ()

    @property
    def level(self) -> Level:
        return LEVELS[self.code]


def flags(
    queues: Iterable[QueueInfo],
    found: DeadLetterMap,
    *,
    limits: Mapping[QueueKey, int | None] | None = None,
) -> dict[QueueKey, tuple[Flag, ...]]:
    """Return what is wrong, by queue; queues with nothing wrong are left out.

    `limits`: the delivery limits of the quorum queues of a broker where a letter keeps its count (RabbitMQ 4.3 and
    later, tried on 4.3.6: also a nack is then one return too many); None elsewhere.
    """
    circles: dict[int, list[QueueKey]] = {}
    calm: set[int] = set()
    for key in found:
        target = found[key]
        if target.circle is not None:
            circles.setdefault(target.circle, []).append(key)
            if target.is_delay:
                calm.add(target.circle)
    result = {}
    for queue in queues:
        target = found.get(*queue.key)
        wrong = [
            *_of_source(queue, target),
            *_of_inbox(queue, target),
            *_of_counts(queue, target, limits or {}),
        ]
        if target.circle is not None and target.circle not in calm:
            others = tuple(sorted(name for vhost, name in circles[target.circle] if name != queue.name))
            wrong.append(Flag(queue.key, "cycle", others=others))
        if wrong:
            result[queue.key] = tuple(wrong)
    return result


def _of_source(queue: QueueInfo, target: DeadLetterPath) -> list[Flag]:
    wrong = []
    if target.broken is not None:
        name = target.exchange or "" if target.broken == "exchange_missing" else target.routing_key or ""
        wrong.append(Flag(queue.key, target.broken, name))
    strategy = settings.text(queue, "dead-letter-strategy")
    overflow = settings.overflow(queue)
    if (
        queue.type == "quorum"
        and target.exchange is not None
        and strategy == "at-least-once"
        and overflow != "reject-publish"
    ):
        wrong.append(Flag(queue.key, "at_least_once_fell_back", overflow))
    return wrong


def _of_inbox(queue: QueueInfo, target: DeadLetterPath) -> list[Flag]:
    if not target.is_inbox:
        return []
    wrong = []
    goes_on = target.exchange is not None and target.broken is None
    ttl = message_ttl(queue)
    if ttl is not None and not goes_on:
        wrong.append(Flag(queue.key, "ttl_eats", str(ttl)))
    limit = settings.length_limit(queue)
    if limit and queue.type != "stream":
        refuses = settings.overflow(queue).startswith("reject-publish")
        if refuses:
            wrong.append(Flag(queue.key, "length_refuses", limit))
        elif not goes_on:
            wrong.append(Flag(queue.key, "length_eats", limit))
    expires = settings.number(queue, "expires")
    if expires is not None:
        wrong.append(Flag(queue.key, "queue_expires", str(expires)))
    if not queue.durable or queue.auto_delete or queue.exclusive:
        wrong.append(Flag(queue.key, "is_transient"))
    return wrong


def _of_counts(queue: QueueInfo, target: DeadLetterPath, limits: Mapping[QueueKey, int | None]) -> list[Flag]:
    limit = limits.get(queue.key)
    if limit is None or not target.is_inbox:
        return []
    # What a queue gives up has been returned once more often than its limit.
    senders = ((name, limits.get((queue.vhost, name))) for name in target.from_)
    others = tuple(name for name, most in senders if most is not None and most >= limit)
    return [Flag(queue.key, "returns_kill", str(limit), others)] if others else []
