"""Messages in and out of a broker with bare pika: what tests compare mqadmin's own ways with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel

from mqadmin.rabbit.config import BrokerConfig
from tests.support.waiting import wait_until


@dataclass(frozen=True)
class Received:
    """A message taken from a queue."""

    body: bytes
    properties: pika.BasicProperties
    redelivered: bool
    exchange: str
    routing_key: str
    headers: dict[str, Any] = field(default_factory=dict)


@contextmanager
def channel(config: BrokerConfig, vhost: str) -> Iterator[BlockingChannel]:
    """Open a connection with one channel, closed at the end."""
    connection = pika.BlockingConnection(config.connection_parameters(vhost))
    try:
        yield connection.channel()
    finally:
        if connection.is_open:
            connection.close()


def publish(
    config: BrokerConfig, vhost: str, queue: str, bodies: Iterable[bytes], **properties: Any
) -> list[str]:
    """Publish persistent messages to `queue`, each with a message id `m<number>`; return the ids."""
    ids = []
    with channel(config, vhost) as ch:
        ch.confirm_delivery()
        for number, body in enumerate(bodies):
            ids.append(f"m{number}")
            fields = {"message_id": ids[-1], "delivery_mode": 2, **properties}
            ch.basic_publish("", queue, body, pika.BasicProperties(**fields), mandatory=True)
    return ids


def drain(
    config: BrokerConfig, vhost: str, queue: str, expect: int = 0, timeout: float = 10
) -> list[Received]:
    """Take and ack what is in `queue`, waiting until `expect` messages came."""
    received: list[Received] = []
    with channel(config, vhost) as ch:

        def more() -> bool:
            while True:
                method, properties, body = ch.basic_get(queue, auto_ack=True)
                if method is None:
                    return len(received) >= expect
                received.append(
                    Received(
                        body,
                        properties,
                        bool(method.redelivered),
                        method.exchange,
                        method.routing_key,
                        dict(properties.headers or {}),
                    )
                )

        wait_until(more, timeout, what=f"{expect} messages in {queue}")
    return received


def depth(config: BrokerConfig, vhost: str, queue: str) -> int:
    """Return how many messages are ready in `queue` now."""
    with channel(config, vhost) as ch:
        return int(ch.queue_declare(queue, passive=True).method.message_count)
