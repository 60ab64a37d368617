"""What alerts show on the overview, in the sidebar and on a queue's page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.utils import timezone

from mqadmin.alerts.models import Delivery, Severity
from mqadmin.alerts.pages import elsewhere
from mqadmin.core.models import Lease
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.pages import fleet
from tests.alerts.factories import make_alert, make_channel, make_incident, make_rule, make_silence
from tests.queues.conftest import make_queue

pytestmark = pytest.mark.django_db

NOBODY = AnonymousUser()


def titles() -> list[str]:
    return [item.title for item in elsewhere.attention("default", NOBODY)]


def test_a_queue_that_has_a_line_of_its_own_is_not_told_of_twice() -> None:
    make_incident()
    make_incident(kind="verdict:stalled")
    make_incident(kind="lag", severity=Severity.WARNING)
    alone = make_incident(
        kind="process_away", title="The supervisor on host-7 is silent", severity=Severity.WARNING
    )
    found = list(elsewhere.attention("default", NOBODY))
    assert [(item.level, item.title) for item in found] == [
        ("watch", alone.title),
        ("broken", "3 alerts fire that nobody acknowledged"),
    ]
    assert [link.label for link in found[0].actions] == ["Look at it", "Acknowledge"]


@pytest.mark.parametrize(
    "handled",
    [
        {"acknowledged_at": timezone.now()},
        {"snoozed_until": timezone.now() + timedelta(hours=1)},
        {"is_silenced": True},
        {"resolved_at": timezone.now()},
    ],
    ids=lambda values: next(iter(values)),
)
def test_what_somebody_looks_after_needs_no_attention(handled: dict[str, object]) -> None:
    make_incident(kind="lag", **handled)
    assert titles() == []
    badge = elsewhere.badge("default")
    assert badge is None if "resolved_at" in handled else badge[:2] == ("1", "grey")


def test_the_badge_counts_what_fires_and_is_as_red_as_what_waits() -> None:
    make_incident(kind="lag", severity=Severity.WARNING)
    assert elsewhere.badge("default") == ("1", "amber", ())
    make_incident(broker="another")
    assert elsewhere.badge("default") == ("2", "red", ())


def test_that_messages_do_not_leave_is_told_first() -> None:
    channel = make_channel()
    Lease.objects.create(name="alerts", holder="x", expires_at=timezone.now() - timedelta(minutes=3))
    Delivery.objects.create(
        channel=channel,
        channel_name="ops",
        what="opened",
        severity=3,
        state="failed",
        attempts=1,
        answer="HTTP 503",
    )
    first, second = elsewhere.attention("default", NOBODY)
    assert first.title.startswith("No rule is looked at since")
    assert second.title == "Messages to ops do not arrive"
    assert second.text.endswith("HTTP 503")
    channel.is_on = False
    channel.save()
    assert titles() == []


def test_the_page_of_a_queue_has_its_alerts_and_its_silences() -> None:
    queue = Queue.objects.create(broker=Broker.objects.create(slug="default"), vhost="/", name="orders")
    request = RequestFactory().get("/")
    assert elsewhere.queue_panel(queue, request) is None
    make_alert(make_incident(), make_rule())
    make_silence(queues="mails")
    make_silence(queues="ready>banana")  # stored by a version that could read it: it covers nothing
    mine = make_silence(queues="orders")
    panel = elsewhere.queue_panel(queue, request)
    assert panel is not None
    assert [line.item.rule.name for line in panel.context["lines"]] == ["too long"]
    assert panel.context["silences"] == [mine]


def test_what_has_a_line_of_its_own_is_counted_once() -> None:
    broker = Broker.objects.create(slug="default", reachable=True, sampled_at=timezone.now())
    reasons = [{"code": "no_consumers", "level": "broken", "params": {"since": 1, "waiting": 9, "had": 2}}]
    queue = make_queue(broker, "orders", health="broken", health_rank=3, health_reasons=reasons)
    make_incident(kind="verdict:no_consumers")
    late = make_incident(kind="lag")
    make_alert(late, make_rule())
    found = fleet.everywhere(NOBODY)
    assert [item.what.title for item in fleet.troubles(found)] == ["orders has nobody listening"]
    assert fleet.headline(found) == "1 thing is broken"
    # A lag that no verdict speaks of is told.
    queue.health, queue.health_rank, queue.health_reasons = "ok", 1, []
    queue.save()
    assert [item.what.title for item in fleet.troubles(fleet.everywhere(NOBODY))] == [
        "2 alerts fire that nobody acknowledged"
    ]
