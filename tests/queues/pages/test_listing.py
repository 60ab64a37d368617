"""The list of queues: filters, counts, order, pages, its empty states, and how quick it is with 10,000."""

from __future__ import annotations

import sys
import time
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.pages.listing import QueueSearch, listing
from tests.queues.conftest import HOSTILE, ODD_NAMES, make_queue
from tests.support.length import IN_FULL
from tests.support.pages import html


def names(**values: str) -> list[str]:
    """Return the names on the page that the address asks for."""
    return [queue.name for queue in listing(QueueSearch.read("default", values)).queues]


@pytest.fixture
def several(broker: Broker) -> None:
    """Four queues that differ in everything one can filter and sort by."""
    make_queue(
        broker, "order.paid", "shop", ready=9, health="broken", health_rank=3, type="quorum", clears_in=1e12
    )
    make_queue(broker, "order.created", "shop", ready=None, health="unknown", consumers=None)
    make_queue(broker, "logs", "ops", ready=50, consumers=3, health="ok", health_rank=1, publish_rate=4.0)
    make_queue(broker, "dlx", "ops", ready=3, total=3, health="watch", health_rank=2, is_inbox=True)


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ["order.paid", "dlx", "logs", "order.created"]),
        ({"q": "ORDER"}, ["order.paid", "order.created"]),
        ({"q": "/^(logs|dlx)$/"}, ["dlx", "logs"]),
        ({"q": "/^/", "show": "dead-letter"}, ["dlx"]),
        ({"vhost": "ops"}, ["dlx", "logs"]),
        ({"type": "quorum"}, ["order.paid"]),
        ({"show": "broken"}, ["order.paid"]),
        ({"show": "dead-letter"}, ["dlx"]),
        ({"show": "unconsumed"}, ["order.paid", "dlx"]),
        ({"sort": "-ready"}, ["logs", "order.paid", "dlx", "order.created"]),
        ({"sort": "ready"}, ["dlx", "order.paid", "logs", "order.created"]),
        ({"sort": "name"}, ["dlx", "logs", "order.created", "order.paid"]),
        ({"sort": "-consumers"}, ["logs", "dlx", "order.paid", "order.created"]),
        ({"sort": "-clears_in", "q": "p"}, ["order.paid"]),
        (
            {"sort": "nonsense", "show": "nonsense", "per": "7", "page": "x"},
            ["order.paid", "dlx", "logs", "order.created"],
        ),
    ],
)
def test_filter_and_order(values: dict[str, str], expected: list[str]) -> None:
    assert names(**values) == expected


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize("q", ["", "/./"])
def test_counts_are_the_same_whichever_way_names_are_matched(q: str) -> None:
    counts = listing(QueueSearch.read("default", {"q": q, "show": "ok"})).counts
    assert counts == {
        "all": 4,
        "broken": 1,
        "watch": 1,
        "ok": 1,
        "idle": 0,
        "unknown": 1,
        "unconsumed": 2,
        "dead-letter": 1,
    }


@pytest.mark.django_db
def test_pages_and_sizes(broker: Broker) -> None:
    Queue.objects.bulk_create(Queue(broker=broker, vhost="/", name=f"q{n:03d}") for n in range(120))
    found = listing(QueueSearch.read("default", {"sort": "name", "per": "50", "page": "3"}))
    assert (found.queues[0].name, len(found.queues)) == ("q100", 20)
    assert len(listing(QueueSearch.read("default", {"sort": "name", "per": "50", "page": "99"})).queues) == 20


def test_the_address_keeps_what_is_not_the_default() -> None:
    query = QueueSearch.read(
        "default", {"q": "a b", "sort": "-ready", "per": "200", "page": "2", "vhost": "/"}
    )
    assert query.address(page=3) == "?broker=default&q=a+b&vhost=%2F&sort=-ready&per=200&page=3"
    assert query.address(sort="name") == "?broker=default&q=a+b&vhost=%2F&sort=name&per=200"
    assert QueueSearch.read("default", {}).address() == "?broker=default"


def test_gone_queues_are_not_listed(broker: Broker) -> None:
    make_queue(broker, "gone", gone_at=timezone.now())
    assert names() == []


def page(client: Client, **query: str) -> str:
    response = client.get("/queues/", query)
    assert response.status_code == 200
    return html(response)


@pytest.mark.usefixtures("several")
def test_the_page_and_its_fragment(viewer: Client) -> None:
    whole = page(viewer, show="watch")
    assert "<html" in whole
    assert "dlx" in whole
    assert "order.paid" not in whole
    fragment = viewer.get(
        "/queues/", {"show": "watch"}, headers={"HX-Request": "true", "HX-Request-Type": "partial"}
    )
    text = fragment.content.decode()
    assert "<html" not in text
    assert 'id="queues-table"' in text
    assert 'id="queue-chips"' in text
    again = viewer.get(
        "/queues/",
        {"show": "watch"},
        headers={"HX-Request": "true", "HX-Request-Type": "partial", "If-None-Match": fragment["ETag"]},
    )
    assert again.status_code == 304


