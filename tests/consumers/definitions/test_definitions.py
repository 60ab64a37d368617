"""The services: what they change, what they refuse, and that two at once never both win."""

from __future__ import annotations

from typing import Any

import pytest

from consumers.definitions import definitions
from consumers.definitions.definitions import Conflict, Invalid
from consumers.models import Consumer
from mqadmin.core.models import AuditEntry
from mqadmin.queues.models import Broker, Queue
from tests.consumers.conftest import BY
from tests.support.consumers import make_consumer

pytestmark = pytest.mark.django_db


def last_audit() -> AuditEntry:
    return AuditEntry.objects.latest("id")


def define(**fields: Any) -> Consumer:
    values = {"name": "orders", "broker": "default", "queue": "order.processing", "handler": "record"}
    return definitions.create(by=BY, **{**values, **fields})


@pytest.mark.parametrize(
    ("field", "value"),
    [("queue", "a\0b"), ("options", {"url": "a\0b"}), ("options", {"headers": [{"a\0": 1}]})],
)
def test_a_nul_is_refused_wherever_it_stands(field: str, value: Any) -> None:
    with pytest.raises(Invalid) as refused:
        define(**{field: value})
    assert refused.value.fields == {field: "Leave out the NUL."}


def test_create_stays_stopped_and_is_audited() -> None:
    consumer = define(concurrency=4)

    assert (consumer.desired, consumer.concurrency, consumer.revision) == ("stopped", 4, 1)
    assert (last_audit().action, last_audit().actor, last_audit().outcome) == (
        "consumer.create",
        "anna",
        "done",
    )


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "no slug!"}, "name"),
        ({"name": "records"}, "name"),
        ({"broker": "nowhere"}, "broker"),
        ({"queue": ""}, "queue"),
        ({"queue": "ü" * 128}, "queue"),
        ({"queue": "orders\r"}, "queue"),
        ({"vhost": "v" * 256}, "vhost"),
        ({"handler": "no.such.handler"}, "handler"),
        ({"handler": "collect"}, "handler"),
        ({"options": {"no_such": 1}}, "options.no_such"),
        ({"options": []}, "options"),
        ({"replicas": 0}, "replicas"),
        ({"replicas": 2, "exclusive": True}, "replicas"),
        ({"replicas": 2, "single": True}, "replicas"),
        ({"autoscale_max": 4, "single": True}, "autoscale_max"),
        ({"autoscale_max": 4, "exclusive": True}, "autoscale_max"),
        ({"autoscale_max": 4, "autoscale_min": 5}, "autoscale_min"),
        ({"autoscale_max": 51}, "autoscale_max"),
        ({"autoscale_min": 0}, "autoscale_min"),
        ({"autoscale_seconds": 9}, "autoscale_seconds"),
        ({"autoscale_seconds": float("nan")}, "autoscale_seconds"),
        ({"memory_limit_mb": -1}, "memory_limit_mb"),
        ({"placement": "zone=a, =b"}, "placement"),
        ({"placement": "zone=a gpu"}, "placement"),
        ({"schedule": "mon-fri 08:00-25:00"}, "schedule"),
        ({"schedule": "whenever"}, "schedule"),
        ({"prefetch": 65_536}, "prefetch"),
        ({"prefetch": 3, "concurrency": 4}, "prefetch"),
        ({"retry_first_delay": float("nan")}, "retry_first_delay"),
        ({"retry_first_delay": 20, "retry_max_delay": 10}, "retry_max_delay"),
        ({"retry_factor": 0.5}, "retry_factor"),
        ({"stop_seconds": 0}, "stop_seconds"),
        ({"ack": "never"}, "ack"),
        ({"ack": "auto", "on_failure": "reject"}, "on_failure"),
        ({"mode": "peek"}, "mode"),
        ({"mode": "pull", "pull_interval": 0.04}, "pull_interval"),
        ({"mode": "pull", "pull_interval": 3_601}, "pull_interval"),
        ({"mode": "pull", "exclusive": True}, "exclusive"),
        ({"mode": "pull", "consumer_priority": 1}, "consumer_priority"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 2, "prefetch": 100}, "batch_size"),
        ({"batch_seconds": 0.001}, "batch_seconds"),
        ({"connection_retries": -1}, "connection_retries"),
        ({"connection_delay": 604_801}, "connection_delay"),
        ({"connect_attempts": 1_000_001}, "connect_attempts"),
        ({"dedupe_key": "guess"}, "dedupe_key"),
        ({"dedupe_key": "message_id", "ack": "auto"}, "dedupe_key"),
        ({"dedupe_key": "message_id", "records": "best_effort"}, "records"),
        ({"dedupe_key": "header"}, "dedupe_path"),
        ({"dedupe_key": "json", "dedupe_path": " "}, "dedupe_path"),
        ({"dedupe_key": "body", "dedupe_path": "order.id"}, "dedupe_path"),
        ({"dedupe_path": "order.id"}, "dedupe_path"),
        ({"dedupe_seconds": 0.5}, "dedupe_seconds"),
        ({"records": "sometimes"}, "records"),
    ],
)
def test_create_refuses_what_is_not_sound(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        define(**fields)

    assert list(caught.value.fields) == [field]
    assert not Consumer.objects.exists()
    assert last_audit().outcome == "refused"


@pytest.mark.parametrize("field", ["name", "queue", "vhost", "handler", "placement"])
def test_no_text_holds_a_nul(field: str) -> None:
    with pytest.raises(Invalid) as caught:
        define(**{field: "a\0b"})
    assert list(caught.value.fields) == [field]
    consumer = define()
    if field != "name":
        with pytest.raises(Invalid):
            definitions.update(consumer=consumer, by=BY, **{field: "a\0b"})


@pytest.mark.parametrize(
    "fields",
    [
        {"mode": "pull", "pull_interval": 0.05},
        {"mode": "pull", "ack": "auto"},
        {"connection_retries": 0},
        {"connection_retries": None, "connect_attempts": 3},
        {"dedupe_key": "header", "dedupe_path": "x-order"},
        {"dedupe_key": "json", "dedupe_path": "items.0.sku", "dedupe_seconds": 31_536_000},
        {"dedupe_key": "message_id", "records": "failures"},
        {"records": "best_effort", "mode": "pull", "ack": "auto"},
    ],
)
def test_create_takes_what_is_sound(fields: dict[str, Any]) -> None:
    define(**fields)
    stored = Consumer.objects.values(*fields).get()
    assert stored == fields


def test_a_batch_needs_a_handler_that_takes_one_and_room_for_it(batch_handler: str) -> None:
    assert define(name="one", handler=batch_handler, batch_size=1, prefetch=2, concurrency=2).batch_size == 1
    assert define(name="many", handler=batch_handler, batch_size=50, prefetch=100, concurrency=2)

    with pytest.raises(Invalid) as caught:
        define(handler=batch_handler, batch_size=50, prefetch=99, concurrency=2)

    assert list(caught.value.fields) == ["prefetch"]
    assert "100 or more" in caught.value.fields["prefetch"]


def test_create_refuses_a_stream_and_says_why() -> None:
    broker = Broker.objects.create(slug="default")
    Queue.objects.create(broker=broker, vhost="/", name="events", type="stream")

    with pytest.raises(Invalid) as caught:
        define(queue="events")

    assert "stream" in caught.value.fields["queue"]


def test_names_are_unique() -> None:
    define()
    with pytest.raises(Invalid) as caught:
        define()
    assert "name" in caught.value.fields


def test_update_bumps_the_revision_only_for_what_needs_a_restart() -> None:
    consumer = make_consumer()

    definitions.update(consumer=consumer, by=BY, replicas=3)
    assert (consumer.replicas, consumer.revision) == (3, 1)

    definitions.update(consumer=consumer, by=BY, prefetch=50, replicas=3)
    assert (consumer.prefetch, consumer.revision, consumer.changed_by) == (50, 2, "anna")
    assert last_audit().detail == {"prefetch": {"from": 10, "to": 50}}


def test_update_that_changes_nothing_is_no_act() -> None:
    consumer = make_consumer()
    definitions.update(consumer=consumer, by=BY, prefetch=consumer.prefetch)
    assert not AuditEntry.objects.exists()


def test_update_overtaken_by_another_is_refused() -> None:
    mine = make_consumer()
    theirs = Consumer.objects.get(pk=mine.pk)
    definitions.update(consumer=theirs, by=BY, prefetch=50)

    with pytest.raises(Conflict):
        definitions.update(consumer=mine, by=BY, prefetch=20)

    assert Consumer.objects.get(pk=mine.pk).prefetch == 50
