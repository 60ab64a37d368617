"""For how long RabbitMQ lets a message be held unacked, as far as is known, and what a deadline must keep below.

RabbitMQ counts from the delivery, so that a message waits for those before it in its thread too. Tried: 3.10.8 has
one limit for all queues (`consumer_timeout`, 30 minutes unless configured; no API tells it) and closes the channel;
arguments and policies count from 3.12 on, the smaller of both; on 4.3.6 a quorum queue has such a limit and ends
the subscription, a classic queue has none and refuses the argument.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext as _

from consumers.models import Consumer, ConsumerProcess
from mqadmin.core.pages import formats, prose
from mqadmin.queues.models import Broker, Queue

DEFAULT_S = 1800.0
_OF_QUEUES_SINCE = (3, 12)
_QUORUM_ONLY_SINCE = (4, 3)
_MARGIN = (
    0.9  # of the limit: a handler is interrupted only after its deadline, and the record is written then
)

Source = Literal["argument", "policy", "seen", "default"]


@dataclass(frozen=True)
class ConsumerTimeout:
    """`seconds` that a message may be held, and how that is known; "default": nobody has said anything else."""

    seconds: float
    source: Source

    @property
    def words(self) -> str:
        """The time, and how it is known: "30 min (RabbitMQ's default, unless its configuration says otherwise)"."""
        known = {
            "argument": _("the queue's x-consumer-timeout"),
            "policy": _("the policy of its queue"),
            "seen": _("as RabbitMQ said when it took messages back"),
            "default": _("RabbitMQ's default, unless its configuration says otherwise"),
        }[self.source]
        return _("%(time)s (%(known)s)") % {"time": formats.duration(self.seconds), "known": known}


def of_queue(
    queue: Queue | None, broker: Broker | None, seen_ms: int | None = None
) -> ConsumerTimeout | None:
    """Return the limit of a queue (None: never seen) of a broker; None where there is none.

    `seen_ms`: what RabbitMQ said last when it took messages of this queue back.
    """
    version = _version(broker)
    is_recent = version is None or version >= _OF_QUEUES_SINCE
    if (
        queue is not None
        and version is not None
        and version >= _QUORUM_ONLY_SINCE
        and queue.type == "classic"
    ):
        return None
    if queue is not None and is_recent:
        argument = _seconds(queue.arguments, "x-consumer-timeout")
        policy = _seconds(queue.effective_policy, "consumer-timeout")
        if argument is not None and (policy is None or argument <= policy):
            return ConsumerTimeout(argument, "argument")
        if policy is not None:
            return ConsumerTimeout(policy, "policy")
    if seen_ms:
        return ConsumerTimeout(seen_ms / 1000, "seen")
    return ConsumerTimeout(DEFAULT_S, "default")


def of_consumer(consumer: Consumer) -> ConsumerTimeout | None:
    """Return the limit of the queue that a definition names, saved or not; None where there is none."""
    broker = Broker.objects.filter(slug=consumer.broker).first()
    place = {"vhost": consumer.vhost, "queue": consumer.queue}
    queue = Queue.objects.filter(
        broker=broker, vhost=consumer.vhost, name=consumer.queue, gone_at=None
    ).first()
    seen = ConsumerProcess.objects.filter(
        consumer__broker=consumer.broker,
        **{f"consumer__{name}": value for name, value in place.items()},
        held_limit_ms__isnull=False,
    )
    return of_queue(queue, broker, seen.order_by("-held_at").values_list("held_limit_ms", flat=True).first())


def turns(consumer: Consumer) -> int:
    """Return how many calls of the handler the last of the messages in hand waits for, its own among them."""
    at_once = max(1, consumer.concurrency) * max(1, consumer.batch_size)
    return max(1, math.ceil(consumer.prefetch / at_once))


def longest_deadline(consumer: Consumer, limit: ConsumerTimeout) -> float:
    """Return the longest deadline in seconds with which no message is held too long."""
    waits = consumer.batch_seconds if consumer.batch_size > 1 else 0.0
    seconds = max(0.0, limit.seconds * _MARGIN - waits) / turns(consumer)
    return float(math.floor(seconds)) if seconds >= 10 else math.floor(seconds * 10) / 10


def warning(consumer: Consumer, limit: ConsumerTimeout | None) -> str:
    """Say that handling by this definition may take longer than RabbitMQ waits; "" where it may not.

    Without a deadline that is said only where the limit is known: most handlers take no half hour.
    """
    if limit is None or consumer.ack == Consumer.AckMode.AUTO or consumer.is_collector:
        return ""
    deadline, most = consumer.timeout_seconds, longest_deadline(consumer, limit)
    if deadline and deadline <= most:
        return ""
    if not deadline and limit.source == "default":
        return ""
    held = _(
        "RabbitMQ takes a message back that is held for longer than %(limit)s, and it is handled again."
    ) % {"limit": limit.words}
    return prose.paragraph((held, advice(consumer, limit)))


def advice(consumer: Consumer, limit: ConsumerTimeout) -> str:
    """Say which deadline keeps a definition's messages below the limit."""
    values = {
        "most": formats.duration(longest_deadline(consumer, limit)),
        "turns": turns(consumer),
        "threads": consumer.concurrency * max(1, consumer.batch_size),
    }
    if values["turns"] == 1:
        return _("Set a deadline of at most %(most)s.") % values
    return (
        _(
            "With this prefetch up to %(turns)d messages wait for one another in each thread, held all that time: "
            "set a deadline of at most %(most)s, or a prefetch of %(threads)d and a longer one."
        )
        % values
    )


def _seconds(table: Any, name: str) -> float | None:
    value = table.get(name) if isinstance(table, dict) else None
    return (
        value / 1000 if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None
    )


def _version(broker: Broker | None) -> tuple[int, ...] | None:
    parts = broker.version.split(".")[:2] if broker is not None else []
    return tuple(map(int, parts)) if len(parts) == 2 and all(part.isdecimal() for part in parts) else None


def for_all(consumers: Iterable[Consumer], seen: dict[int, int]) -> dict[int, ConsumerTimeout | None]:
    """Return consumer id -> its limit, in two queries. `seen`: consumer id -> what RabbitMQ said last, in ms."""
    found = list(consumers)
    brokers = {row.slug: row for row in Broker.objects.filter(slug__in={item.broker for item in found})}
    rows = Queue.objects.filter(name__in={item.queue for item in found}, gone_at=None).only(
        "broker_id", "vhost", "name", "type", "arguments", "effective_policy"
    )
    queues = {(row.broker_id, row.vhost, row.name): row for row in rows}
    limits = {}
    for item in found:
        broker = brokers.get(item.broker)
        queue = queues.get((broker.pk, item.vhost, item.queue)) if broker is not None else None
        limits[item.pk] = of_queue(queue, broker, seen.get(item.pk))
    return limits
