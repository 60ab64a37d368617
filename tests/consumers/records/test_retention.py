"""What is too old or too much goes, in steps; nothing else does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from consumers.definitions import definitions
from consumers.models import (
    Consumer,
    ConsumerEvent,
    ConsumerMinute,
    ConsumerProcess,
    HandledKey,
    Record,
    Suspect,
)
from consumers.records import claims, minutes, retention
from mqadmin.core.acts.audit import Actor
from mqadmin.core.rows import deleting
from tests.consumers.conftest import ApiClient
from tests.support.consumers import count, make_consumer, make_process, make_record

pytestmark = pytest.mark.django_db

NOW = timezone.now()
NEXT = int(NOW.timestamp() // 60)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("FIRST", 2), ("SMALLEST", 1), ("LARGEST", 3), ("PAUSE_SECONDS", 0)):
        monkeypatch.setattr(deleting, name, value)


def keys(consumer: Consumer, process_id: int, done: bool, **ages: float) -> None:
    """Make a key for each name, of so many seconds of age."""
    HandledKey.objects.bulk_create(
        HandledKey(
            consumer=consumer, key=name, process_id=process_id, done=done, at=NOW - timedelta(seconds=age)
        )
        for name, age in ages.items()
    )


def left() -> set[str]:
    return set(HandledKey.objects.values_list("key", flat=True))


@pytest.mark.parametrize(
    ("days", "most", "left"),
    [(14, 100, 5), (14, 5, 5), (14, 3, 3), (2.5, 4, 3), (0.5, 4, 1), (100, 8, 8), (100, 7, 7)],
)
def test_records_stay_within_both_their_age_and_their_number(
    days: float, most: int, left: int, settings: Any
) -> None:
    settings.MQADMIN_RECORDS_DAYS, settings.MQADMIN_RECORDS_MAX = days, most
    consumer = make_consumer()
    for age in (40, 30, 20, 4, 3, 2, 1, 0):
        make_record(consumer, started_at=NOW - timedelta(days=age))
    newest = list(Record.objects.order_by("-id").values_list("id", flat=True)[:left])

    said = retention.delete_old(NOW)

    assert list(Record.objects.order_by("-id").values_list("id", flat=True)) == newest
    assert said == (f"{8 - left} records deleted" if left < 8 else "")


def test_records_of_a_deleted_consumer_are_out_of_sight_at_once_and_go_later(
    viewer: Client,
) -> None:
    """There may be millions: nobody waits for them in a request."""
    gone, stays = make_consumer(), make_consumer()
    left = make_record(gone, process=make_process(gone, ended_at=NOW))
    kept = [make_record(stays) for _number in range(2)]
    with CaptureQueriesContext(connection) as asked:
        definitions.delete(consumer=gone, by=Actor("ann"))
    assert not [query["sql"] for query in asked if Record._meta.db_table in query["sql"]]
    api = ApiClient("admin")
    assert viewer.get(reverse("record_detail", args=[left.pk])).status_code == 404
    assert api.call("GET", f"/records/{left.pk}")[0] == 404
    assert [item["id"] for item in api.call("GET", "/records")[1]["items"]] == [
        item.pk for item in kept[::-1]
    ]
    assert retention.delete_old(NOW) == "1 records deleted"
    assert list(Record.objects.order_by("id")) == kept


def test_keys_and_counters_of_a_deleted_consumer_are_left_to_retention() -> None:
    """There may be millions: nobody waits for them in a request."""
    gone, stays = make_consumer(name="orders"), make_consumer()
    processes = [make_process(gone, ended_at=NOW), make_process(stays)]
    for consumer, process in zip((gone, stays), processes, strict=True):
        keys(consumer, process.pk, True, a=0, b=1, c=2, d=3)
        keys(consumer, process.pk, False, e=0)
        for minute in range(3):
            ConsumerMinute.objects.create(consumer=consumer, process=process, minute=NEXT + minute, handled=1)
    with CaptureQueriesContext(connection) as asked:
        definitions.delete(consumer=gone, by=Actor("ann"))
    tables = (HandledKey._meta.db_table, ConsumerMinute._meta.db_table)
    assert not [query["sql"] for query in asked if any(table in query["sql"] for table in tables)]
    assert (HandledKey.objects.count(), ConsumerMinute.objects.count()) == (10, 6)
    assert not Consumer.objects.filter(pk=gone.pk).exists()
    retention.delete_old(NOW)
    assert set(HandledKey.objects.values_list("consumer", flat=True)) == {stays.pk}
    assert set(ConsumerMinute.objects.values_list("consumer", flat=True)) == {stays.pk}
    assert (HandledKey.objects.count(), ConsumerMinute.objects.count()) == (5, 3)


def test_who_has_the_name_of_a_deleted_consumer_has_none_of_its_keys() -> None:
    gone = make_consumer(name="orders")
    keys(gone, make_process(gone, ended_at=NOW).pk, True, a=0)
    definitions.delete(consumer=gone, by=Actor("ann"))
    again = make_consumer(name="orders")
    assert again.pk > gone.pk
    claimed = claims.HandledClaims(
        consumer_id=again.pk, process_id=make_process(again).pk, window=3600
    ).claim(["a"])
    assert claimed == ["mine"]
    assert minutes.last_hour([again.pk])[again.pk].total.handled == 0


def test_a_gap_in_the_numbers_counts_for_nothing(settings: Any) -> None:
    """Records of a deleted consumer leave a gap: what is left is counted, not how far the numbers go."""
    settings.MQADMIN_RECORDS_MAX = 4
    gone, stays = make_consumer(), make_consumer()
    first = make_record(stays)
    for _number in range(10):
        make_record(gone)
    gone.delete()
    rest = [make_record(stays) for _number in range(3)]
    retention.delete_old(NOW)
    assert Record.objects.count() == 4
    newer = make_record(stays)
    retention.delete_old(NOW)
    assert set(Record.objects.values_list("id", flat=True)) == {row.pk for row in (*rest, newer)}
    assert first.pk not in Record.objects.values_list("id", flat=True)


def test_handled_keys_go_after_the_window_of_their_own_consumer() -> None:
    short, long = make_consumer(dedupe_seconds=60), make_consumer(dedupe_seconds=3600)
    keys(short, 1, True, s30=30, s50=50, s61=61, s70=70, s4000=4000)
    keys(long, 1, True, l30=30, l61=61, l70=70, l71=71, l72=72, l3601=3601, l9000=9000)
    retention.delete_old(NOW)
    assert left() == {"s30", "s50", "l30", "l61", "l70", "l71", "l72"}


def test_claims_go_only_a_day_after_their_process_died() -> None:
    consumer = make_consumer(dedupe_seconds=10)
    alive = make_process(consumer, heartbeat_at=NOW)
    silent = make_process(consumer, heartbeat_at=NOW - timedelta(minutes=1))
    ended = make_process(consumer, ended_at=NOW, heartbeat_at=NOW)
    day = 86_400
    keys(consumer, alive.pk, False, alive_old=9 * day, alive_new=60)
    keys(consumer, silent.pk, False, silent_old=2 * day, silent_new=day - 60)
    keys(consumer, ended.pk, False, ended_old=day + 60, ended_new=day - 60)
    keys(consumer, ConsumerProcess.objects.latest("pk").pk + 99, False, gone_old=2 * day, gone_new=60)
    retention.delete_old(NOW)
    assert left() == {"alive_old", "alive_new", "silent_new", "ended_new", "gone_new"}


def test_many_keys_of_one_moment_are_all_looked_at() -> None:
    """Those of one commit share their time: a step that ends among them goes on among them."""
    keys(make_consumer(dedupe_seconds=3600), 1, True, **{f"stays{number}": 100 for number in range(7)})
    keys(make_consumer(dedupe_seconds=60), 1, True, **{f"goes{number}": 100 for number in range(7)})
    retention.delete_old(NOW)
    assert left() == {f"stays{number}" for number in range(7)}


def test_what_time_does_not_suffice_for_is_left_for_the_next_call(settings: Any, monkeypatch: Any) -> None:
    settings.MQADMIN_RECORDS_DAYS = 1
    consumer = make_consumer()
    started: datetime = NOW - timedelta(days=2)
    for _number in range(5):
        make_record(consumer, started_at=started)
    monkeypatch.setattr(retention, "DELETING", 0.0)
    assert retention.delete_old(NOW) == ""
    assert Record.objects.count() == 5
    monkeypatch.setattr(retention, "DELETING", 60.0)
    assert retention.delete_old(NOW) == "5 records deleted"


def test_notes_of_messages_that_never_came_back_go_by_age(settings: Any) -> None:
    settings.MQADMIN_RECORDS_DAYS = 14
    consumer = make_consumer()
    for name, days in (("old", 15), ("older", 20), ("new", 13)):
        at = NOW - timedelta(days=days)
        Suspect.objects.create(consumer=consumer, key=name, process_id=1, noted_at=at)
    retention.delete_old(NOW)
    assert set(Suspect.objects.values_list("key", flat=True)) == {"new"}


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

    said = retention.delete_old(now)

    assert said == "4 records deleted"
    kept = Record.objects.order_by("id").values_list("started_at", flat=True)
    assert [round((now - at).total_seconds() / 86_400) for at in kept] == [2, 1, 0, 0]
    assert ConsumerEvent.objects.count() == 1
    assert ConsumerMinute.objects.count() == 1
    assert retention.delete_old(now) == ""
