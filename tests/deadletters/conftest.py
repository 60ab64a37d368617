"""A dead-letter queue on the real broker, and messages that really die."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pika
import pytest
from django.db import connection
from pika.adapters.blocking_connection import BlockingChannel

from mqadmin.core.acts.audit import Actor
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit import amqp
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.message import Message
from tests.support.waiting import wait_until

BY = Actor("ann")


@dataclass
class Place:
    """A vhost with `orders`, the letters of which go to `dlx.orders`, over one channel."""

    config: BrokerConfig
    vhost: str
    channel: BlockingChannel

    def publish(
        self, body: bytes = b"{}", *, exchange: str = "shop", key: str = "order.created", **properties: Any
    ) -> None:
        self.channel.basic_publish(exchange, key, body, pika.BasicProperties(**properties))

    def depth(self, queue: str) -> int:
        return int(self.channel.queue_declare(queue, passive=True).method.message_count or 0)

    def wait_depth(self, queue: str, depth: int) -> None:
        wait_until(lambda: self.depth(queue) == depth, what=f"{depth} messages in {queue}")

    def reject_all(self, queue: str = "orders") -> None:
        while True:
            method, _properties, _body = self.channel.basic_get(queue)
            if method is None:
                return
            self.channel.basic_reject(method.delivery_tag, requeue=False)

    def take(self, queue: str) -> Message:
        """Take one message and ack it."""

        def get() -> Any:
            found = self.channel.basic_get(queue, auto_ack=True)
            return found if found[0] is not None else None

        method, properties, body = wait_until(get, what=f"a message in {queue}")
        return Message.from_pika(method, properties, body)

    def row(self, name: str = "dlx.orders", **fields: Any) -> Queue:
        """The queue as the monitor would have stored it."""
        broker, _made = Broker.objects.get_or_create(slug=self.config.slug)
        if name == "dlx.orders":
            fields = {"dead_letters_from": ["orders"], "is_inbox": True, **fields}
        return Queue.objects.create(broker=broker, vhost=self.vhost, name=name, **fields)


@pytest.fixture
def place(broker_config: BrokerConfig, vhost: str, settings: Any) -> Iterator[Place]:
    with amqp.channel(broker_config, vhost) as channel:
        channel.exchange_declare("shop", "topic", durable=True)
        channel.exchange_declare("dlx", "fanout", durable=True)
        channel.queue_declare("dlx.orders", durable=True)
        channel.queue_bind("dlx.orders", "dlx")
        channel.queue_declare("orders", durable=True, arguments={"x-dead-letter-exchange": "dlx"})
        channel.queue_bind("orders", "shop", "order.#")
        yield Place(broker_config, vhost, channel)


@pytest.fixture
def by() -> Actor:
    return BY


@pytest.fixture(autouse=True)
def _fresh_publishers() -> Iterator[None]:
    yield
    from mqadmin.core import brokers
    from mqadmin.rabbit.publishing import publisher

    publisher.close_publishers()
    brokers.forget()


@contextmanager
def in_thread_database() -> Iterator[None]:
    """Close this thread's database connection afterwards."""
    try:
        yield
    finally:
        connection.close()
