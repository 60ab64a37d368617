"""Replaying a record: what its copy carries, where it goes, and when it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pika
import pytest

from consumers.models import Record
from consumers.process.record_sink import RecordSink
from consumers.records import replaying
from consumers.records.replaying import NotRequeued
from consumers.runtime.api import Delivery
from consumers.runtime.outcome import Handled
from mqadmin.core import brokers
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.headers import REQUEUE_ID
from mqadmin.rabbit.message import to_json
from tests.consumers.conftest import BY
from tests.support.consumers import make_consumer, make_process, make_record
from tests.support.wire import Raw, connect, properties
from tests.support.wire_values import EVERYWHERE

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "fields",
    [
        {"body": None, "properties": {}},
        {"body": b"x", "properties": {}, "body_truncated": True},
        {"body": b"x"},
    ],
)
def test_replay_refuses_what_is_not_wholly_stored(fields: dict[str, Any]) -> None:
    record = make_record(make_consumer(), **fields)

    with pytest.raises(NotRequeued):
        replaying.requeue(record=record, by=BY)

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.outcome) == ("record.requeue", "refused")


def test_copy_leaves_failure_and_routing_headers_behind() -> None:
    headers = {
        "x-death": [{"count": 3}],
        "x-first-death-queue": "q",
        "x-delivery-count": 4,
        "mqadmin-attempt": 4,
        "mqadmin-retry-id": "r-9",
        "mqadmin-error-type": "E",
        "mqadmin-death-queue": "q",
        "CC": ["elsewhere"],
        "tenant": "acme",
        "price": Decimal("1.5"),
        "ratio": 2.0,
        "blob": b"\x00\xff",
    }
    record = make_record(
        make_consumer(queue="orders"),
        exchange="order.events",
        routing_key="order.paid",
        body=b"{}",
        headers=to_json(headers),
        properties={"message_id": "m-1", "expiration": "1000", "user_id": "someone", "delivery_mode": 2},
    )

    copy = replaying.copy_of(record, requeue_id="abc", username="guest")

    assert (copy.exchange, copy.routing_key, copy.body) == ("", "orders", b"{}")
    assert copy.properties.headers == {
        "mqadmin-original-CC": ["elsewhere"],
        "tenant": "acme",
        "price": Decimal("1.5"),
        "ratio": 2.0,
        "blob": b"\x00\xff",
        "mqadmin-original-expiration": "1000",
        "mqadmin-original-user-id": "someone",
        "mqadmin-origin-exchange": "order.events",
        "mqadmin-origin-routing-key": "order.paid",
        "mqadmin-requeue-id": "abc",
    }
    assert (copy.properties.message_id, copy.properties.delivery_mode) == ("m-1", 2)
    assert copy.properties.expiration is None
    assert copy.properties.user_id is None


@pytest.fixture
def channel(broker_config: BrokerConfig, vhost: str) -> Iterator[Any]:
    brokers.forget()
    connection = pika.BlockingConnection(broker_config.connection_parameters(vhost))
    yield connection.channel()
    connection.close()
    brokers.publisher("default", vhost).close()
    brokers.forget()


@pytest.mark.broker
def test_replay_publishes_to_the_queue_confirmed(channel: Any, vhost: str) -> None:
    channel.queue_declare("söme queue", durable=True)
    record = make_record(
        make_consumer(vhost=vhost, queue="söme queue"),
        body=b"\x00payload",
        properties={"message_id": "m-1", "delivery_mode": 2},
        headers={"n": {"$float": "1.0"}},
        exchange="ex",
        routing_key="key",
    )

    replaying.requeue(record=record, by=BY)

    _method, properties, body = channel.basic_get("söme queue", auto_ack=True)
    assert (body, properties.message_id) == (b"\x00payload", "m-1")
    assert properties.headers["mqadmin-origin-routing-key"] == "key"
    entry = AuditEntry.objects.get()
    assert (entry.outcome, entry.count) == ("done", 1)
    assert entry.detail["requeue_id"] == properties.headers["mqadmin-requeue-id"]


@pytest.mark.broker
def test_replay_has_every_header_in_the_type_it_came_in(
    channel: Any, vhost: str, broker_config: BrokerConfig
) -> None:
    channel.queue_declare("orders")
    sent = Raw(properties(headers=EVERYWHERE), b"x")
    with connect(broker_config, vhost) as wire:
        wire.publish("", "orders", sent)
        method, received, body = channel.basic_get("orders", auto_ack=True)
        delivery = Delivery(method, received, body, queue="orders", consumer="c", generation=1)
        consumer = make_consumer(vhost=vhost, queue="orders", body_capture="all")
        handled = Handled(delivery, "acked", started_at=1.0, duration=0.1)
        RecordSink(consumer, make_process(consumer).pk).commit([handled])

        replaying.requeue(record=Record.objects.get(), by=BY)

        found = wire.get("orders")
    assert found is not None
    assert found.meaning()["headers"].items() >= sent.meaning()["headers"].items()


@pytest.mark.broker
@pytest.mark.parametrize("is_own", [True, False])
def test_replay_leaves_what_other_frameworks_said_of_the_failure_and_keeps_the_user(
    channel: Any, vhost: str, broker_config: BrokerConfig, is_own: bool
) -> None:
    """As a requeued letter does; somebody else's `user_id` would close the channel."""
    channel.queue_declare("orders")
    channel.queue_declare("copies")
    user = broker_config.username if is_own else "somebody"
    failure = {
        "NServiceBus.FailedQ": "orders",
        "NServiceBus.ExceptionInfo.ExceptionType": "Shop.OutOfStock",
        "NServiceBus.ExceptionInfo.Message": "out of stock",
        "MT-Reason": "fault",
        "MT-Fault-ExceptionType": "Shop.OutOfStock",
        "MT-Fault-StackTrace": "at Shop.Orders",
        "x-death": [{"queue": "orders", "count": 2}],
    }
    record = make_record(
        make_consumer(vhost=vhost, queue="orders"),
        body=b"x",
        headers={
            **failure,
            "NServiceBus.MessageId": "n-1",
            "retry-count": 3,
            "CC": ["copies"],
            "BCC": ["copies"],
        },
        properties={"user_id": user},
    )

    replaying.requeue(record=record, by=BY)

    _method, properties, _body = channel.basic_get("orders", auto_ack=True)
    headers = {name: value for name, value in properties.headers.items() if name != REQUEUE_ID}
    assert headers == {
        "NServiceBus.MessageId": "n-1",
        "retry-count": 3,
        "mqadmin-original-CC": ["copies"],
        "mqadmin-original-BCC": ["copies"],
        "mqadmin-origin-exchange": record.exchange,
        "mqadmin-origin-routing-key": record.routing_key,
        **({} if is_own else {"mqadmin-original-user-id": user}),
    }
    assert properties.user_id == (user if is_own else None)
    assert channel.basic_get("copies") == (None, None, None)