@pytest.mark.usefixtures("several")
def test_rows_keep_their_order_while_a_pointer_is_over_them(viewer: Client) -> None:
    order = list(Queue.objects.order_by("name").values_list("pk", flat=True))
    held = page(viewer, hold=",".join(map(str, order)))
    places = [held.index(f'id="queue-{pk}"') for pk in order]
    assert places == sorted(places)
    assert "new row" not in held
    # Another that came is counted; one that is gone keeps its place.
    Queue.objects.filter(pk=order[0]).update(gone_at=timezone.now())
    held = page(viewer, hold=",".join(map(str, order[:-1])))
    assert "1 new row" in " ".join(held.split())
    assert held.index(f'id="queue-{order[0]}"') < held.index(f'id="queue-{order[1]}"')
    assert f'id="queue-{order[-1]}"' not in held


@pytest.mark.parametrize("name", [name for name in ODD_NAMES if name not in (".", "..")])
def test_odd_names_are_shown_and_found(viewer: Client, broker: Broker, name: str) -> None:
    from django.utils.html import escape

    queue = make_queue(broker, name, "/")
    text = page(viewer, q=name)
    assert f'href="/queues/{queue.pk}/">{escape(name)}</a>' in text
    assert HOSTILE not in text


def test_hostile_text_is_inert_everywhere(viewer: Client, broker: Broker) -> None:
    reasons = [{"code": HOSTILE, "level": "broken", "params": {}}]
    make_queue(broker, HOSTILE, HOSTILE, type="<b>", health="broken", health_rank=3, health_reasons=reasons)
    for text in (page(viewer), page(viewer, q=HOSTILE), viewer.get("/").content.decode()):
        assert HOSTILE not in text
        assert "&lt;script&gt;" in text


@pytest.mark.usefixtures("_forget_brokers")
class TestEmpty:
    """What the page says when there is no row: each state has words of its own."""

    def test_never_sampled(self, viewer: Client) -> None:
        assert "Not sampled yet" in page(viewer)

    def test_no_queues(self, viewer: Client, broker: Broker) -> None:
        assert "No queues yet" in page(viewer)

    def test_nothing_matches(self, viewer: Client, broker: Broker) -> None:
        make_queue(broker)
        text = page(viewer, q="zzz")
        assert "Nothing matches" in text
        assert "No queues yet" not in text

    def test_a_pattern_that_cannot_be_used(self, viewer: Client, broker: Broker) -> None:
        make_queue(broker)
        assert "look-around are not supported" in page(viewer, q="/(?=a)b/")

    def test_unreachable_with_the_last_snapshot(self, viewer: Client, broker: Broker) -> None:
        make_queue(broker)
        Broker.objects.update(
            reachable=False,
            error_code="no_response",
            error="Nothing answers at http://10.0.0.1: refused.",
            sampled_at=timezone.now() - timedelta(minutes=7),
        )
        text = page(viewer)
        assert "The broker cannot be reached" in text
        assert "7 min" in text
        assert "Nothing answers at" in text
        assert "orders" in text

    def test_unreachable_from_the_first_try(self, viewer: Client, broker: Broker) -> None:
        Broker.objects.update(reachable=False, error_code="login_refused", error="401", sampled_at=None)
        text = page(viewer)
        assert "The broker refused the login" in text
        assert "Nothing was ever seen" in text

    def test_a_monitor_that_stopped(self, viewer: Client, broker: Broker) -> None:
        make_queue(broker)
        Broker.objects.update(sampled_at=timezone.now() - timedelta(hours=1))
        assert "These numbers are old" in page(viewer)


@IN_FULL  # it reports times, and benchmarks do, too
def test_ten_thousand_queues(viewer: Client, broker: Broker) -> None:
    rows = (
        Queue(broker=broker, vhost="/", name=f"tenant.{n:05d}.jobs", ready=n % 97, total=n % 97, health="ok")
        for n in range(10_000)
    )
    Queue.objects.bulk_create(rows, batch_size=500)
    for label, query in {
        "page": {},
        "text": {"q": "0042"},
        "pattern": {"q": "/^tenant\\.0.*9\\.jobs$/"},
        "page 200": {"per": "200", "sort": "-ready"},
    }.items():
        start = time.monotonic()
        text = page(viewer, **query)
        seconds = time.monotonic() - start
        sys.stdout.write(f"10,000 queues, {label}: {seconds:.3f} s, {len(text):,} bytes\n")
        assert "tenant." in text
