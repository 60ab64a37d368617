"""Taking messages out of a queue in batches: nothing is acked before its taker says that it is safe elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pika.adapters.blocking_connection import BlockingChannel

from mqadmin.core import brokers
from mqadmin.core.rows import batches
from mqadmin.queues.models import Queue
from mqadmin.rabbit import amqp, counting
from mqadmin.rabbit.message import Message
from mqadmin.rabbit.publishing.publisher import Outgoing, Receipt

BATCH = 1_000
PUBLISH_SECONDS = 10.0
_QUIET_SECONDS = 0.3  # without a delivery: then the broker is asked whether the queue is empty
# The broker did not take it, but may shortly.
TRANSIENT = ("blocked", "timed_out", "connection_lost")


class Drain:
    """Takes from one queue in windows: when `batch` returns nothing else is in hand, so that whoever stops between
    two of them returns nothing. One thread; every method may raise what pika raises."""

    def __init__(self, channel: BlockingChannel, queue: str) -> None:
        self._channel = channel
        self._queue = queue

    def batch(self, at_most: int, *, silent: Callable[[float], None]) -> list[Message]:
        """Return the next messages, as they come; [] once the queue is empty.

        While some are ready and none is delivered, `silent` is called with the seconds since it began; what it
        raises ends it.
        """
        found: list[Message] = []
        began = time.monotonic()
        self._channel.basic_qos(prefetch_count=at_most)
        for method, properties, body in self._channel.consume(self._queue, inactivity_timeout=_QUIET_SECONDS):
            if method is not None and properties is not None:
                found.append(Message.from_pika(method, properties, body or b""))
                if len(found) == at_most:
                    break
            elif found or not self.left():
                break
            else:
                silent(time.monotonic() - began)
        self._channel.cancel()  # of a full window nothing more is on its way
        return found

    def left(self) -> int:
        """Return how many are ready; the answer also proves that every ack before it was taken.

        Raises NoResponse where a quorum queue's leader does not say it.
        """
        return counting.counted(self._channel, self._queue)[0]

    def settle(self, batch: Sequence[Message]) -> None:
        """Ack all of it: it is safe elsewhere."""
        self._channel.basic_ack(batch[-1].delivery_tag or 0, multiple=True)


@contextmanager
def drained(queue: Queue) -> Iterator[Drain]:
    """Yield a drain of `queue`; what it took and did not settle returns to the queue. Raises RabbitError."""
    with amqp.channel(brokers.config(queue.broker.slug), queue.vhost) as channel:
        yield Drain(channel, queue.name)


def ready_now(queue: Queue) -> int:
    """Return how many ready messages the queue holds this instant, by a passive declare over AMQP.

    The management API's number is up to five seconds old. Raises RabbitError.
    """
    return amqp.counts(brokers.config(queue.broker.slug), queue.vhost, queue.name)[0]


def at_once(queue: Queue, left: int) -> int:
    """Return how many of `left` messages make a batch, by their mean size as the broker tells it.

    Raises RabbitError.
    """
    return batches.count(mean_size(queue), min(left, BATCH))


def mean_size(queue: Queue) -> float:
    """Return the mean size of the queue's bodies in bytes; 0 where the broker does not say."""
    return brokers.client(queue.broker.slug).queue(queue.vhost, queue.name).info.mean_bytes


def publish(queue: Queue, items: Sequence[Outgoing]) -> list[Receipt]:
    """Publish to the queue's virtual host, each with its receipt."""
    publisher = brokers.publisher(queue.broker.slug, queue.vhost)
    return publisher.publish_batch(items, timeout_s=PUBLISH_SECONDS)
