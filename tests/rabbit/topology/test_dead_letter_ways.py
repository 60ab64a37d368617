"""The map against RabbitMQ itself: messages die on every kind of way, and arrive where the map says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pika import BasicProperties
from pika.adapters.blocking_connection import BlockingChannel

from mqadmin.rabbit import amqp
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.topology import redflags
from mqadmin.rabbit.topology.topology import DeadLetterMap, dead_letter_map
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

ENDS = ("end.direct", "end.other", "end.fanout", "end.topic", "end.headers", "end.mid", "end.spare")
KEY = "orders.new"


@pytest.fixture
def channel(broker_config: BrokerConfig, vhost: str) -> Iterator[BlockingChannel]:
    with amqp.channel(broker_config, vhost) as channel:
        _declare(channel)
        yield channel


def _declare(channel: BlockingChannel) -> None:
    """Exchanges of every type, one leading to another, one with an alternate; and where they end."""
    for name in ENDS:
        channel.queue_declare(name, durable=True)
    for kind in ("direct", "fanout", "topic", "headers"):
        channel.exchange_declare(f"x.{kind}", kind, durable=True)
    channel.exchange_declare("x.spare", "fanout", durable=True)
    channel.exchange_declare(
        "x.alternate", "direct", durable=True, arguments={"alternate-exchange": "x.spare"}
    )
    channel.exchange_declare("x.first", "direct", durable=True)
    channel.exchange_declare("x.second", "topic", durable=True)
    channel.exchange_declare("x.empty", "fanout", durable=True)
    channel.queue_bind("end.direct", "x.direct", "dead")
    channel.queue_bind("end.other", "x.direct", KEY)
    channel.queue_bind("end.fanout", "x.fanout", "whatever")
    channel.queue_bind("end.direct", "x.fanout", "")
    channel.queue_bind("end.topic", "x.topic", "dead.#")
    channel.queue_bind("end.other", "x.topic", "orders.*")
    channel.queue_bind("end.headers", "x.headers", "", {"x-match": "all", "tenant": "acme"})
    channel.queue_bind("end.other", "x.headers", "", {"x-match": "all", "tenant": "globex"})
    channel.queue_bind("end.direct", "x.alternate", "known")
    channel.queue_bind("end.spare", "x.spare", "")
    channel.exchange_bind("x.second", "x.first", "dead")
    channel.queue_bind("end.mid", "x.second", "*")
    channel.queue_declare("end.default", durable=True)


WAYS: dict[str, tuple[str, str | None, set[str]]] = {
    # name of the dying queue: (dead-letter exchange, key, where its messages really end)
    "default": ("", "end.default", {"end.default"}),
    "default-missing": ("", "nobody", set()),
    "direct": ("x.direct", "dead", {"end.direct"}),
    "direct-own-key": ("x.direct", None, {"end.other"}),
    "direct-unbound": ("x.direct", "unbound", set()),
    "fanout": ("x.fanout", None, {"end.fanout", "end.direct"}),
    "topic": ("x.topic", "dead.letters.all", {"end.topic"}),
    "topic-own-key": ("x.topic", None, {"end.other"}),
    "headers": ("x.headers", None, {"end.headers"}),
    "exchange-to-exchange": ("x.first", "dead", {"end.mid"}),
    "alternate": ("x.alternate", "unknown", {"end.spare"}),
    "alternate-known": ("x.alternate", "known", {"end.direct"}),
    "empty": ("x.empty", None, set()),
    "missing": ("x.gone", None, set()),
}


def _map(management: ManagementClient, vhost: str) -> DeadLetterMap:
    return dead_letter_map(management.queues(vhost), management.bindings(vhost), management.exchanges(vhost))


def _get(channel: BlockingChannel, name: str) -> Any:
    method, _properties, _body = channel.basic_get(name)
    return method.delivery_tag if method else None


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_letters_arrive_where_the_map_says(
    channel: BlockingChannel, management: ManagementClient, vhost: str, kind: str
) -> None:
    """Given a queue for every way, when a message of each is rejected, then the map has told where it ends."""
    for name, (exchange, key, _ends) in WAYS.items():
        arguments: dict[str, Any] = {"x-queue-type": kind, "x-dead-letter-exchange": exchange}
        if key is not None:
            arguments["x-dead-letter-routing-key"] = key
        # A message's own key is the queue's name, unless it is published through an exchange.
        channel.queue_declare(name, durable=True, arguments=arguments)
    channel.exchange_declare("in", "headers", durable=True)
    for name in WAYS:
        channel.queue_bind(name, "in", "", {"x-match": "all", "to": name})

    wait_until(lambda: len(management.queues(vhost)) == len(WAYS) + len(ENDS) + 1, what="all queues listed")
    found = _map(management, vhost)
    for name in WAYS:
        properties = BasicProperties(headers={"to": name, "tenant": "acme"})
        channel.basic_publish("in", KEY, name.encode(), properties)
        tag = wait_until(lambda name=name: _get(channel, name), what=f"the message in {name}")  # type: ignore[misc]
        channel.basic_reject(tag, requeue=False)

    expected = sum(len(ends) for _exchange, _key, ends in WAYS.values())
    arrived: dict[str, set[str]] = {name: set() for name in WAYS}

    def collect() -> bool:
        for end in (*ENDS, "end.default"):
            method, _properties, body = channel.basic_get(end, auto_ack=True)
            if method is not None:
                arrived[(body or b"").decode()].add(end)
        return sum(map(len, arrived.values())) >= expected

    wait_until(collect, what="every letter")
    assert arrived == {name: ends for name, (_exchange, _key, ends) in WAYS.items()}
    for name, ends in arrived.items():
        target = found[vhost, name]
        if target.certain:
            assert set(target.to) == ends, name
        else:
            assert ends <= set(target.to), name
        assert (target.broken is not None) == (not ends), name
    wrong = redflags.flags(management.queues(vhost), found)
    assert {key[1] for key in wrong} == {name for name, ends in arrived.items() if not ends}


def test_a_circle_without_a_rejection_drops_the_letter(
    channel: BlockingChannel, management: ManagementClient, vhost: str
) -> None:
    """What the red flag "cycle" warns of: the second time round the message is gone."""
    for name, other in (("ring.a", "ring.b"), ("ring.b", "ring.a")):
        arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": other, "x-message-ttl": 20}
        channel.queue_declare(name, durable=True, arguments={**arguments, "x-queue-type": "classic"})
    found = _map(management, vhost)
    assert found[vhost, "ring.a"].leads_back
    channel.basic_publish("", "ring.a", b"round")

    def is_gone() -> bool:
        counts = [
            channel.queue_declare(name, passive=True).method.message_count for name in ("ring.a", "ring.b")
        ]
        return not any(counts)

    wait_until(is_gone, what="the ring to be empty")
