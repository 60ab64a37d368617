"""Finding, replaying and deleting records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pika
import pytest
from django.utils import timezone

from consumers.models import ConsumerEvent, ConsumerMinute, Record
from consumers.records import records
from consumers.records.records import NotRequeued, RecordQuery
from mqadmin.core import brokers
from mqadmin.core.models import AuditEntry
from mqadmin.core.rows import deleting
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.headers import REQUEUE_ID
from mqadmin.rabbit.message import to_json
from tests.consumers.conftest import BY
from tests.support.consumers import count, make_consumer, make_process, make_record

pytestmark = pytest.mark.django_db


def ids(page: records.RecordPage) -> list[int]:
    return [record.pk for record in page.items]


def test_pages_run_from_the_newest_back() -> None:
    consumer = make_consumer()
    made = [make_record(consumer).pk for _n in range(5)]
    make_record(make_consumer())

    first = records.page(RecordQuery(), consumer, limit=2)
    second = records.page(RecordQuery(), consumer, before=first.older, limit=2)
    third = records.page(RecordQuery(), consumer, before=second.older, limit=2)

    assert ids(first) + ids(second) + ids(third) == made[::-1]
    assert third.older is None
    assert first.newest == made[-1]


@pytest.mark.parametrize("field", ["message_id", "routing_key", "error_type", "error", "detail"])
def test_text_is_found_in_every_field(field: str) -> None:
    consumer = make_consumer()
    wanted = make_record(consumer, **{field: "It has a Needle% in it"})
    make_record(consumer)

    assert ids(records.page(RecordQuery(q="needle%"), consumer)) == [wanted.pk]


def test_text_is_looked_for_in_the_newest_only_but_a_message_id_in_all(monkeypatch: Any) -> None:
    monkeypatch.setattr(records, "SEARCHED", 3)
    consumer = make_consumer()
    old = make_record(consumer, message_id="the-old-one", error="boom")
    for _n in range(3):
        make_record(consumer)

    assert ids(records.page(RecordQuery(q="boom"), consumer)) == []
    assert ids(records.page(RecordQuery(q="the-old-one"), consumer)) == [old.pk]


def test_since_and_until_limit_by_start_time() -> None:
    consumer, now = make_consumer(), timezone.now()
    made = [make_record(consumer, started_at=now - timedelta(hours=hours)).pk for hours in (9, 7, 5, 3, 1)]

    found = records.page(
        RecordQuery(since=now - timedelta(hours=6), until=now - timedelta(hours=2)), consumer
    )

    assert ids(found) == [made[3], made[2]]
    assert ids(records.page(RecordQuery(since=now - timedelta(hours=10)))) == made[::-1]


def test_newer_counts_what_matches_and_no_further(monkeypatch: Any) -> None:
    monkeypatch.setattr(records, "COUNTED", 3)
    consumer = make_consumer()
    first = make_record(consumer)
    make_record(consumer, outcome="dead_lettered")
    for _n in range(4):
        make_record(consumer)

    assert records.newer(RecordQuery(), consumer, first.pk) == 3
    assert records.newer(RecordQuery(outcome="dead_lettered"), consumer, first.pk) == 1


def test_a_list_never_reads_bodies(django_assert_num_queries: Any) -> None:
    consumer = make_consumer()
    make_record(consumer, body=b"x" * 1000)
    make_record(consumer)
    with django_assert_num_queries(1):
        page = records.page(RecordQuery(), consumer)
        assert [record.stored for record in page.items] == [False, True]
    assert "body" in page.items[0].get_deferred_fields()


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
        records.requeue(record=record, by=BY)

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

    copy = records.copy_of(record, requeue_id="abc", username="guest")

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

    records.requeue(record=record, by=BY)

    _method, properties, body = channel.basic_get("söme queue", auto_ack=True)
    assert (body, properties.message_id) == (b"\x00payload", "m-1")
    assert properties.headers["mqadmin-origin-routing-key"] == "key"
    entry = AuditEntry.objects.get()
    assert (entry.outcome, entry.count) == ("done", 1)
    assert entry.detail["requeue_id"] == properties.headers["mqadmin-requeue-id"]


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
        "NServiceBus.ExceptionInfo.Message": "out of stock",
        "MT-Reason": "fault",
        "MT-Fault-StackTrace": "at Shop.Orders",
        "x-exception-stacktrace": "at com.shop.Orders",
        "x-death": [{"queue": "orders", "count": 2}],
    }
    record = make_record(
        make_consumer(vhost=vhost, queue="orders"),
        body=b"x",
        headers={**failure, "NServiceBus.MessageId": "n-1", "CC": ["copies"], "BCC": ["copies"]},
        properties={"user_id": user},
    )

    records.requeue(record=record, by=BY)

    _method, properties, _body = channel.basic_get("orders", auto_ack=True)
    headers = {name: value for name, value in properties.headers.items() if name != REQUEUE_ID}
    assert headers == {
        "NServiceBus.MessageId": "n-1",
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
        records.requeue(record=record, by=BY)

    assert caught.value.code == "unroutable"
    assert AuditEntry.objects.get().outcome == "refused"


def test_retention_deletes_the_old_and_the_surplus(settings: Any, monkeypatch: Any) -> None:
    settings.MQADMIN_RECORDS_DAYS, settings.MQADMIN_RECORDS_MAX = 14, 4
    monkeypatch.setattr(deleting, "FIRST", 2)
    consumer = make_consumer()
    process, now = make_process(consumer), timezone.now()
    for days in (20, 16, 15, 3, 2, 1, 0, 0):
        make_record(consumer, started_at=now - timedelta(days=days))
    for days in (20, 1):
        ConsumerEvent.objects.create(consumer=consumer, at=now - timedelta(days=days), kind="k", text="t")
    count(process, (3 * 86_400, "acked", 1), (0, "acked", 1))

    said = records.delete_old(now)

    assert said == "4 records deleted"
    kept = Record.objects.order_by("id").values_list("started_at", flat=True)
    assert [round((now - at).total_seconds() / 86_400) for at in kept] == [2, 1, 0, 0]
    assert ConsumerEvent.objects.count() == 1
    assert ConsumerMinute.objects.count() == 1
    assert records.delete_old(now) == ""
