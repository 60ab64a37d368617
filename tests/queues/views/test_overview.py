"""The overview: what is wrong first, then totals and rates."""

from __future__ import annotations

import time

import pytest
from django.test import Client

from mqadmin.queues.models import Broker
from tests.queues.conftest import make_queue
from tests.queues.views.conftest import HTMX
from tests.support.pages import html

pytestmark = pytest.mark.broker


def test_the_overview_opens_with_what_is_wrong(viewer: Client, broker: Broker) -> None:
    alarm = {"node": "rabbit@a", "resource": "memory", "used": 500 * 2**20, "limit": 400 * 2**20}
    raised = {"code": "memory_alarm", "level": "broken", "params": alarm, "since": time.time() - 60}
    Broker.objects.update(reasons=[raised])
    reasons = [{"code": "no_consumers", "level": "broken", "params": {"since": 1, "waiting": 9, "had": 2}}]
    make_queue(broker, "invoices", health="broken", health_rank=3, health_reasons=reasons)
    text = html(viewer.get("/"))
    assert "invoices has nobody listening" in text
    assert "rabbit@a raised its memory alarm" in text
    assert "It uses 500 MB of the 400 MB that it may." in text.replace("\u00a0", " ")
    assert text.index("invoices has nobody") < text.index("rabbit@a</b>")
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


def test_queues_that_lack_a_member_are_one_line(viewer: Client, broker: Broker) -> None:
    down = {"code": "node_down", "level": "broken", "params": {"node": "rabbit@b"}, "since": 1}
    Broker.objects.update(
        nodes=[{"name": "rabbit@a", "running": True}, {"name": "rabbit@b", "running": False}], reasons=[down]
    )
    params = {"away": ["rabbit@b"], "members": 3, "spare": 0}
    lacks = {"code": "members_away", "level": "watch", "params": params}
    late = {"code": "clears_late", "level": "watch", "params": {"seconds": 9_000}}
    make_queue(broker, "late", health="watch", health_rank=2, health_reasons=[late])
    make_queue(broker, "orders", health="watch", health_rank=2, health_reasons=[lacks])
    text = viewer.get("/").content.decode()
    assert "rabbit@b is down" in text
    assert "orders lacks a member" in text
    assert "A member is away: rabbit@b. 2 of 3 members are there" in text
    for n in range(20):
        make_queue(broker, f"q{n}", health="watch", health_rank=2, health_reasons=[lacks], is_inbox=n == 0)
    text = viewer.get("/").content.decode()
    assert "21 queues lack a member" in text
    assert "Away: rabbit@b." in text
    assert "late takes long to clear" in text
    assert "more queue" not in text


def test_the_overview_when_the_broker_is_down_or_was_never_seen(viewer: Client, broker: Broker) -> None:
    Broker.objects.update(reachable=False, error_code="no_response", error="refused")
    assert "The broker cannot be reached" in html(viewer.get("/"))
    Broker.objects.all().delete()
    assert "Not sampled yet" in html(viewer.get("/"))


def test_unknown_totals_are_not_shown_as_zero(viewer: Client, broker: Broker) -> None:
    Broker.objects.update(totals={})
    text = html(viewer.get("/"))
    assert text.count("<b>–</b>") >= 4
