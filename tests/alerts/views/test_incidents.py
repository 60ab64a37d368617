"""The page of alerts, and what two colleagues do with the same incident."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from mqadmin.alerts.models import Incident
from mqadmin.alerts.rules import built_in
from mqadmin.core.models import AuditEntry, Lease
from mqadmin.queues.models import Broker, Queue
from tests.alerts.factories import make_alert, make_channel, make_incident, make_rule
from tests.core.conftest import HX, SignIn, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


def test_before_anything_the_page_says_what_is_watched_and_how_somebody_is_told(sign_in: SignIn) -> None:
    built_in.ensure()
    text = sign_in().get("/alerts/").text
    assert "What is watched from the start" in text
    assert "MQADMIN_ALERT_SLACK=slack://" in text
    assert "Nothing fires" in text
    assert "No monitor looks at the rules now" in text


def test_what_waits_for_somebody_comes_first_then_the_worst(sign_in: SignIn) -> None:
    make_channel()
    Lease.objects.create(name="alerts", holder="x", expires_at=timezone.now() + timedelta(minutes=3))
    now = timezone.now()
    make_incident(title="taken up", acknowledged_at=now, acknowledged_by="ben")
    make_incident(title="a warning", severity=2, kind="b")
    make_incident(title="the worst", kind="c")
    make_incident(title="of another broker", kind="d", broker="another")
    make_incident(title="over", kind="e", resolved_at=now)
    client = sign_in()
    response = client.get("/alerts/")
    shown = [row.incident.title for row in response.context["firing"]]
    assert shown == ["of another broker", "the worst", "a warning", "taken up"]
    assert [row.incident.title for row in response.context["resolved"]] == ["over"]
    assert "Acknowledged by ben" in response.text
    of_one = client.get("/alerts/?on=default").context["firing"]
    assert "of another broker" not in [row.incident.title for row in of_one]


def test_an_incident_says_what_why_and_what_helps(sign_in: SignIn) -> None:
    queue = Queue.objects.create(broker=Broker.objects.create(slug="default"), vhost="/", name="orders<b>")
    reason = {"code": "never_consumed", "level": "broken", "params": {"waiting": 1284}}
    incident = make_incident()
    make_alert(incident, make_rule(), name=queue.name, row_id=queue.pk)
    verdict = make_rule(name="broken", about="verdict", level="broken")
    make_alert(incident, verdict, name=queue.name, row_id=queue.pk, params={"reasons": [reason]})
    text = sign_in("operator").get(f"/alerts/incidents/{incident.pk}/").text
    assert f'href="/queues/{queue.pk}/"' in text
    assert "orders&lt;b&gt;" in text
    assert "1\u00a0284 messages wait and nobody consumes." in text
    assert "What helps" in text
    assert 'href="/alerts/silences/new/?broker=default"' in text


def test_the_second_who_acknowledges_is_told_who_was_first(sign_in: SignIn) -> None:
    incident = make_incident()
    address = f"/alerts/incidents/{incident.pk}/acknowledge/"
    assert sign_in("operator").post(address, headers=HX).status_code == 204
    second = sign_in("admin").post(address, headers=HX)
    assert second.status_code == 409
    assert "operator" in second["HX-Trigger"]
    incident.refresh_from_db()
    assert incident.acknowledged_by == "operator"
    assert list(AuditEntry.objects.order_by("id").values_list("actor", "outcome")) == [
        ("operator", "done"),
        ("admin", "refused"),
    ]


def test_the_second_who_snoozes_is_told_who_was_first_and_may_then_snooze_on(sign_in: SignIn) -> None:
    incident = make_incident()
    address = f"/alerts/incidents/{incident.pk}/snooze/"
    assert sign_in("operator").post(address, {"for": "15m"}, headers=HX).status_code == 204
    client = sign_in("admin")
    second = client.post(address, {"for": "4h"}, headers=HX)
    assert second.status_code == 409
    assert "operator was first" in second["HX-Trigger"]
    seen = Incident.objects.get().snoozed_until
    assert seen is not None
    page = client.get(f"/alerts/incidents/{incident.pk}/")
    query = page.context["row"].snooze_query
    assert client.post(address + query, {"for": "4h"}, headers=HX).status_code == 204
    found = Incident.objects.get()
    assert found.snoozed_by == "admin"
    assert found.snoozed_until is not None
    assert found.snoozed_until > seen
    assert client.post(f"/alerts/incidents/{incident.pk}/wake/", headers=HX).status_code == 204
    assert Incident.objects.get().snoozed_until is None


@pytest.mark.parametrize(
    ("act", "values", "status"),
    [
        ("acknowledge", {}, 409),
        ("snooze", {"for": "1h"}, 409),
        ("snooze", {"for": "for ever"}, 422),
    ],
)
def test_what_is_over_is_left_alone(sign_in: SignIn, act: str, values: dict[str, Any], status: int) -> None:
    incident = make_incident(resolved_at=timezone.now())
    response = sign_in("operator").post(f"/alerts/incidents/{incident.pk}/{act}/", values, headers=HX)
    assert response.status_code == status


def test_a_viewer_sees_the_buttons_and_why_they_do_nothing(sign_in: SignIn) -> None:
    incident = make_incident()
    make_user("viewer")
    text = sign_in("viewer").get(f"/alerts/incidents/{incident.pk}/").text
    assert "Acknowledge" in text
    assert "This needs the role operator or admin." in text
    assert f"/alerts/incidents/{incident.pk}/acknowledge/" not in text
