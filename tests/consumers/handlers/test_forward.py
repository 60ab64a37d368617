"""The forward handler against a real broker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from consumers.handlers import registry
from consumers.handlers.registry import OptionsError, Place
from consumers.runtime.api import Delivery, Reject, Retry
from mqadmin.core import brokers
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.publishing.publisher import close_publishers
from tests.consumers.handlers.deliveries import delivery
from tests.support import amqp
from tests.support.vhosts import temporary_vhost
from tests.support.wire import Raw, connect, properties
from tests.support.wire_values import EVERYWHERE

pytestmark = pytest.mark.broker


@pytest.fixture(autouse=True)
def own_brokers() -> Iterator[None]:
    brokers.forget()
    yield
    close_publishers()
    brokers.forget()


def forward(vhost: str, message: Any, home: str = "default", /, **options: Any) -> None:
    place = Place("mover", home, vhost, "source")
    registry.bind(registry.get("forward"), options, place)(message)


def faults(vhost: str = "/", /, **options: Any) -> dict[str, str]:
    with pytest.raises(OptionsError) as raised:
        registry.bind(registry.get("forward"), options, Place("mover", "default", vhost, "source"))
    return raised.value.errors


def declare(config: BrokerConfig, vhost: str, *queues: str) -> None:
    with amqp.channel(config, vhost) as channel:
        for queue in queues:
            channel.queue_declare(queue, durable=True)


def test_everything_of_the_message_is_kept(broker_config: BrokerConfig, vhost: str) -> None:
    declare(broker_config, vhost, "target")
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    headers = {
        "n": 2**40,
        "f": 1.5,
        "d": Decimal("1.25"),
        "when": moment,
        "raw": b"\xff\x00",
        "nested": {"list": [1, "é", None, True]},
        "x-death": [{"queue": "old", "count": 2}],
    }
    properties = {
        "content_type": "application/x-thing",
        "content_encoding": "gzip",
        "delivery_mode": 2,
        "priority": 7,
        "correlation_id": "c",
        "reply_to": "r",
        "expiration": "600000",
        "message_id": "m",
        "timestamp": 1_700_000_000,
        "type": "t",
        "user_id": broker_config.username,
        "app_id": "a",
    }
    message = delivery(b"\x00\xff", routing_key="orders.new", headers=headers, **properties)
    forward(vhost, message, routing_key="target")
    [found] = amqp.drain(broker_config, vhost, "target", expect=1)
    assert found.body == b"\x00\xff"
    assert {name: getattr(found.properties, name) for name in properties} == properties
    expected = {**headers, "raw": found.headers["raw"]}
    assert found.headers == expected
    assert bytes(found.headers["raw"]) == b"\xff\x00"


def test_every_header_goes_on_in_the_type_it_came_in(broker_config: BrokerConfig, vhost: str) -> None:
    declare(broker_config, vhost, "source", "target")
    sent = Raw(properties(headers=EVERYWHERE), b"x")
    with connect(broker_config, vhost) as wire, amqp.channel(broker_config, vhost) as channel:
        wire.publish("", "source", sent)
        method, received, body = channel.basic_get("source", auto_ack=True)
        assert method is not None
        assert received is not None
        message = Delivery(method, received, body or b"", queue="source", consumer="c", generation=1)
        forward(vhost, message, routing_key="target")
        found = wire.get("target")
    assert found is not None
    assert found.meaning()["headers"] == sent.meaning()["headers"]


def test_headers_of_the_way_here_go_and_cc_does_not_route_again(
    broker_config: BrokerConfig, vhost: str
) -> None:
    declare(broker_config, vhost, "target", "copies")
    headers = {
        "mqadmin-attempt": 4,
        "mqadmin-retry-id": "r-9",
        "mqadmin-origin-exchange": "shop",
        "mqadmin-origin-routing-key": "orders.new",
        "mqadmin-requeue-id": "r-1",
        "x-delivery-count": 3,
        "CC": ["copies"],
        "BCC": ["copies"],
        "mine": "kept",
    }
    forward(vhost, delivery(b"x", headers=headers, user_id="somebody"), routing_key="target")
    [found] = amqp.drain(broker_config, vhost, "target", expect=1)
    assert found.headers == {
        "mqadmin-requeue-id": "r-1",
        "mqadmin-original-CC": ["copies"],
        "mqadmin-original-BCC": ["copies"],
        "mqadmin-original-user-id": "somebody",
        "mine": "kept",
    }
    assert amqp.depth(broker_config, vhost, "copies") == 0


def test_without_a_key_of_its_own_each_message_keeps_the_one_it_was_published_with(
    broker_config: BrokerConfig, vhost: str, management: ManagementClient
) -> None:
    declare(broker_config, vhost, "created", "paid")
    with amqp.channel(broker_config, vhost) as channel:
        channel.exchange_declare("events", "topic")
    management.bind(vhost, "events", "created", "order.created")
    management.bind(vhost, "events", "paid", "order.paid")
    forward(vhost, delivery(b"1", routing_key="order.created"), exchange="events")
    came_back = delivery(b"2", routing_key="source", headers={"mqadmin-origin-routing-key": "order.paid"})
    forward(vhost, came_back, exchange="events")
    assert [item.body for item in amqp.drain(broker_config, vhost, "created", expect=1)] == [b"1"]
    assert [item.body for item in amqp.drain(broker_config, vhost, "paid", expect=1)] == [b"2"]


def test_what_cannot_arrive_is_rejected_with_words(
    broker_config: BrokerConfig, vhost: str, management: ManagementClient
) -> None:
    with amqp.channel(broker_config, vhost) as channel:
        channel.exchange_declare("events", "topic")
    with pytest.raises(Reject, match="no queue took it"):
        forward(vhost, delivery(b"x", routing_key="order.created"), exchange="events")
    with pytest.raises(Reject, match="nothing-here"):
        forward(vhost, delivery(b"x"), exchange="nothing-here")
    with pytest.raises(Reject, match="no queue took it"):
        forward(vhost, delivery(b"x"), routing_key="no-such-queue")
    with pytest.raises(Reject, match="refused access to the virtual host"):
        forward(vhost, delivery(b"x"), vhost="no-such-vhost", routing_key="q")


def test_a_full_queue_is_tried_again(broker_config: BrokerConfig, vhost: str) -> None:
    with amqp.channel(broker_config, vhost) as channel:
        arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
        channel.queue_declare("full", durable=True, arguments=arguments)
    forward(vhost, delivery(b"1"), routing_key="full")
    with pytest.raises(Retry, match="full"):
        forward(vhost, delivery(b"2"), routing_key="full")


def brokers_file(path: Path, config: BrokerConfig, vhost: str) -> str:
    path.write_text(
        f'[brokers.here]\namqp_url = "{config.amqp_url}"\nmanagement_url = "{config.management_url}"\n'
        f'[brokers.there]\namqp_url = "{config.amqp_url.rstrip("/")}/{vhost}"\n'
        f'management_url = "{config.management_url}"\n'
        '[brokers.gone]\namqp_url = "amqp://guest:guest@127.0.0.1:1/"\n'
    )
    return str(path)


def test_another_broker_or_vhost(
    broker_config: BrokerConfig, vhost: str, tmp_path: Path, settings: Any
) -> None:
    with temporary_vhost(broker_config) as other:
        declare(broker_config, other, "target", "source")
        settings.MQADMIN_BROKERS_FILE = brokers_file(tmp_path / "brokers.toml", broker_config, other)
        brokers.forget()
        # Without a vhost: that broker's default. The same name there is another queue.
        forward(vhost, delivery(b"1"), "here", broker="there", routing_key="target")
        forward(vhost, delivery(b"2"), "here", broker="there", routing_key="source")
        forward(vhost, delivery(b"3"), "here", vhost=other, routing_key="target")
        assert [item.body for item in amqp.drain(broker_config, other, "target", expect=2)] == [b"1", b"3"]
        assert [item.body for item in amqp.drain(broker_config, other, "source", expect=1)] == [b"2"]
        with pytest.raises(Retry, match="gone"):
            forward(vhost, delivery(b"4"), "here", broker="gone", routing_key="target")
        with pytest.raises(OptionsError, match="nowhere"):
            forward(vhost, delivery(b"5"), "here", broker="nowhere", routing_key="target")


def test_options_that_cannot_work_are_named() -> None:
    assert "name of the queue" in faults()["routing_key"]
    assert "come back for ever" in faults(routing_key="source")["routing_key"]
    assert "255 bytes" in faults(exchange="é" * 128, routing_key="x")["exchange"]
    assert "nowhere" in faults(broker="nowhere", routing_key="x")["broker"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, []),
        ({"arguments": {"x-max-length": 5}, "ready": 2}, ["Full, it drops its oldest messages for those"]),
        ({"arguments": {"x-max-length": 5}, "ready": 5}, ["about 1 of its oldest messages would be dropped"]),
        ({"effective_policy": {"message-ttl": 10}}, ["10 ms after it came"]),
        ({"exclusive": True}, ["ends with it"]),
    ],
)
def test_what_becomes_of_messages_there_is_told(fields: dict[str, Any], words: list[str]) -> None:
    broker = Broker.objects.create(slug="default")
    Queue.objects.create(broker=broker, vhost="/", name="target", **fields)
    place = Place("mover", "default", "/", "source")
    told = registry.outlook("forward", {"routing_key": "target"}, place)
    assert len(told) == len(words)
    assert all(part in text for part, text in zip(words, told, strict=True))
    assert registry.outlook("forward", {"exchange": "x", "routing_key": "target"}, place) == []
    assert registry.outlook("forward", {"nonsense": 1}, place) == []
