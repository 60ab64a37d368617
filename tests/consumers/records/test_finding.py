"""Finding records: pages from the newest back, texts, times, and what has come since."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from consumers.records import finding
from consumers.records.finding import RecordSearch
from tests.support.consumers import make_consumer, make_record

pytestmark = pytest.mark.django_db


def ids(page: finding.RecordPage) -> list[int]:
    return [record.pk for record in page.items]


def test_pages_run_from_the_newest_back() -> None:
    consumer = make_consumer()
    made = [make_record(consumer).pk for _n in range(5)]
    make_record(make_consumer())

    first = finding.page(RecordSearch(), consumer, limit=2)
    second = finding.page(RecordSearch(), consumer, before=first.older, limit=2)
    third = finding.page(RecordSearch(), consumer, before=second.older, limit=2)

    assert ids(first) + ids(second) + ids(third) == made[::-1]
    assert third.older is None
    assert first.newest == made[-1]


@pytest.mark.parametrize("field", ["message_id", "routing_key", "error_type", "error", "detail"])
def test_text_is_found_in_every_field(field: str) -> None:
    consumer = make_consumer()
    wanted = make_record(consumer, **{field: "It has a Needle% in it"})
    make_record(consumer)

    assert ids(finding.page(RecordSearch(q="needle%"), consumer)) == [wanted.pk]


def test_text_is_looked_for_in_the_newest_only_but_a_message_id_in_all(monkeypatch: Any) -> None:
    monkeypatch.setattr(finding, "SEARCHED", 3)
    consumer = make_consumer()
    old = make_record(consumer, message_id="the-old-one", error="boom")
    for _n in range(3):
        make_record(consumer)

    assert ids(finding.page(RecordSearch(q="boom"), consumer)) == []
    assert ids(finding.page(RecordSearch(q="the-old-one"), consumer)) == [old.pk]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL counts which index is best")
@pytest.mark.parametrize("wanted", [RecordSearch("acked", message_id="a"), RecordSearch("acked", q="a")])
def test_a_message_id_is_looked_up_in_its_own_index(wanted: RecordSearch) -> None:
    consumer = make_consumer()
    for name in "abc":
        make_record(consumer, message_id=name)
    make_record(make_consumer(), message_id="a")
    rows = finding.search(wanted, consumer)
    assert "message_id=?" in rows.explain()
    assert [row.message_id for row in rows] == ["a"]
    other = RecordSearch("retried", message_id="a")
    assert not finding.search(other, consumer).exists()


def test_text_is_looked_for_among_those_that_the_rest_leaves(monkeypatch: Any) -> None:
    """The newest so many are counted among them, not among all."""
    monkeypatch.setattr(finding, "SEARCHED", 2)
    consumer, now = make_consumer(), timezone.now()
    old = make_record(consumer, detail="A needle", started_at=now - timedelta(days=3))
    for _number in range(4):
        make_record(consumer)
    until = RecordSearch(q="needle", until=now - timedelta(days=1))
    monkeypatch.setattr(finding, "_NEAR", 0)
    assert ids(finding.page(until, consumer)) == [old.pk]


def test_since_and_until_limit_by_start_time() -> None:
    consumer, now = make_consumer(), timezone.now()
    made = [make_record(consumer, started_at=now - timedelta(hours=hours)).pk for hours in (9, 7, 5, 3, 1)]

    found = finding.page(
        RecordSearch(since=now - timedelta(hours=6), until=now - timedelta(hours=2)), consumer
    )

    assert ids(found) == [made[3], made[2]]
    assert ids(finding.page(RecordSearch(since=now - timedelta(hours=10)))) == made[::-1]


def test_newer_counts_what_matches_and_no_further(monkeypatch: Any) -> None:
    monkeypatch.setattr(finding, "COUNTED", 3)
    consumer = make_consumer()
    first = make_record(consumer)
    make_record(consumer, outcome="dead_lettered")
    for _n in range(4):
        make_record(consumer)

    assert finding.newer(RecordSearch(), consumer, first.pk) == 3
    assert finding.newer(RecordSearch(outcome="dead_lettered"), consumer, first.pk) == 1


def test_a_list_never_reads_bodies(django_assert_num_queries: Any) -> None:
    consumer = make_consumer()
    make_record(consumer, body=b"x" * 1000)
    make_record(consumer)
    with django_assert_num_queries(1):
        page = finding.page(RecordSearch(), consumer)
        assert [record.stored for record in page.items] == [False, True]
    assert "body" in page.items[0].get_deferred_fields()
