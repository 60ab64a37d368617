"""The overview: what is wrong first, then totals and rates."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.queues.models import Broker
from tests.queues.conftest import make_queue
from tests.queues.views.conftest import HTMX
from tests.support.pages import html

pytestmark = pytest.mark.broker


def test_the_overview_opens_with_what_is_wrong(viewer: Client, broker: Broker) -> None:
    Broker.objects.update(alarms=[{"node": "rabbit@a", "resource": "memory"}])
    reasons = [{"code": "no_consumers", "level": "broken", "params": {"since": 1, "waiting": 9, "had": 2}}]
    make_queue(broker, "invoices", health="broken", health_rank=3, health_reasons=reasons)
    text = html(viewer.get("/"))
    assert "invoices has nobody listening" in text
    assert "rabbit@a raised its memory alarm" in text
    assert text.index("invoices has nobody") < text.index("rabbit@a</td>")
    fragment = html(viewer.get("/", headers=HTMX))
    assert "<html" not in fragment
    assert 'id="attention"' in fragment


def test_many_queues_in_trouble_become_one_line(viewer: Client, broker: Broker) -> None:
    for n in range(20):
        make_queue(broker, f"q{n}", health="watch", health_rank=2)
    text = html(viewer.get("/"))
    assert "14 more queues" in text
    # Dead letters that wait are the inbox's to speak of, with the button that helps.
    make_queue(broker, "the-dead", health="watch", health_rank=2, is_inbox=True, total=99, ready=99)
    assert "14 more queues" in html(viewer.get("/"))
    assert "show=watch" in text


def test_the_overview_when_the_broker_is_down_or_was_never_seen(viewer: Client, broker: Broker) -> None:
    Broker.objects.update(reachable=False, error_code="no_response", error="refused")
    assert "The broker cannot be reached" in html(viewer.get("/"))
    Broker.objects.all().delete()
    assert "Not sampled yet" in html(viewer.get("/"))


def test_unknown_totals_are_not_shown_as_zero(viewer: Client, broker: Broker) -> None:
    Broker.objects.update(totals={})
    text = html(viewer.get("/"))
    assert text.count("<b>–</b>") >= 4


def test_rates_of_the_last_hour(viewer: Client, broker: Broker) -> None:
    Broker.objects.update(history={"publish_rate": [[10, 1.5], [25, 2.0]], "ack_rate": [[25, 1.0]]})
    chart = viewer.get(reverse("overview_rates")).json()
    assert chart["x"] == [10, 25]
    assert [line["y"] for line in chart["series"]] == [[1.5, 2.0], [None, 1.0], [None, None]]
