"""The pages of records: newest first, filtered, waiting, whole, replayed."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from tests.consumers.views.conftest import get, text_of
from tests.support.consumers import make_consumer, make_record

pytestmark = pytest.mark.django_db

HX = {"HX-Request": "true", "HX-Request-Type": "partial"}
EVIL = "<script>alert('x')</script>&amp;\"'"


def test_records_newest_first_filtered_and_older(viewer: Client) -> None:
    consumer = make_consumer(name="orders")
    for number in range(60):
        make_record(consumer, message_id=f"n-{number}")
    make_record(consumer, message_id="lost", outcome="dead_lettered", error="no stock")

    first = text_of(get(viewer, "record_list", "orders", fragment=True))
    assert first.index("lost") < first.index("n-59") < first.index("n-58")
    assert "n-9<" not in first
    before = re.search(r"before=(\d+)", first)
    assert before is not None
    assert "n-9<" in text_of(get(viewer, "record_list", "orders", before=before[1]))
    failed = text_of(get(viewer, "record_list", "orders", outcome="dead_lettered", q="STOCK"))
    assert "lost" in failed
    assert "n-59" not in failed


def test_new_records_wait_behind_a_button(viewer: Client) -> None:
    consumer = make_consumer(name="orders")
    first = make_record(consumer)
    assert "data-records-load" not in text_of(
        get(viewer, "record_list", "orders", fragment=True, after=first.pk)
    )
    for _n in range(12):
        make_record(consumer)
    text = text_of(get(viewer, "record_list", "orders", fragment=True, after=first.pk))
    assert "12 new" in text
    assert "data-records-load" in text


@pytest.mark.parametrize(
    "query", [{"outcome": "no-such"}, {"before": "x"}, {"q": "x" * 300}, {"after": "-1"}]
)
def test_what_a_filter_cannot_read_does_not_break_the_page(viewer: Client, query: dict[str, str]) -> None:
    make_record(make_consumer(name="orders"))
    assert get(viewer, "record_list", "orders", **query).status_code == 200


def test_record_shows_all_that_was_kept(viewer: Client) -> None:
    record = make_record(
        make_consumer(),
        outcome="dead_lettered",
        error_type="ValueError",
        error="no such sku",
        traceback="Traceback: line 41",
        log=[[12.0, "WARNING", "stock is slow"]],
        body=b'{"sku":1}',
        properties={"content_type": "application/json"},
        headers={"tenant": "acme", "at": {"$time": "2026-01-01T00:00:00+00:00"}},
    )
    text = text_of(get(viewer, "record_detail", record.pk))
    for part in (
        "ValueError",
        "no such sku",
        "line 41",
        "stock is slow",
        "12 ms",
        "acme",
        "2026-01-01",
        "sku",
    ):
        assert part in text


def test_record_tells_why_it_cannot_be_replayed(operator: Client) -> None:
    record = make_record(make_consumer())
    assert "Its body was not kept" in text_of(get(operator, "record_detail", record.pk))
    refused = operator.post(reverse("record_requeue", args=[record.pk]), headers=HX)
    assert refused.status_code == 409


def test_replay_needs_post_and_operate(viewer: Client, operator: Client) -> None:
    address = reverse("record_requeue", args=[make_record(make_consumer()).pk])
    assert operator.get(address).status_code == 405
    assert viewer.post(address).status_code == 403


def test_records_say_how_long_a_message_waited(viewer: Client) -> None:
    consumer = make_consumer(name="orders")
    slow = make_record(consumer, waited_ms=3_400)
    quick, untold = make_record(consumer, waited_ms=80), make_record(consumer)
    text = text_of(get(viewer, "record_list", "orders", fragment=True))
    assert re.findall(r'<td class="waited [^"]*">(.*?)</td>', text) == ["–", "&lt; 1 s", "3.4 s"]
    assert "3 s in the queue" in text_of(get(viewer, "record_detail", slow.pk))
    assert "less than a second in the queue" in text_of(get(viewer, "record_detail", quick.pk))
    assert "in the queue" not in text_of(get(viewer, "record_detail", untold.pk))


def test_a_duplicate_has_words(viewer: Client) -> None:
    record = make_record(make_consumer(name="orders"), outcome="duplicate")
    assert "acked without being handled again" in text_of(get(viewer, "consumer_detail", "orders"))
    assert "The same message was handled before" in text_of(get(viewer, "record_detail", record.pk))


def test_a_record_says_which_headers_a_replay_leaves_behind(viewer: Client, operator: Client) -> None:
    rebus = {"rbs2-error-details": "late", "rbs2-source-queue": "orders"}
    record = make_record(make_consumer(), body=b"x", properties={}, headers={**rebus, "retry-count": 3})
    text = text_of(get(operator, "record_detail", record.pk))
    assert "A replay goes without what Rebus wrote into the headers:" in text
    assert "rbs2-error-details, rbs2-source-queue" in text
    assert "Replay with all headers" in text
    own = make_record(make_consumer(name="other"), body=b"x", properties={}, headers={"retry-count": 3})
    text = text_of(get(viewer, "record_detail", own.pk))
    assert "A replay goes without" not in text
    assert "Replay with all headers" not in text
