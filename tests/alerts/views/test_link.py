"""The link in a message: for who has it, and only a POST acts."""

from __future__ import annotations

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from mqadmin.alerts.models import Incident
from mqadmin.alerts.telling import links
from mqadmin.core.models import AuditEntry
from tests.alerts.factories import make_incident

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


def address(incident: Incident) -> str:
    return f"/alerts/links/{links.token(incident)}/"


def test_looking_does_nothing_and_a_post_acknowledges() -> None:
    incident, client = make_incident(), Client()
    shown = client.get(address(incident))
    assert shown.status_code == 200
    assert incident.title in shown.text
    assert shown["Referrer-Policy"] == "no-referrer"
    assert "no-store" in shown["Cache-Control"]
    assert Incident.objects.get().acknowledged_at is None
    done = client.post(address(incident))
    assert "Acknowledged." in done.text
    assert Incident.objects.get().acknowledged_by == "link in a message"
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.outcome) == ("link in a message", "incident.acknowledge", "done")
    again = client.post(address(incident))
    assert again.status_code == 409
    assert "acknowledged it already" in again.text


def test_it_snoozes_once() -> None:
    incident, client = make_incident(), Client()
    assert "Snoozed until" in client.post(address(incident), {"for": "1h"}).text
    assert client.post(address(incident), {"for": "4h"}).status_code == 409
    assert client.post(address(incident), {"for": "ever"}).status_code == 422


def test_a_link_of_another_key_an_old_one_and_one_that_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    incident, client = make_incident(), Client()
    good = address(incident)
    forged = signing.TimestampSigner(key="another", salt=links._SALT).sign(str(incident.pk))
    for token in (forged, f"{incident.pk}:x:y", "nothing"):
        assert client.post(f"/alerts/links/{token}/").status_code == 404
    assert Incident.objects.get().acknowledged_at is None
    Incident.objects.update(resolved_at=timezone.now())
    over = client.get(good)
    assert "It is resolved. Nothing is left to do." in over.text
    assert "<form" not in over.text
    monkeypatch.setattr(links, "VALID", -1)
    old = client.post(good)
    assert old.status_code == 410
    assert "expired" in old.text
