"""Rows of queues past the ORM: what it would have stored, and what people said stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.monitor import queue_store
from mqadmin.queues.monitor.observing import DeadLetterRoute, Surroundings
from mqadmin.queues.monitor.queue_row import COLUMNS, Known, Row, update
from mqadmin.rabbit.types import QueueInfo

pytestmark = pytest.mark.django_db
AT = 1_800_000_000.0
ODD = "%s%% '\"\\ \u202e<script>"
INFO = QueueInfo(
    ODD,
    ODD,
    "quorum",
    state="running",
    ready=2**40,
    unacked=0,
    total=2**40,
    consumers=0,
    publish_rate=0.5,
    arguments={"x-queue-type": "quorum", "b": [1.5, None, True], "a": ODD},
    effective_policy={"max-length": 7},
)


@pytest.fixture
def broker() -> Broker:
    return Broker.objects.create(slug="default")


def row(info: QueueInfo) -> Row:
    known = Known()
    update(known, info, DeadLetterRoute(to=(ODD,), fault=""), False, Surroundings(AT))
    assert known.row is not None
    return known.row


def meant(row: Row) -> dict[str, Any]:
    return {name: row.read(name) if name in queue_store._JSON else getattr(row, name) for name in COLUMNS}


def test_what_is_written_is_what_the_orm_reads_and_the_next_monitor(broker: Broker) -> None:
    written = row(INFO)
    queue_store.write(broker, [(INFO.key, written)], AT)
    found = Queue.objects.get(broker=broker, vhost=ODD, name=ODD)
    assert {name: getattr(found, name) for name in COLUMNS} == meant(written)
    assert found.changed_at == datetime.fromtimestamp(AT, UTC)
    fresh = Queue()
    for name in ("tracked", "owner", "note", "thresholds", "own", "muted_until", "muted_by"):
        assert getattr(found, name) == getattr(fresh, name), name
    assert list(queue_store.read(broker)) == [(INFO.key, written)]


def test_a_known_one_keeps_what_people_said_and_when_it_was_first_seen(broker: Broker) -> None:
    queue_store.write(broker, [(INFO.key, row(INFO))], AT)
    Queue.objects.update(owner="ann", tracked=True, own=["owner"], thresholds={"ready": 5})
    before = Queue.objects.get()
    queue_store.write(broker, [(INFO.key, row(replace(INFO, ready=3)))], AT + 5)
    found = Queue.objects.get()
    assert (found.ready, found.owner, found.tracked, found.own) == (3, "ann", True, ["owner"])
    assert (found.first_seen_at, found.pk, found.thresholds) == (
        before.first_seen_at,
        before.pk,
        {"ready": 5},
    )


def test_many_are_written_in_short_transactions_and_each_says_so(
    broker: Broker, django_assert_max_num_queries: Any
) -> None:
    rows = [
        (("/", f"q{number}"), row(replace(INFO, vhost="/", name=f"q{number}"))) for number in range(1_101)
    ]
    before = Broker.objects.get().changes
    with django_assert_max_num_queries(40):
        queue_store.write(broker, rows, AT)
    assert Queue.objects.count() == len(rows)
    assert Queue.objects.filter(ready=2**40, arguments__a=ODD).count() == len(rows)
    assert Broker.objects.get().changes > before
    assert connection.vendor in ("sqlite", "postgresql")
