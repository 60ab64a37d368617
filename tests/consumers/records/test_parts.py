"""Records in parts, on PostgreSQL: begun in time, dropped as a whole, and never in the way of a record."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from pika import BasicProperties
from pika.spec import Basic

from consumers.models import Consumer, Record
from consumers.process.record_sink import RecordSink
from consumers.records import finding, forgetting, parts
from consumers.records.finding import RecordSearch
from consumers.runtime.api import Delivery
from consumers.runtime.outcome import Handled
from consumers.runtime.sink import SinkUnavailable
from mqadmin.core.rows.deleting import Steps
from tests.support.consumers import make_consumer, make_process, make_record

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no parts"),
]

MIGRATION = import_module("consumers.migrations.0004_records_in_parts")
NOW = timezone.now()


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.fixture(autouse=True)
def parts_anew() -> Iterator[None]:
    """Parts as a new installation has them, before and after: tests share their tables."""
    fresh()
    yield
    fresh()


def fresh() -> None:
    for part in parts.all_parts():
        run(f"DROP TABLE {part.name}")
    run(f"ALTER SEQUENCE {parts.TABLE}_id_seq RESTART WITH 1")
    parts.make_ahead()
    began(0, 0)


def began(number: int, days_ago: float) -> None:
    run(f"COMMENT ON TABLE {parts.TABLE}_p{number} IS 'since {(NOW - timedelta(days=days_ago)).isoformat()}'")


def days(*ages: float) -> list[int]:
    """Make a part that began so many days ago, with a record, for each age; return the records' ids."""
    consumer, ids = make_consumer(), []
    for number, age in enumerate(ages):
        run(f"SELECT setval('{parts.TABLE}_id_seq', {max(1, number * parts.SPAN)}, false)")
        parts.make_ahead()
        began(number, age)
        ids.append(make_record(consumer, started_at=NOW - timedelta(days=age)).pk)
    return ids


def numbers() -> list[int]:
    return [part.number for part in parts.all_parts()]


def left() -> list[int]:
    return list(Record.objects.order_by("id").values_list("id", flat=True))


def forget(days: float = 14, most: int = 1_000_000) -> int:
    return forgetting.forget(NOW - timedelta(days=days), most, Steps(60), days)