@pytest.mark.broker
def test_replay_to_a_queue_that_is_gone_says_so(channel: Any, vhost: str) -> None:
    record = make_record(make_consumer(vhost=vhost, queue="gone"), body=b"x", properties={})

    with pytest.raises(NotRequeued) as caught:
        replaying.requeue(record=record, by=BY)

    assert caught.value.code == "unroutable"
    assert AuditEntry.objects.get().outcome == "refused"


@pytest.mark.broker
def test_replay_to_a_queue_that_would_drop_something_waits_for_an_agreement(channel: Any, vhost: str) -> None:
    channel.queue_declare("latest", durable=True, arguments={"x-max-length": 1})
    channel.confirm_delivery()
    channel.basic_publish("", "latest", b"old")
    record = make_record(make_consumer(vhost=vhost, queue="latest"), body=b"x", properties={}, size=1)
    assert replaying.would_lose(record) == ""  # the monitor knows no such queue
    broker = Broker.objects.create(slug="default")
    Queue.objects.create(broker=broker, vhost=vhost, name="latest", ready=1, arguments={"x-max-length": 1})
    assert "about 1 of its oldest messages would be dropped" in replaying.would_lose(record)

    with pytest.raises(Refusal, match="would be dropped") as caught:
        replaying.requeue(record=record, by=BY)

    assert caught.value.code == "would_lose"
    replaying.requeue(record=record, by=BY, allow_loss=True)
    assert channel.basic_get("latest", auto_ack=True)[2] == b"x"
