"""The tap's queue and the line to it: bounded, exclusive, gone with its connection whatever becomes of us."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic, BasicProperties

from mqadmin.passing.tapping.plan import Copy
from mqadmin.rabbit import amqp
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.message import Message, Properties

QUEUE_MESSAGES, QUEUE_BYTES = 1_000, 8 * 1024 * 1024
EXPIRES_MS = 60_000  # belt and braces: without a consumer for so long it goes
IN_HAND = 20  # unacked at once: with bodies of 16 MB each that is much already
_NAMES = frozenset(Properties.__dataclass_fields__) - {"headers"}


def arguments(*, dead_letters: bool) -> dict[str, Any]:
    """Return what the tap's queue is declared with.

    `dead_letters`: a policy would dead-letter what it drops. An argument wins over a policy
    (rabbit_amqqueue_process, res_arg): they go to no queue then.
    """
    found: dict[str, Any] = {
        "x-queue-type": "classic",
        "x-max-length": QUEUE_MESSAGES,
        "x-max-length-bytes": QUEUE_BYTES,
        "x-overflow": "drop-head",
        "x-expires": EXPIRES_MS,
    }
    if dead_letters:
        found |= {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "mqadmin.tap.nowhere"}
    return found


class Line:
    """Takes from the tap's queue no faster than asked: what is not taken, the broker drops. One thread; methods may
    raise what pika raises, which `opened` turns into RabbitError."""

    def __init__(self, channel: BlockingChannel, queue: str) -> None:
        self._channel, self._queue = channel, queue
        self._came: list[Message] = []
        self._copies: list[Copy] = []

    def declare(self, *, dead_letters: bool) -> None:
        """Make the queue: exclusive to this connection and with all bounds."""
        given = arguments(dead_letters=dead_letters)
        self._channel.queue_declare(self._queue, exclusive=True, auto_delete=True, arguments=given)

    def again(self, queue: str) -> None:
        """Go on with another queue, and delete the one there is."""
        self._channel.queue_delete(self._queue)
        self._queue = queue

    def bind(self, copies: Sequence[Copy]) -> None:
        """Bind the queue by exactly these copies: what was bound before and is not among them is unbound."""
        for copy in copies:
            if copy not in self._copies:
                self._channel.queue_bind(
                    self._queue, copy.exchange, copy.routing_key, arguments=dict(copy.arguments)
                )
        for copy in self._copies:
            if copy not in copies:
                self._channel.queue_unbind(
                    self._queue, copy.exchange, copy.routing_key, arguments=dict(copy.arguments)
                )
        self._copies = list(copies)

    def consume(self, in_hand: int) -> None:
        """Begin to take, at most so many at once."""
        self._channel.basic_qos(prefetch_count=max(1, min(in_hand, IN_HAND)))
        self._channel.basic_consume(self._queue, self._took)

    def _took(self, _channel: Any, method: Basic.Deliver, properties: BasicProperties, body: bytes) -> None:
        self._came.append(Message.from_pika(method, properties, body))

    def take(self, most: int, seconds: float) -> list[Message]:
        """Return what comes within `seconds`, at most about `most`: up to IN_HAND more are left unacked till
        then."""
        end = time.monotonic() + seconds
        found: list[Message] = []
        while True:
            if self._came and len(found) < most:
                came, self._came = self._came, []
                self._channel.basic_ack(came[-1].delivery_tag or 0, multiple=True)
                found += came
            left = end - time.monotonic()
            if left <= 0:
                return found
            self._channel.connection.process_data_events(time_limit=left)


@contextmanager
def opened(config: BrokerConfig, vhost: str, queue: str) -> Iterator[Line]:
    """Yield a line; when it closes, the queue and its bindings are gone. Raises RabbitError."""
    with amqp.channel(config, vhost, client_name="mqadmin tap") as channel:
        yield Line(channel, queue)


def untraced(message: Message) -> Message:
    """Return the message that one of the firehose tells of (rabbit_trace). What cannot be read of it is left
    out."""
    told = message.headers
    table = told.get("properties")
    table = dict(table) if isinstance(table, dict) else {}
    headers = table.pop("headers", None)
    known = {name: value for name, value in table.items() if name in _NAMES}
    properties = Properties(headers=headers if isinstance(headers, dict) else None, **known)
    try:
        properties.check()
    except ValueError:
        properties = _checked(known, properties.headers)
    keys = told.get("routing_keys")
    key = str(keys[0]) if isinstance(keys, list) and keys else ""
    exchange = told.get("exchange_name")
    return Message(
        body=message.body,
        properties=properties,
        exchange=exchange if isinstance(exchange, str) else "",
        routing_key=key,
        redelivered=bool(told.get("redelivered")),
    )


def _checked(known: dict[str, Any], headers: dict[str, Any] | None) -> Properties:
    """Return the properties of those that AMQP can hold, one by one."""
    found = Properties()
    for name, value in (*known.items(), ("headers", headers)):
        more = replace(found, **{name: value})
        with suppress(ValueError):
            more.check()
            found = more
    return found
