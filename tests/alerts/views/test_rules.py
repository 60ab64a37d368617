"""The rules' pages: what is wrong stands beside its field, nothing typed is lost, a preview counts."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from mqadmin.alerts.models import Rule
from mqadmin.alerts.rules import built_in
from mqadmin.queues.models import Broker, Queue
from tests.alerts.factories import make_rule
from tests.core.conftest import SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]

NEW = "/alerts/rules/new/"
GOOD = {
    "name": "Orders pile up",
    "about": "number",
    "field": "ready",
    "operator": "above",
    "value": "1 000",
    "clear_value": "500",
    "queues": "orders",
    "window_s": "10m",
    "for_s": "5m",
    "clear_s": "60",
    "severity": "3",
    "repeat_s": "4h",
    "is_on": "on",
}


@pytest.fixture
def admin(sign_in: SignIn) -> Client:
    return sign_in("admin")


def test_a_rule_is_made_changed_and_deleted(admin: Client) -> None:
    assert admin.post(NEW, GOOD)["Location"] == "/alerts/rules/"
    rule = Rule.objects.get()
    assert (rule.value, rule.clear_value, rule.for_s, rule.repeat_s, rule.severity) == (
        1000,
        500,
        300,
        14_400,
        3,
    )
    assert (rule.about, rule.changed_by, rule.is_on) == ("number", "admin", True)
    page = admin.get(f"/alerts/rules/{rule.pk}/").text
    assert 'value="5m"' in page
    assert 'value="1000"' in page
    admin.post(
        f"/alerts/rules/{rule.pk}/", GOOD | {"field": "publish_rate", "operator": "below", "clear_value": ""}
    )
    rule.refresh_from_db()
    assert (rule.about, rule.operator, rule.clear_value) == ("rate", "below", None)
    assert 'value="number" selected' in admin.get(f"/alerts/rules/{rule.pk}/").text
    admin.post(f"/alerts/rules/{rule.pk}/switch/", {"on": "0"})
    assert not Rule.objects.get().is_on
    admin.post(f"/alerts/rules/{rule.pk}/delete/")
    assert not Rule.objects.exists()


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"name": " "}, "name", "required"),
        ({"value": "many"}, "value", "Write a number"),
        ({"value": ""}, "value", "A number."),
        ({"clear_value": "2000"}, "clear_value", "other side"),
        ({"for_s": "soon"}, "for_s", "10m"),
        ({"for_s": "90d"}, "for_s", "30 days"),
        ({"repeat_s": "5s"}, "repeat_s", "minute"),
        ({"broker": "nowhere"}, "broker", "valid choice"),
        ({"about": "cause", "codes": ""}, "codes", "Name the cause"),
        ({"about": "process_away"}, "queues", "no queue"),
        ({"about": "process_away", "queues": "", "codes": "bet"}, "codes", "sampling, supervisor"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    admin: Client, changed: dict[str, str], field: str, words: str
) -> None:
    response = admin.post(NEW, GOOD | changed)
    assert response.status_code == 422
    form = response.context["form"]
    assert list(form.errors) == [field]
    assert words in str(form.errors[field])
    assert (
        f'value="{GOOD["clear_value"]}"' in response.text or field == "clear_value"
    )  # what was typed is kept
    assert not Rule.objects.exists()


def test_a_built_in_rule_is_changed_put_back_and_stays(admin: Client) -> None:
    built_in.ensure()
    rule = Rule.objects.get(built_in="lag")
    address = f"/alerts/rules/{rule.pk}/"
    sent = {**GOOD, "about": "number", "value": "1h", "clear_value": "30m"}
    assert admin.post(address, sent).status_code == 302
    rule.refresh_from_db()
    assert (rule.about, rule.value, rule.field) == ("lag", 3600, "")  # what it is about cannot be changed
    assert 'value="1h"' in admin.get(address).text
    assert admin.post(f"{address}delete/").status_code == 409
    admin.post(f"{address}restore/")
    rule.refresh_from_db()
    assert rule.value == built_in.RULES["lag"]["value"]


def test_the_preview_counts_the_queues_that_it_would_fire_for(admin: Client) -> None:
    broker = Broker.objects.create(slug="default", reachable=True, sampled_at=timezone.now())
    for number in range(7):
        Queue.objects.create(broker=broker, vhost="/", name=f"orders.{number}", ready=2000)
    Queue.objects.create(broker=broker, vhost="/", name="mails", ready=2000)

    def preview(**changed: Any) -> Any:
        return admin.get("/alerts/rules/preview/", GOOD | changed)

    text = preview().text
    assert "It would fire for 7 queues now" in text
    assert "orders.4" in text
    assert "and 2 more" in text
    assert "It would fire for nothing now" in preview(value="5000", clear_value="").text
    assert "Fill it in" in preview(value="").text
    assert "It would fire for 8 queues now" in admin.post(NEW, GOOD | {"queues": "", "preview": "1"}).text
    assert not Rule.objects.exists()


def test_the_list_has_each_rule_in_a_sentence(admin: Client) -> None:
    make_rule(name="mine", is_on=False)
    built_in.ensure()
    response = admin.get("/alerts/rules/")
    assert response.context["rows"][0].rule.name == "mine"
    assert "The oldest message of a queue waits longer than 15 min" in response.text
