"""The queue at the event exchange and the line to it: bounded, exclusive, gone with its connection."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic, BasicProperties

from mqadmin.definitions.listening.reading import KEYS
from mqadmin.rabbit import amqp
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.message import Message

EXCHANGE = "amq.rabbitmq.event"
QUEUE_MESSAGES, IN_HAND = 20_000, 1_000
QUEUE_BYTES = 16 * 1024 * 1024
EXPIRES_MS = 60_000
ARGUMENTS: dict[str, Any] = {
    "x-queue-type": "classic",
    "x-max-length": QUEUE_MESSAGES,
    "x-max-length-bytes": QUEUE_BYTES,
    "x-overflow": "drop-head",
    "x-expires": EXPIRES_MS,
    # Whatever a policy says: what is dropped goes nowhere. An argument wins over a policy.
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": "mqadmin.events.nowhere",
}


@dataclass(frozen=True)
class Came:
    """One event: `at` by our clock."""

    name: str
    headers: dict[str, Any]
    at: datetime


class Line:
    """Takes events. One thread; methods may raise what pika raises, which `opened` turns into RabbitError."""

    def __init__(self, channel: BlockingChannel, queue: str) -> None:
        self._channel, self._queue = channel, queue
        self._came: list[Came] = []
        self._tag = 0
        self._ahead: timedelta | None = None  # of our clock before the broker's, with the shortest way seen

    def listen(self) -> None:
        """Make the queue, bind it, begin to take."""
        self._channel.queue_declare(self._queue, exclusive=True, auto_delete=True, arguments=dict(ARGUMENTS))
        for key in KEYS:
            self._channel.queue_bind(self._queue, EXCHANGE, key)
        self._channel.basic_qos(prefetch_count=IN_HAND)
        self._channel.basic_consume(self._queue, self._took)

    def take(self, seconds: float, stopped: Callable[[], bool]) -> list[Came]:
        """Return what comes; after the first, what comes within half a second. Until `settle` it is not acked."""
        end = time.monotonic() + seconds
        while not stopped():
            left = end - time.monotonic()
            if left <= 0:
                break
            some = len(self._came)
            self._channel.connection.process_data_events(time_limit=min(left, 0.5))
            if self._came and (len(self._came) == some or len(self._came) >= IN_HAND):
                break
        came, self._came = self._came, []
        return came

    def settle(self) -> None:
        """Ack what was taken."""
        if self._tag:
            self._channel.basic_ack(self._tag, multiple=True)
            self._tag = 0

    def _took(self, _channel: Any, method: Basic.Deliver, properties: BasicProperties, body: bytes) -> None:
        message = Message.from_pika(method, properties, body)
        self._tag = method.delivery_tag or 0
        self._came.append(Came(message.routing_key, dict(message.headers or {}), self._time(message)))

    def _time(self, message: Message) -> datetime:
        """Return when it was, by our clock: the broker's may go otherwise, and we may be late."""
        now = datetime.now(UTC)
        told = (message.headers or {}).get("timestamp_in_ms")
        if not isinstance(told, int):
            return now
        try:
            stamp = datetime.fromtimestamp(told / 1000, UTC)
        except (OverflowError, ValueError, OSError):
            return now
        ahead = now - stamp
        self._ahead = ahead if self._ahead is None else min(self._ahead, ahead)
        return min(now, stamp + self._ahead)


@contextmanager
def opened(config: BrokerConfig, vhost: str) -> Iterator[Line]:
    """Yield a line that listens; when it closes, the queue and its bindings are gone. Raises RabbitError."""
    with amqp.channel(config, vhost, client_name="mqadmin events") as channel:
        line = Line(channel, f"mqadmin.events.{uuid.uuid4().hex}")
        line.listen()
        yield line
