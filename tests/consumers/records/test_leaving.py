"""The migration that makes keys and counters outlive their consumer: nothing is copied, nothing is lost."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consumers.models import Consumer, ConsumerMinute, HandledKey
from tests.support.consumers import make_consumer, make_process

pytestmark = pytest.mark.django_db(transaction=True)

MIGRATION = import_module("consumers.migrations.0007_what_a_consumer_leaves")
BEFORE = "0006_records_trace"
TABLES = ("consumers_handledkey", "consumers_consumerminute")


def migrate(name: str = "") -> list[str]:
    """To the migration of that name, to the last one without; return what was asked of the database."""
    executor = MigrationExecutor(connection)
    with CaptureQueriesContext(connection) as asked:
        executor.migrate([("consumers", name)] if name else executor.loader.graph.leaf_nodes("consumers"))
    return [query["sql"] for query in asked]


@pytest.fixture
def back() -> Any:
    yield
    migrate()


def rows() -> list[tuple[Any, ...]]:
    return [
        *HandledKey.objects.order_by("pk").values_list(),
        *ConsumerMinute.objects.order_by("pk").values_list(),
    ]


def checked() -> set[tuple[str, str]]:
    """Return the foreign keys that the database keeps, by table and column."""
    with connection.cursor() as cursor:
        return {
            (table, column)
            for table in TABLES
            for constraint in connection.introspection.get_constraints(cursor, table).values()
            if constraint["foreign_key"]
            for column in constraint["columns"]
        }


def make_rows(consumer: Consumer) -> None:
    process = make_process(consumer)
    HandledKey.objects.create(consumer=consumer, key=consumer.name, process_id=process.pk, at=timezone.now())
    ConsumerMinute.objects.create(consumer=consumer, process=process, minute=1, handled=3, durations=[1])


@pytest.mark.parametrize("may_write", [True, False])
def test_constraints_go_and_come_back_and_rows_stay(
    back: Any, monkeypatch: pytest.MonkeyPatch, may_write: bool
) -> None:
    if not may_write:  # as where SQLite lets nobody write definitions
        monkeypatch.setattr(MIGRATION, "_taken_out", lambda *_given: False)
    consumer = make_consumer()
    make_rows(consumer)
    stay = rows()
    gone = make_consumer()
    make_rows(gone)
    Consumer.objects.filter(pk=gone.pk).delete()
    assert checked() == set()

    migrate(BEFORE)
    assert checked() == {(TABLES[0], "consumer_id"), (TABLES[1], "consumer_id"), (TABLES[1], "process_id")}
    assert rows() == stay  # of nobody no constraint could hold

    asked = migrate()
    assert (checked(), rows()) == (set(), stay)
    copied = [sql for sql in asked if "INSERT INTO" in sql and any(table in sql for table in TABLES)]
    assert bool(copied) == (connection.vendor == "sqlite" and not may_write)
    make_rows(make_consumer())
    with pytest.raises(IntegrityError), transaction.atomic():  # the other constraints are there
        HandledKey.objects.create(consumer=consumer, key=consumer.name, process_id=1, at=timezone.now())
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA integrity_check")
            assert cursor.fetchall() == [("ok",)]
