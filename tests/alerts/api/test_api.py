"""The API of alerts as a script uses it: it does what the pages do."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from mqadmin.alerts.models import Channel, Delivery, Rule
from mqadmin.alerts.rules import built_in
from mqadmin.core.api import tokens
from mqadmin.queues.models import Broker, Queue
from tests.alerts.factories import make_alert, make_channel, make_incident, make_rule
from tests.core.conftest import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


class Api:
    """Calls of somebody with a role."""

    def __init__(self, role: str = "admin") -> None:
        self._headers = {"Authorization": f"Bearer {tokens.create(user=make_user(role))}"}

    def __call__(self, method: str, path: str, body: Any = None, *, expect: int = 200) -> Any:
        sent = "" if body is None else json.dumps(body)
        answer = Client().generic(
            method, f"/api/v1{path}", sent, content_type="application/json", headers=self._headers
        )
        assert answer.status_code == expect, answer.content
        return answer.json() if answer.content else None


@pytest.fixture
def api() -> Api:
    return Api()


def test_incidents_are_listed_shown_and_taken_up_once(api: Api) -> None:
    incident = make_incident()
    make_incident(kind="over", resolved_at=timezone.now())
    make_incident(kind="lag", broker="another", severity=2)
    make_alert(incident, make_rule(), row_id=5)
    assert [item["severity"] for item in api("GET", "/alerts?state=firing")["items"]] == [
        "warning",
        "critical",
    ]
    assert api("GET", "/alerts?state=resolved")["total"] == 1
    assert api("GET", "/alerts?broker=another")["total"] == 1
    page = api("GET", "/alerts?limit=2")
    assert len(api("GET", f"/alerts?limit=2&cursor={page['next']}")["items"]) == 1
    shown = api("GET", f"/alerts/{incident.pk}")
    assert (shown["state"], shown["silenced"]) == ("firing", False)
    assert shown["alerts"][0]["queue_id"] == 5
    assert "ready messages" in shown["alerts"][0]["why"]
    taken = api("POST", f"/alerts/{incident.pk}/acknowledge")
    assert (taken["state"], taken["acknowledged_by"]) == ("acknowledged", "admin")
    refused = Api("operator")("POST", f"/alerts/{incident.pk}/acknowledge", expect=409)
    assert "admin" in refused["detail"]
    assert api("POST", f"/alerts/{incident.pk}/reopen")["state"] == "firing"
    api("GET", "/alerts/999999", expect=404)


def test_a_snooze_needs_a_time_and_does_not_go_over_another(api: Api) -> None:
    address = f"/alerts/{make_incident().pk}"
    api("POST", f"{address}/snooze", {}, expect=422)
    api("POST", f"{address}/snooze", {"minutes": 10**9}, expect=422)
    first = api("POST", f"{address}/snooze", {"minutes": 60})
    other = Api("operator")
    assert "admin was first" in other("POST", f"{address}/snooze", {"minutes": 5}, expect=409)["detail"]
    until = (timezone.now() + timedelta(hours=3)).isoformat()
    assert other("GET", address)["snoozed_until"] == first["snoozed_until"]
    body = {"until": until, "seen_until": other("GET", address)["snoozed_until"]}
    assert other("POST", f"{address}/snooze", body)["snoozed_by"] == "operator"
    assert api("POST", f"{address}/wake")["state"] == "firing"


def test_rules_are_made_tried_changed_and_deleted(api: Api) -> None:
    broker = Broker.objects.create(slug="default", reachable=True, sampled_at=timezone.now())
    Queue.objects.create(broker=broker, vhost="/", name="orders", ready=2000)
    body = {"name": "long", "about": "number", "field": "ready", "value": 1000, "severity": "critical"}
    assert api("POST", "/alert-rules/preview", body)["fires_for"] == 1
    made = api("POST", "/alert-rules", body, expect=201)
    assert (made["severity"], made["fires_for"], made["built_in"]) == ("critical", 0, "")
    changed = api("PATCH", f"/alert-rules/{made['id']}", {"is_on": False, "for_s": 120})
    assert (changed["is_on"], changed["for_s"], changed["value"]) == (False, 120, 1000)
    refused = api("PATCH", f"/alert-rules/{made['id']}", {"clear_value": 5000}, expect=422)
    assert list(refused["fields"]) == ["clear_value"]
    api("POST", "/alert-rules", body | {"treshold": 5}, expect=422)
    assert [item["name"] for item in api("GET", "/alert-rules")["items"]] == ["long"]
    api("DELETE", f"/alert-rules/{made['id']}", expect=204)
    built_in.ensure()
    lag = Rule.objects.get(built_in="lag").pk
    api("DELETE", f"/alert-rules/{lag}", expect=409)
    api("PATCH", f"/alert-rules/{lag}", {"value": 60, "clear_value": None})
    assert api("POST", f"/alert-rules/{lag}/restore")["value"] == 900


def test_channels_name_variables_and_never_say_what_is_in_them(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MQADMIN_ALERT_OPS", "slack://hunter2/hunter2/hunter2")
    body = {"name": "ops", "variable": "MQADMIN_ALERT_OPS", "quiet_from": "22:00", "quiet_until": "07:00"}
    made = api("POST", "/alert-channels", body, expect=201)
    assert (made["missing"], made["quiet_from"], made["severity"]) == ([], "22:00", "info")
    assert (
        api("PATCH", f"/alert-channels/{made['id']}", {"quiet_from": "", "quiet_until": ""})["quiet_from"]
        == ""
    )
    refused = api("POST", "/alert-channels", {"name": "x", "variable": "mailto://a:b@c"}, expect=422)
    assert list(refused["fields"]) == ["variable"]
    assert "hunter2" not in json.dumps(api("GET", "/alert-channels"))
    api("DELETE", f"/alert-channels/{made['id']}", expect=204)
    assert not Channel.objects.exists()


def test_what_a_test_answered_is_in_the_history_without_the_text(api: Api, monitor: None) -> None:
    channel = make_channel()
    tried = api("POST", f"/alert-channels/{channel.pk}/test")
    assert tried["state"] == "failed"
    assert "MQADMIN_ALERT_NOT_SET" in tried["answer"]
    Delivery.objects.create(
        channel_name="gone", what="opened", severity=3, state="sent", text="https://m/acting"
    )
    found = api("GET", "/alert-deliveries")
    assert [item["channel"] for item in found["items"]] == ["gone", "ops"]
    assert "https://m/acting" not in json.dumps(found)  # the link by which anybody acknowledges
    assert api("GET", f"/alert-deliveries?channel={channel.pk}&state=failed")["total"] == 1
    assert api("GET", "/alert-channels")["items"][0]["last_fault"] == tried["answer"]


def test_silences_begin_and_end(api: Api) -> None:
    ends = (timezone.now() + timedelta(hours=2)).isoformat()
    body = {"reason": "new disks", "ends_at": ends, "queues": "orders"}
    made = api("POST", "/silences", body, expect=201)
    assert made["by"] == "admin"
    api("POST", "/silences", body | {"reason": " "}, expect=422)
    api("POST", "/silences", body | {"rule_id": 999_999}, expect=404)
    assert api("GET", "/silences?state=current")["total"] == 1
    assert api("GET", "/silences?state=coming")["total"] == 0
    api("DELETE", f"/silences/{made['id']}", expect=204)
    api("DELETE", f"/silences/{made['id']}", expect=409)
