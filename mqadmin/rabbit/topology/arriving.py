"""What becomes of messages that are published to a queue: the one check of a destination. Pure.

A publisher's confirm does not tell of it: RabbitMQ confirms what makes a full queue drop its head, and what its
queue's TTL ends a moment later (rabbit_amqqueue_process:maybe_drop_head/1, rabbit_fifo:evaluate_limit/5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mqadmin.rabbit.topology import settings
from mqadmin.rabbit.topology.topology import dead_letter_exchange, message_ttl
from mqadmin.rabbit.types import QueueInfo

SOON_MS = 60_000
"""What RabbitMQ drops after less than that is as good as lost: nobody comes in time."""
UNAVAILABLE = ("down", "minority", "stopped", "crashed")

Code = Literal[
    "unavailable",  # `value`: its state
    "exclusive",  # it ends with the connection that it belongs to
    "drops_oldest",  # full: for each that comes the oldest goes
    "refuses",  # full: what comes is not taken
    "expire",  # after `limit` ms they are dropped
    "pass_on",  # after `limit` ms they are dead-lettered to exchange `value`
    "queue_expires",  # nobody uses it: after `limit` ms it is deleted with all that is in it
    "stream",  # what is there stays until the retention takes it; it cannot be taken out
    "transient",  # it, or what is in it, does not outlive a restart of the broker
    "deleted_with_consumers",  # auto-delete
]
Level = Literal["stops", "loses", "tells"]
"""`stops`: they do not arrive, or stay nowhere. `loses`: something is lost for certain, or nearly so. `tells`: to
be known before."""


@dataclass(frozen=True)
class Obstacle:
    """One thing that stands against messages that go to a queue.

    `fits`: how many of them there is room for, None where that is not the question. `limit`: as it is set, in
    messages, bytes (`in_bytes`) or milliseconds.
    """

    code: Code
    level: Level
    fits: int | None = None
    limit: int = 0
    in_bytes: bool = False
    value: str = ""


def obstacles(queue: QueueInfo, count: int, mean_bytes: float = 0) -> list[Obstacle]:
    """Return what stands against `count` messages of `mean_bytes` each (0: not known), the worst first."""
    found = [*_queue(queue), *_length(queue, count, mean_bytes), *_time(queue, count)]
    order = ("stops", "loses", "tells")
    return sorted(found, key=lambda item: order.index(item.level))


def room(queue: QueueInfo) -> tuple[int | None, int | None]:
    """Return how many more messages, and bytes, the queue takes without giving anything up; None: any number."""
    if queue.type == "stream":
        return None, None
    messages, size = settings.number(queue, "max-length"), settings.number(queue, "max-length-bytes")
    return (
        None if messages is None else max(0, messages - (queue.ready or 0)),
        None if size is None else max(0, size - (queue.message_bytes or 0)),
    )


def _queue(queue: QueueInfo) -> Iterator[Obstacle]:
    if queue.state in UNAVAILABLE:
        yield Obstacle("unavailable", "stops", value=queue.state or "")
    if queue.exclusive:
        yield Obstacle("exclusive", "loses")
    elif queue.auto_delete:
        yield Obstacle("deleted_with_consumers", "tells")
    elif not queue.durable:
        yield Obstacle("transient", "tells")
    if queue.type == "stream":
        yield Obstacle("stream", "tells")


def _length(queue: QueueInfo, count: int, mean_bytes: float) -> Iterator[Obstacle]:
    code: Code = "drops_oldest" if settings.overflow(queue) == "drop-head" else "refuses"
    level: Level = "loses" if code == "drops_oldest" else "stops"
    messages, size = room(queue)
    if messages is not None and count > messages:
        limit = settings.number(queue, "max-length") or 0
        yield Obstacle(code, level, fits=messages, limit=limit)
    if size is not None and mean_bytes and count * mean_bytes > size:
        limit = settings.number(queue, "max-length-bytes") or 0
        yield Obstacle(code, level, fits=int(size / mean_bytes), limit=limit, in_bytes=True)


def _time(queue: QueueInfo, count: int) -> Iterator[Obstacle]:
    if queue.type == "stream":
        return
    ttl, exchange = message_ttl(queue), dead_letter_exchange(queue)
    if ttl is not None and exchange is not None:
        yield Obstacle("pass_on", "tells", limit=ttl, value=exchange)
    elif ttl is not None:
        in_time = ttl >= SOON_MS or (count <= 1 and queue.consumers)
        yield Obstacle("expire", "tells" if in_time else "loses", limit=ttl)
    expires = settings.number(queue, "expires")
    if expires is not None and not queue.consumers:
        yield Obstacle("queue_expires", "loses" if expires < SOON_MS else "tells", limit=expires)
