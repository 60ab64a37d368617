"""The channels' pages: names of variables only, a test that says what came back."""

from __future__ import annotations

import pytest
from django.test import Client

from mqadmin.alerts.models import Channel, Delivery
from mqadmin.core.models import AuditEntry, Lease
from tests.alerts.factories import make_channel
from tests.core.conftest import HX, SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]

NEW = "/alerts/channels/new/"
SECRET = "mailtos://ann:hunter2@smtp.example.com"
GOOD = {
    "name": "ops",
    "kind": "apprise",
    "variable": "MQADMIN_ALERT_OPS",
    "is_on": "on",
    "severity": "2",
    "after_minutes": "15",
    "quiet_from": "22:00",
    "quiet_until": "07:00",
    "time_zone": "Europe/Berlin",
    "quiet_severity": "3",
}


@pytest.fixture
def admin(sign_in: SignIn) -> Client:
    return sign_in("admin")


def test_a_channel_is_made_and_says_what_it_lacks(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert admin.post(NEW, GOOD)["Location"] == "/alerts/channels/"
    text = admin.get("/alerts/channels/").text
    assert "Told of warning and worse." in text
    assert "Only of what nobody acknowledged for 15 min." in text
    assert "Quiet from 22:00 to 07:00 Europe/Berlin, but for what is critical." in text
    assert "MQADMIN_ALERT_OPS is not set in the web process" in text
    monkeypatch.setenv("MQADMIN_ALERT_OPS", SECRET)
    for address in ("/alerts/channels/", f"/alerts/channels/{Channel.objects.get().pk}/"):
        text = admin.get(address).text
        assert "is not set" not in text
        assert "hunter2" not in text


def test_an_address_that_is_typed_is_refused_and_not_shown_or_stored(admin: Client) -> None:
    response = admin.post(NEW, GOOD | {"variable": SECRET})
    assert response.status_code == 422
    assert "That is an address" in response.text
    assert "hunter2" not in response.text
    assert 'value="ops"' in response.text
    assert not Channel.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "taken"}, "name"),
        ({"variable": "DATABASE_URL"}, "variable"),
        ({"kind": "webhook", "secret_variable": ""}, "secret_variable"),
        ({"quiet_until": ""}, "quiet_until"),
        ({"quiet_until": "soon"}, "quiet_until"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"after_minutes": "-1"}, "after_minutes"),
        ({"broker": "nowhere"}, "broker"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(admin: Client, changed: dict[str, str], field: str) -> None:
    make_channel(name="taken")
    response = admin.post(NEW, GOOD | changed)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]


def test_the_button_says_what_became_of_the_test(admin: Client, monitor: None) -> None:
    channel = make_channel()
    response = admin.post(f"/alerts/channels/{channel.pk}/test/", headers=HX)
    assert "MQADMIN_ALERT_NOT_SET is not set" in response["HX-Trigger"]
    assert Delivery.objects.get().state == "failed"
    listed = admin.get("/alerts/channels/").text
    assert "ago: <bdi>The environment variable MQADMIN_ALERT_NOT_SET is not set" in listed
    shown = admin.get("/alerts/sent/?state=failed")
    assert "MQADMIN_ALERT_NOT_SET is not set" in shown.text
    assert "Nothing matches" in admin.get("/alerts/sent/?state=sent").text
    Lease.objects.all().delete()
    assert "No monitor runs" in admin.post(f"/alerts/channels/{channel.pk}/test/").text
    assert Delivery.objects.count() == 1
    admin.post(f"/alerts/channels/{channel.pk}/delete/")
    assert "MQADMIN_ALERT_NOT_SET is not set" in admin.get("/alerts/sent/").text  # the history stays
