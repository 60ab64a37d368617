"""The queues of all brokers in one list: who is where, one that is away, acts that are each broker's own."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mqadmin.core.models import AuditEntry, Operation
from mqadmin.queues.models import Broker, Queue
from tests.queues.conftest import make_queue
from tests.queues.views.conftest import HTMX
from tests.support.pages import html
from tests.support.several import two_brokers


@pytest.fixture
def two(tmp_path: Path, settings: object, _roles: None) -> Iterator[dict[str, Broker]]:
    """Two brokers with a queue of the same name each, and one that is not configured any more."""
    with two_brokers(tmp_path, settings):
        rows = {
            slug: Broker.objects.create(slug=slug, reachable=True, sampled_at=timezone.now(), queue_count=1)
            for slug in ("lab", "shop", "gone")
        }
        for slug, row in rows.items():
            make_queue(row, "orders", ready=1, owner=slug)
        make_queue(rows["shop"], "bad", health="broken", health_rank=3)
        yield rows


def shown(text: str) -> list[str]:
    """Return the owners, which are the brokers, in the order of the rows."""
    return [Queue.objects.get(pk=pk).broker.slug for pk in re.findall(r'<tr id="queue-(\d+)"', text)]


def test_all_brokers_are_one_list_with_the_worst_first(viewer: Client, two: dict[str, Broker]) -> None:
    text = html(viewer.get("/queues/?broker=*"))
    assert shown(text) == ["shop", "lab", "shop"]
    assert ">The lab</td>" in text
    assert shown(html(viewer.get("/queues/?q=broker:lab"))) == ["lab"]  # it is remembered
    assert shown(html(viewer.get("/queues/?sort=-broker")))[-1] == "lab"
    assert shown(html(viewer.get("/queues/?broker=lab"))) == ["lab"]
    assert ">The lab</td>" not in html(viewer.get("/queues/"))
    assert "By broker" in html(viewer.get("/queues/?broker=*&group=broker&open=shop"))


def test_the_frame_offers_all_and_sums_up(viewer: Client, two: dict[str, Broker]) -> None:
    text = html(viewer.get("/queues/?broker=lab"))
    assert 'href="/queues/?broker=%2A"' in text
    text = html(viewer.get("/queues/?broker=*"))
    assert "2 brokers" in text
    assert re.search(r'href="/queues/\?broker=%2A".*?<small class="grey">2</small>', text, re.S)
    # A page of one broker alone says which, and leads back to the lists of all.
    text = html(viewer.get(reverse("letter_map")))
    assert re.search(r'<summary class="broker">.*?The lab', text, re.S)
    assert 'href="/queues/?broker=%2A"' in text


def test_where_one_is_configured_there_is_no_all(viewer: Client, broker: Broker) -> None:
    make_queue(broker, "orders")
    text = html(viewer.get("/queues/?broker=*"))
    assert shown(text) == ["default"]
    assert "All brokers" not in text
    assert "By broker" not in text


def test_a_broker_that_is_away_is_named_and_hides_nothing(viewer: Client, two: dict[str, Broker]) -> None:
    Broker.objects.filter(slug="lab").update(reachable=False, error_code="timeout", error="no answer")
    text = html(viewer.get("/queues/?broker=*"))
    assert "The lab: The broker is too slow to answer" in text
    assert "The shop: " not in text
    assert len(shown(text)) == 3
    assert "The lab: unreachable, seen" in re.sub(r"\s+", " ", text)


def test_a_list_of_all_is_known_before_it_is_made(
    viewer: Client, two: dict[str, Broker], django_assert_max_num_queries: object
) -> None:
    headers = {**HTMX, "HX-Source": "div#queues-table"}
    first = viewer.get("/queues/?broker=*", headers=headers)
    again = {**headers, "If-None-Match": first["ETag"]}
    assert viewer.get("/queues/?broker=*", headers=again).status_code == 304
    # Another address or another broker's write is another page.
    assert viewer.get("/queues/?broker=shop", headers=again).status_code == 200
    Queue.objects.filter(broker=two["lab"]).update(ready=5)
    assert viewer.get("/queues/?broker=*", headers=again).status_code == 200


def test_an_act_is_each_brokers_own_and_is_typed_where_one_is_production(
    operator: Client, two: dict[str, Broker]
) -> None:
    given = {"broker": "*", "all": "1", "q": "name:orders"}
    asked = operator.get(reverse("queues_purge"), given, headers=HTMX)
    text = html(asked)
    assert "Purge 2 queues" in text
    assert "The lab 1" in re.sub(r"\s+", " ", text)
    assert "Type shop to go on" in re.sub(r"<.*?>|\s+", " ", text).replace("  ", " ")
    given["seen"] = asked.context["queues"].mark
    refused = operator.post(reverse("queues_purge"), given)
    assert refused.status_code == 422
    assert not Operation.objects.exists()
    operator.post(reverse("queues_purge"), {**given, "typed": "shop"})
    assert sorted(Operation.objects.values_list("broker", "total")) == [("lab", 1), ("shop", 1)]
    assert sorted(AuditEntry.objects.filter(action="queues.purge").values_list("broker", "count")) == [
        ("lab", 1),
        ("shop", 1),
    ]


def test_one_that_was_changed_stops_the_act_on_all(operator: Client, two: dict[str, Broker]) -> None:
    given = {"broker": "*", "all": "1", "q": "name:orders", "owner": "me"}
    given["seen"] = operator.get(reverse("queues_owner"), given).context["queues"].mark
    late = make_queue(two["lab"], "orders", "late")
    assert "not the queues any more" in html(operator.post(reverse("queues_owner"), given))
    late.delete()
    operator.post(reverse("queues_owner"), given)
    owners = set(Queue.objects.filter(name="orders").values_list("broker__slug", "owner"))
    assert owners == {("lab", "me"), ("shop", "me"), ("gone", "gone")}


def test_the_file_has_all_and_says_where(viewer: Client, two: dict[str, Broker]) -> None:
    answer = viewer.get(reverse("queue_export_csv"), {"broker": "*"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))  # type: ignore[call-overload]
    assert [(row["broker"], row["name"]) for row in rows] == [
        ("shop", "bad"),
        ("lab", "orders"),
        ("shop", "orders"),
    ]