def test_the_next_part_begins_when_a_day_is_over_and_not_before() -> None:
    first = make_record(make_consumer()).pk
    began(0, 0.9)
    parts.keep_up(14, 1_000_000)
    second = make_record(make_consumer()).pk
    began(0, 1.1)
    parts.keep_up(14, 1_000_000)
    parts.keep_up(14, 1_000_000)
    third = make_record(make_consumer()).pk
    assert [pk // parts.SPAN for pk in (first, second, third)] == [0, 0, 1]
    assert numbers() == list(range(2 + parts.AHEAD))
    told = parts.all_parts()
    assert told[0].until == told[1].since
    assert abs((told[1].since or NOW) - timezone.now()) < timedelta(minutes=5)
    assert [part.is_written for part in told[:3]] == [False, True, True]


def test_a_part_that_was_never_written_waits_for_its_first_record() -> None:
    began(0, 30)
    parts.keep_up(14, 1_000_000)
    make_record(make_consumer())
    assert Record.objects.get().pk < parts.SPAN
    assert (parts.all_parts()[0].since or NOW) > NOW - timedelta(days=1)


@pytest.mark.parametrize(("hours", "part"), [(0.5, 0), (2, 1)])
def test_so_many_rows_end_a_part_early_but_not_each_minute(hours: float, part: int) -> None:
    make_record(make_consumer())
    run(f"SELECT setval('{parts.TABLE}_id_seq', {parts.LEAST_ROWS + 1})")
    began(0, hours / 24)
    parts.keep_up(14, 1_000_000)
    assert make_record(make_consumer()).pk // parts.SPAN == part


def test_old_parts_are_dropped_whole_whatever_the_clock_in_their_rows_says() -> None:
    ids = days(17, 16, 15, 14.5, 13, 1)
    Record.objects.filter(pk=ids[1]).update(started_at=NOW + timedelta(days=900))
    Record.objects.filter(pk=ids[4]).update(started_at=NOW - timedelta(days=900))
    assert forget() == 3  # the last record of the fourth may be of yesterday's yesterday: until 13 days ago
    assert left() == ids[3:]
    assert numbers()[:3] == [0, 3, 4]  # the first takes ids of a sequence that began anew
    run(f"SELECT setval('{parts.TABLE}_id_seq', 1, false)")
    assert make_record(make_consumer()).pk == 1


def test_rows_of_the_part_that_is_written_go_one_by_one() -> None:
    consumer = make_consumer()
    for age in (20, 16, 3, 0):
        make_record(consumer, started_at=NOW - timedelta(days=age))
    assert forget() == 2
    assert len(left()) == 2
    assert forget(most=1) == 1


def test_rows_of_a_part_without_a_beginning_go_one_by_one() -> None:
    """The table of before there were parts: it holds two weeks."""
    ids = days(20, 1)
    old = make_record(make_consumer(), pk=ids[0] + 1, started_at=NOW - timedelta(days=13)).pk
    run(f"COMMENT ON TABLE {parts.TABLE}_p0 IS NULL")
    assert forget() == 1
    assert left() == [old, ids[1]]


@pytest.mark.parametrize(("most", "kept"), [(4, 4), (3, 3), (2, 2), (0, 0)])
def test_the_oldest_beyond_so_many_go_part_by_part(most: int, kept: int) -> None:
    ids = days(5, 4, 3, 0.5)
    assert forget(most=most) == 4 - kept
    assert left() == (ids[-kept:] if kept else [])


def test_a_part_that_is_too_much_in_part_stays_until_it_is_so_as_a_whole(monkeypatch: Any) -> None:
    ids = days(5, 4, 0.5)
    make_record(make_consumer(), pk=ids[0] + 1)
    monkeypatch.setattr(forgetting, "SLACK", 1)
    assert (forget(most=3), len(left())) == (0, 4)
    assert (forget(most=2), left()) == (2, ids[1:])


def test_a_part_in_use_is_dropped_later(monkeypatch: Any) -> None:
    ids = days(17, 16, 15, 14.5, 13)
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(parts, "_TRIES", 2)
    other = connections["default"].copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {parts.TABLE}_p1")  # noqa: S608
        assert (forget(), left()) == (2, [ids[1], *ids[3:]])
        other.rollback()
        assert (forget(), left()) == (1, ids[3:])
    finally:
        other.close()


def test_a_record_waits_for_its_part_and_comes() -> None:
    """A copy of the database was put back, whose sequence was read after its tables."""
    consumer = make_consumer()
    sink = RecordSink(consumer, make_process(consumer).pk)
    run(f"SELECT setval('{parts.TABLE}_id_seq', {50 * parts.SPAN}, false)")
    with pytest.raises(IntegrityError):
        make_record(consumer)
    with pytest.raises(SinkUnavailable):
        sink.commit([handled("a")])
    sink.commit([handled("a")])  # as the committer does with a group that could not be stored
    assert Record.objects.get().message_id == "a"


def test_the_ack_of_a_record_from_before_the_leap_is_marked() -> None:
    consumer = make_consumer()
    sink = RecordSink(consumer, make_process(consumer).pk)
    lost = handled("a")
    sink.commit([lost])
    began(0, 2)
    parts.keep_up(14, 1_000_000)
    sink.commit([handled("b")])
    lost.recorded, lost.ack_lost = True, "The connection was lost."
    sink.commit([lost])
    assert [row.message_id for row in Record.objects.exclude(ack_lost=None)] == ["a"]


def test_pages_go_on_over_parts() -> None:
    ids = days(5, 4, 3, 2, 1)
    page = finding.page(RecordSearch(), limit=2)
    assert [row.pk for row in page.items] == ids[:2:-1]
    page = finding.page(RecordSearch(), before=page.older, limit=3)
    assert [row.pk for row in page.items] == ids[2::-1]
    consumer = Record.objects.first().consumer  # type: ignore[union-attr]
    more = [
        make_record(consumer, pk=ids[1] + n, started_at=NOW - timedelta(days=4 - n / 10)).pk for n in (1, 2)
    ]
    since = RecordSearch(since=NOW - timedelta(days=3.95), until=NOW - timedelta(days=3.5))
    assert [row.pk for row in finding.page(since).items] == more[::-1]
    Record.objects.filter(pk__in=more).delete()
    between = RecordSearch(since=NOW - timedelta(days=4.2), until=NOW - timedelta(days=1.5))
    assert [row.pk for row in finding.page(between).items] == ids[3:0:-1]


def handled(name: str) -> Handled:
    delivery = Delivery(
        Basic.Deliver("tag", 1, False, "", "orders"),
        BasicProperties(message_id=name),
        b"{}",
        queue="orders",
        consumer="orders",
        generation=1,
    )
    return Handled(delivery, "acked", datetime.now().timestamp(), 0.1)


def migrate(name: str = "") -> None:
    """To the migration of that name; to the last one without."""
    executor = MigrationExecutor(connection)
    executor.migrate([("consumers", name)] if name else executor.loader.graph.leaf_nodes("consumers"))


def record_of_before(consumer: Consumer) -> int:
    """Make a record in the table as it was, which has fewer columns, and return its id."""
    state = MigrationExecutor(connection).loader.project_state([("consumers", "0003_ack_never_arrived")])
    values = {"queue": "orders", "outcome": "acked", "started_at": timezone.now()}
    model = state.apps.get_model("consumers", "Record")
    return int(model.objects.create(consumer_id=consumer.pk, **values).pk)


def indexes() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = %s", [parts.TABLE])
        return {name for (name,) in cursor.fetchall()}


def test_the_table_of_before_is_the_first_part_and_all_come_back(monkeypatch: Any) -> None:
    """Back and forth with rows: each stays, ids go on, indexes and rights are the same."""
    named = indexes()
    consumer = make_consumer()
    ids = [make_record(consumer).pk for _number in range(3)]
    late = make_record(consumer, pk=parts.SPAN + 7).pk
    migrate("0003_ack_never_arrived")
    assert (left(), indexes()) == ([*ids, late], named)
    Record.objects.filter(pk=late).delete()
    run(f"GRANT SELECT ON {parts.TABLE} TO pg_monitor")
    ids.append(record_of_before(consumer))

    # Ended in the middle, and begun again.
    monkeypatch.setattr(MIGRATION, "_exchange", lambda *_given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        migrate()
    monkeypatch.undo()
    ids.append(record_of_before(consumer))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_filenode(%s)", [parts.TABLE])
        before = cursor.fetchone()
        migrate()
        cursor.execute("SELECT pg_relation_filenode(%s)", [f"{parts.TABLE}_p0"])
        assert cursor.fetchone() == before  # the same file
        cursor.execute("SELECT has_table_privilege('pg_monitor', %s, 'SELECT')", [parts.TABLE])
        assert cursor.fetchone() == (True,)
        cursor.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid")
        assert cursor.fetchone() == (0,)
    ids.append(make_record(consumer).pk)
    assert left() == ids == sorted(set(ids))
    assert indexes() == named
    assert parts.all_parts()[0].since is None
    assert forget() == 0
    assert make_record(consumer).pk == parts.SPAN  # what is there ends, in time
