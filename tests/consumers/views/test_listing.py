"""The list of consumers: what runs and why not, its filter, its tiles."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mqadmin.queues.models import Broker, Queue
from tests.consumers.views.conftest import HX, get, text_of
from tests.support.consumers import count, make_consumer, make_process, make_record, make_supervisor
from tests.support.pages import html

pytestmark = pytest.mark.django_db


def test_list_says_what_runs_and_why_not(viewer: Client) -> None:
    make_supervisor()
    good = make_consumer(name="good", desired="running")
    count(make_process(good, rate=34.8), (5, "acked", 100), (5, "dead_lettered", 100))
    bad = make_consumer(name="bad", desired="running", replicas=3)
    make_process(bad, state="failed", state_reason="exit 137, killed")

    text = text_of(get(viewer, "consumer_list"))

    assert "1 <i>of 2</i>" in text
    assert "1 of 3: exit 137, killed" in text
    assert "34.8" in text
    assert "50 %" in text


@pytest.mark.parametrize(
    ("handled", "sentence"),
    [
        ((), "No message in the last hour."),
        (((5, "acked", 1),), "Nothing failed in the last hour."),
        (((5, "acked", 1), (5, "dead_lettered", 1)), "1 failed in the last hour."),
    ],
)
def test_what_runs_says_how_well(viewer: Client, handled: Any, sentence: str) -> None:
    make_supervisor()
    consumer = make_consumer(name="good", desired="running")
    count(make_process(consumer), *handled)
    for page in (get(viewer, "consumer_list"), get(viewer, "consumer_detail", "good")):
        assert sentence in text_of(page)


def test_list_costs_the_same_for_any_number(viewer: Client, django_assert_max_num_queries: Any) -> None:
    for _n in range(30):
        consumer = make_consumer(desired="running")
        count(make_process(consumer), (5, "acked", 10))
        make_record(consumer, outcome="dead_lettered", error_type="E")
    with django_assert_max_num_queries(20):
        get(viewer, "consumer_list", fragment=True)


def test_list_fragment_is_the_table_alone_and_unchanged_costs_304(viewer: Client) -> None:
    make_consumer()
    first = get(viewer, "consumer_list", fragment=True)
    assert html(first).lstrip().startswith('<div id="consumers"')
    again = viewer.get(reverse("consumer_list"), headers={**HX, "If-None-Match": first["ETag"]})
    assert again.status_code == 304


def test_list_warns_of_a_missing_supervisor(viewer: Client) -> None:
    make_consumer()
    assert "No supervisor is running" in text_of(get(viewer, "consumer_list"))
    make_supervisor(heartbeat_at=timezone.now() - timedelta(seconds=11))
    assert "No supervisor is running" in text_of(get(viewer, "consumer_list"))
    make_supervisor("host-b")
    assert "No supervisor is running" not in text_of(get(viewer, "consumer_list"))


def listed(client: Client, **query: str) -> list[str]:
    text = text_of(get(client, "consumer_list", fragment=True, **query))
    return re.findall(r'<a href="/consumers/([a-z-]+)/" data-key-open>', text)


def test_list_is_filtered_by_text_and_state(viewer: Client) -> None:
    make_supervisor()
    make_process(make_consumer(name="mail-a", desired="running"))
    make_consumer(name="pictures", queue="MAIL.out")
    make_process(make_consumer(name="broken", desired="running"), state="failed", state_reason="exit 1")
    assert listed(viewer) == ["broken", "mail-a", "pictures"]
    assert listed(viewer, q=" Mail ") == ["mail-a", "pictures"]
    assert listed(viewer, q="record") == ["broken", "mail-a", "pictures"]  # the handler
    assert listed(viewer, state="stopped") == ["pictures"]
    assert listed(viewer, state="trouble") == ["broken"]
    assert listed(viewer, q="mail", state="running") == ["mail-a"]
    assert listed(viewer, state="no-such") == ["broken", "mail-a", "pictures"]


def test_the_filter_is_in_the_address_and_the_live_part_keeps_it(viewer: Client) -> None:
    make_consumer(name="mail-a")
    text = text_of(get(viewer, "consumer_list", q='"><b', state="stopped"))
    assert 'value="&quot;&gt;&lt;b"' in text
    assert '<option value="stopped" selected>' in text
    assert "No consumer of this broker matches the filter." in text
    assert 'hx-get="/consumers/?q=%22%3E%3Cb&amp;state=stopped"' in text
    text = text_of(get(viewer, "consumer_list", q="mail"))
    assert "1 of 1 consumers match" in text


def test_the_tiles_count_all_consumers_and_stay_live(viewer: Client) -> None:
    make_supervisor()
    make_process(make_consumer(name="a", desired="running"))
    make_process(make_consumer(name="b", desired="running"))
    text = text_of(get(viewer, "consumer_list", fragment=True, q="nothing like it"))
    assert 'id="consumer-tiles" hx-swap-oob="outerMorph"' in text
    assert "<b>2 <i>of 2</i>" in text


def tile(text: str, label: str) -> str:
    found = re.search(rf"<small>{label}</small>\s*<b>(.*?)</b>", text)
    assert found is not None
    return re.sub(r"<[^>]*>", "", found[1]).strip()


def test_retries_of_the_vhost_are_shown_as_the_monitor_saw_them(viewer: Client) -> None:
    make_consumer(name="orders", vhost="shop")
    assert tile(text_of(get(viewer, "consumer_detail", "orders")), "Waiting for retry") == "– in the vhost"
    broker = Broker.objects.create(slug="default", sampled_at=timezone.now())
    assert tile(text_of(get(viewer, "consumer_detail", "orders")), "Waiting for retry") == "0 in the vhost"
    for vhost, name in (
        ("shop", "mqadmin.delay.1000"),
        ("shop", "mqadmin.delay.4000"),
        ("/", "mqadmin.delay.1"),
    ):
        Queue.objects.create(broker=broker, vhost=vhost, name=name, total=3)
    assert tile(text_of(get(viewer, "consumer_detail", "orders")), "Waiting for retry") == "6 in the vhost"
