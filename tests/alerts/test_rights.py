"""Incidents of several teams: each is told of its own queues, and acts on what is of nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mqadmin.alerts.models import Incident, Severity
from mqadmin.alerts.pages import elsewhere
from mqadmin.core.api import tokens
from mqadmin.core.models import Grant
from mqadmin.core.permissions import rights
from mqadmin.core.rights.asking import Asking, asks
from tests.alerts.factories import make_alert, make_incident, make_rule

pytestmark = [pytest.mark.usefixtures("no_broker"), pytest.mark.django_db, pytest.mark.any_version]


def team(**grant: Any) -> User:
    user = User.objects.create_user("ann")
    group = Group.objects.create(name="shop team")
    Grant.objects.create(group=group, **{"broker": "default", "vhost": "shop", "level": 2, **grant})
    user.groups.add(group)
    return user


@pytest.fixture(autouse=True)
def incidents() -> dict[str, Incident]:
    """One of the shop, one of the bank, one of both: titles are those of the worst in it."""
    rule = make_rule(severity=Severity.WARNING)
    worse = make_rule(name="worse", severity=Severity.CRITICAL)
    found = {}
    for number, (name, places) in enumerate(
        {"shop": ["shop"], "bank": ["bank"], "both": ["shop", "bank"]}.items()
    ):
        found[name] = make_incident(
            kind=f"rule:{number}", title="salaries fills up", firing=len(places), most=9
        )
        for place in places:
            queue = {"shop": "orders", "bank": "salaries"}[place]
            make_alert(found[name], worse if place == "bank" else rule, vhost=place, name=f"{queue}-{name}")
    return found


def test_they_see_what_is_theirs_of_each(incidents: dict[str, Incident]) -> None:
    user = team()
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    headers = {"Authorization": f"Bearer {tokens.create(user=user)}"}
    page = client.get(reverse("incident_list"))
    assert "orders-shop" in page.text
    assert "orders-both" in page.text
    called = Client().get("/api/v1/alerts", headers=headers)
    found = {item["id"]: item for item in called.json()["items"]}
    assert called.json()["total"] == 2
    assert set(found) == {incidents["shop"].pk, incidents["both"].pk}
    both = found[incidents["both"].pk]
    assert (both["severity"], both["firing"], both["most"]) == ("warning", 1, 1)
    assert "orders-both" in both["title"]
    detail = client.get(reverse("incident_detail", args=[both["id"]]))
    one = Client().get(f"/api/v1/alerts/{both['id']}", headers=headers)
    assert [item["name"] for item in one.json()["alerts"]] == ["orders-both"]
    for response in (page, called, detail, one, client.get(reverse("overview")), client.get(reverse("find"))):
        assert "salaries" not in response.text, response.request["PATH_INFO"]
    assert client.get(reverse("incident_detail", args=[incidents["bank"].pk])).status_code == 404
    with asks(Asking(lambda: ("ann", rights(user)))):
        badge = elsewhere.badge("default")
        assert badge is not None
        assert badge.text == "2"
        assert all("salaries" not in item.title + item.text for item in elsewhere.attention("default", user))


def test_they_act_on_what_is_of_nobody_else(incidents: dict[str, Incident]) -> None:
    client = Client()
    client.force_login(team(), backend="django.contrib.auth.backends.ModelBackend")
    answers = {
        name: client.post(reverse("incident_acknowledge", args=[incident.pk])).status_code
        for name, incident in incidents.items()
    }
    assert answers == {"shop": 302, "both": 403, "bank": 404}
    assert [name for name, item in incidents.items() if Incident.objects.get(pk=item.pk).acknowledged_by] == [
        "shop"
    ]


def test_what_is_over_for_them_fires_no_more(incidents: dict[str, Incident]) -> None:
    ended = timezone.now() - timedelta(minutes=1)
    incidents["both"].alerts.filter(vhost="shop").update(state="resolved", resolved_at=ended)
    client = Client()
    client.force_login(team(), backend="django.contrib.auth.backends.ModelBackend")
    assert "orders-both" not in client.get(reverse("incident_list")).text
    assert "Resolved" in client.get(reverse("incident_detail", args=[incidents["both"].pk])).text


def test_a_queue_is_no_consumer_of_that_name(incidents: dict[str, Incident]) -> None:
    rule = make_rule(name="down", about="consumer")
    make_alert(make_incident(kind="consumer"), rule, subject="consumer", vhost="shop", name="orders-worker")
    user = team(queue="orders*")
    headers = {"Authorization": f"Bearer {tokens.create(user=user)}"}
    found = Client().get("/api/v1/alerts", headers=headers).json()["items"]
    assert {item["id"] for item in found} == {incidents["shop"].pk, incidents["both"].pk}
