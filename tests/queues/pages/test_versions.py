"""A page that did not change is known without reading a queue; one that did is never taken for the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mqadmin.core.models import Operation
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.pages import grouping, listing
from mqadmin.queues.pages.grouping import groups
from mqadmin.queues.pages.listing import QueueSearch
from tests.queues.conftest import client_of, make_queue
from tests.support.pages import html

pytestmark = pytest.mark.django_db
ROW = re.compile(r'<tr id="([\w-]+)" data-row="(\w+)"')


def refresh(client: Client, etag: str = "", rows: str = "", **query: str) -> Any:
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Source": "div#queues-table"}
    headers |= {"If-None-Match": etag, "MQ-Rows": rows}
    return client.get("/queues/", query, headers={name: value for name, value in headers.items() if value})


def queue_reads(asked: Callable[[], Any]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        asked()
    return [query["sql"] for query in queries if '"queues_queue"' in query["sql"]]


def test_what_did_not_change_is_answered_before_a_queue_is_read(viewer: Client, broker: Broker) -> None:
    make_queue(broker, "orders", ready=3)
    first = refresh(viewer)
    assert queue_reads(lambda: refresh(viewer)) == []  # read once for all who look
    with CaptureQueriesContext(connection) as queries:
        assert refresh(viewer, first["ETag"]).status_code == 304
    assert len(queries) <= 4  # session, user, its rights, the broker
    # What is kept for viewers is not what operators get.
    other = refresh(client_of("operator"), first["ETag"])
    assert other.status_code == 200
    assert "needs the role operator" in first.content.decode()
    assert "needs the role operator" not in other.content.decode()


@pytest.mark.usefixtures("_roles")
def test_a_message_that_waits_arrives(broker: Broker) -> None:
    client = client_of("operator")
    first = refresh(client)
    operation = Operation.objects.create(kind="test", created_by="x", status="running")
    client.post(f"/operations/{operation.pk}/pause/")
    told = refresh(client, first["ETag"])
    assert told.status_code == 200
    assert "mqadmin:toast" in told["HX-Trigger"]
    assert refresh(client, first["ETag"]).status_code == 304


CHANGES: dict[str, Callable[[Broker, Queue], object]] = {
    "a row by update": lambda _b, queue: Queue.objects.filter(pk=queue.pk).update(tracked=True),
    "a row by save": lambda _b, queue: queue.save(update_fields=["ready"]),
    "a new row": lambda broker, _q: make_queue(broker, "another"),
    "many at once": lambda broker, _q: Queue.objects.bulk_create(
        [Queue(broker=broker, vhost="/", name="bulk")]
    ),
    "one that is gone": lambda _b, queue: Queue.objects.filter(pk=queue.pk).update(gone_at=timezone.now()),
    "one that is deleted": lambda _b, queue: queue.delete(),
    "all deleted": lambda _b, _q: Queue.objects.all().delete(),
    "the broker is away": lambda broker, _q: Broker.objects.filter(pk=broker.pk).update(
        reachable=False, error_code="timeout", error="no answer"
    ),
    "nobody samples": lambda broker, _q: Broker.objects.filter(pk=broker.pk).update(
        sampled_at=timezone.now() - timedelta(hours=1)
    ),
    "a right is missing": lambda broker, _q: Broker.objects.filter(pk=broker.pk).update(
        unseen={"everything": False, "vhosts": ["x"], "nodes": False, "user": "u", "tags": [], "alarms": True}
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_is_shown(viewer: Client, broker: Broker, change: str) -> None:
    queue = make_queue(broker, "orders", ready=3)
    first = refresh(viewer)
    CHANGES[change](broker, queue)
    assert refresh(viewer, first["ETag"]).status_code == 200


def test_a_refresh_brings_the_rows_that_changed(viewer: Client, broker: Broker) -> None:
    still, busy = make_queue(broker, "still", ready=3), make_queue(broker, "busy", ready=3)
    first = refresh(viewer, sort="name")
    rows = ",".join(f"{name}={mark}" for name, mark in ROW.findall(first.content.decode()))
    Queue.objects.filter(pk=busy.pk).update(ready=4711)
    second = refresh(viewer, first["ETag"], rows, sort="name")
    text = second.content.decode()
    assert f'<tr id="queue-{still.pk}" data-same></tr>' in text
    assert "4\u00a0711" in text
    assert (
        "no-store" in second["Cache-Control"]
    )  # the browser's cache would give it to a page that lacks the rest
    # To who has no rows, or others, it is the whole of them.
    assert "data-same" not in refresh(viewer, sort="name").content.decode()
    assert "data-same" not in refresh(viewer, rows=rows.replace("=", "=0"), sort="name").content.decode()


def test_a_held_page_is_sorted_again_when_it_is_let_go(viewer: Client, broker: Broker) -> None:
    low, high = make_queue(broker, "low", ready=1), make_queue(broker, "high", ready=9)
    held = refresh(viewer, hold=f"{low.pk},{high.pk}", sort="-ready")
    text = held.content.decode()
    assert text.index(f"queue-{low.pk}") < text.index(f"queue-{high.pk}")
    assert refresh(viewer, held["ETag"], hold=f"{low.pk},{high.pk}", sort="-ready").status_code == 304
    free = refresh(viewer, held["ETag"], sort="-ready")
    assert free.status_code == 200
    assert refresh(viewer, free["ETag"], hold=f"{high.pk},{low.pk}", sort="-ready").status_code == 304


def test_columns_are_chosen_and_kept(viewer: Client, broker: Broker) -> None:
    make_queue(broker, "orders", ready=3, policy="<b>all</b>", message_bytes=5000)
    usual = refresh(viewer)
    assert "&lt;b&gt;all" not in usual.content.decode()
    answer = viewer.post("/queues/columns/", {"column": ["policy", "bytes", "no such"], "next": "/queues/"})
    assert answer.status_code == 302
    chosen = refresh(viewer, usual["ETag"])
    text = chosen.content.decode()
    assert "&lt;b&gt;all" in text
    assert "4.9\u00a0kB" in text
    assert "Unacked" not in text
    viewer.post("/queues/columns/", {"usual": "1"})
    assert "Unacked" in refresh(viewer, chosen["ETag"]).content.decode()


def test_queues_in_groups(viewer: Client, broker: Broker) -> None:
    for name, ready, rank, health in (
        ("orders.paid", 3, 1, "ok"),
        ("orders.sent", None, 3, "broken"),
        ("mail-out", 4000, 0, "idle"),
    ):
        make_queue(broker, name, ready=ready, health=health, health_rank=rank, vhost="a&b")
    text = " ".join(refresh(viewer, group="prefix").content.decode().split())
    assert "2 queues" in text
    assert "1 queue<" in text
    assert "orders.paid" not in text
    opened = " ".join(refresh(viewer, group="prefix", open="orders", sort="name").content.decode().split())
    assert opened.index("orders.paid") < opened.index("orders.sent")
    assert "mail-out" not in opened
    whole = [
        (group.name, group.count, group.health, group.ready)
        for group in groups(QueueSearch("default", group="prefix"))
    ]
    assert whole == [("orders", 2, "broken", 3), ("mail", 1, "idle", 4000)]
    assert [group.name for group in groups(QueueSearch("default", group="vhost", q="/^mail/"))] == ["a&b"]


def test_an_open_group_shows_more_step_by_step_and_all_of_it_as_a_list(
    viewer: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "STEP", 3)
    monkeypatch.setattr(grouping, "MOST_ROWS", 6)
    for number in range(8):
        make_queue(broker, f"orders.{number}", owner="shop")
    make_queue(broker, "mails", owner='a "b"')

    def opened(**query: str) -> str:
        return html(viewer.get("/queues/", {"group": "owner", "open": "shop", "sort": "name", **query}))

    first = opened(rows="3")
    assert re.findall(r">orders\.(\d)<", bdi(first)) == ["0", "1", "2"]
    assert "And 5 more." in first
    link = re.search(r'<a href="(\?[^"]*rows=6[^"]*)"', first)
    assert link is not None
    more = html(viewer.get("/queues/" + link[1].replace("&amp;", "&")))
    assert re.findall(r">orders\.(\d)<", bdi(more)) == list("012345")
    assert "Show more" not in more
    as_list = re.search(r'<a href="([^"]*)">Show them as a list', more)
    assert as_list is not None
    assert bdi(html(viewer.get("/queues/" + as_list[1].replace("&amp;", "&")))).count(">orders.") == 8
    assert grouping.alone(QueueSearch("default", group="owner"), 'a "b"') == ""


def bdi(text: str) -> str:
    return re.sub(r"</?bdi>", "", text)
