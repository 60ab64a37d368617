"""The wall: who may see it, by which link, and what is never on it."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mqadmin.core.access import refused_tokens, walls
from mqadmin.core.acts.audit import Actor
from mqadmin.core.models import AuditEntry, WallToken
from mqadmin.queues.models import Broker
from tests.deadletters.factories import letter
from tests.queues.conftest import client_of, make_queue, user_of
from tests.queues.views.conftest import HTMX
from tests.support.pages import html


@pytest.fixture
def screen(broker: Broker) -> Client:
    """A browser in which nobody is signed in, opened with a link."""
    client = Client()
    token = walls.create(user=user_of("admin"), name="kitchen", by=Actor("ada"))
    assert client.get(reverse("wall_open", args=[token]))["Location"] == "/wall/"
    return client


def test_a_link_opens_the_wall_and_nothing_else(screen: Client, broker: Broker) -> None:
    reasons = [{"code": "no_consumers", "level": "broken", "params": {"since": 1, "waiting": 9, "had": 2}}]
    make_queue(broker, "invoices", health="broken", health_rank=3, health_reasons=reasons)
    letter(error_type="ValueError", error="no such customer: eve@example.com")
    response = screen.get("/wall/")
    text = html(response)
    assert "invoices has nobody listening" in text
    assert "1 thing is broken" in text
    assert "ValueError" in text
    assert "eve@example.com" not in text  # it quotes a message
    assert "<form" not in text
    assert "<a " not in text
    assert response["Referrer-Policy"] == "no-referrer"
    cookie = screen.cookies[settings.MQADMIN_WALL_COOKIE]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/wall/", True, "Lax")
    assert cookie.value not in text
    for address in ("/", "/queues/", "/dead-letters/", "/wall/links/", "/rates/"):
        assert screen.get(address).status_code == 302, address
    for address in ("/metrics", "/api/v1/queues"):
        assert screen.get(address).status_code == 401, address
    assert (
        screen.get("/api/v1/queues", headers={"Authorization": f"Bearer {cookie.value}"}).status_code == 401
    )
    assert screen.post("/wall/").status_code == 405


def test_a_refresh_that_changed_nothing_is_a_304(screen: Client) -> None:
    first = screen.get("/wall/", headers=HTMX)
    assert "<html" not in html(first)
    again = screen.get("/wall/", headers={**HTMX, "If-None-Match": first["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("how", ["revoked", "switched off", "no admin any more"])
def test_what_a_link_opened_goes_dark(screen: Client, how: str) -> None:
    assert screen.get("/wall/").status_code == 200
    wall = WallToken.objects.get()
    assert wall.last_used_at is not None
    if how == "revoked":
        admin = Client()
        admin.force_login(wall.user, backend="django.contrib.auth.backends.ModelBackend")
        assert admin.post(reverse("wall_revoke", args=[wall.pk])).status_code == 302
        assert AuditEntry.objects.filter(action="wall.revoke", target="kitchen", outcome="done").exists()
    elif how == "switched off":
        type(wall.user).objects.update(is_active=False)
    else:
        wall.user.groups.clear()
    for headers in ({}, HTMX):
        answer = screen.get("/wall/", headers=headers)
        assert answer.status_code == 401
        assert "This screen may not see the wall" in html(answer)
        assert "default" not in html(answer)


def test_nobody_and_who_guesses_see_nothing(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(refused_tokens, "_places", {})
    assert Client().get("/wall/").status_code == 401
    guess = Client()
    assert guess.get(reverse("wall_open", args=["mqw_guess"]), follow=True).status_code == 401
    assert "mqw_guess" not in caplog.text
    assert settings.MQADMIN_WALL_COOKIE not in guess.cookies
    assert AuditEntry.objects.filter(action="token.use", outcome="refused").exists()


def test_an_admin_makes_links_on_the_page(broker: Broker) -> None:
    admin = client_of("admin")
    empty = admin.post("/wall/links/", {"name": "  "})
    assert empty.status_code == 422
    assert "Say which screen it is for." in html(empty)
    made = html(admin.post("/wall/links/", {"name": "Kitchen"}))
    link = re.search(r'value="http://testserver(/wall/open/(mqw_[\w-]+)/)"', made)
    assert link is not None
    assert Client().get(link[1]).status_code == 302
    assert link[2] not in html(admin.get("/wall/links/"))
    assert link[2] not in str(list(AuditEntry.objects.values())) + str(list(WallToken.objects.values()))
    assert client_of("operator").get("/wall/links/").status_code == 403


def test_a_link_by_command(broker: Broker) -> None:
    user_of("admin"), user_of("viewer")
    out = StringIO()
    call_command("create_wall_token", "the-admin", "--name", "office", stdout=out)
    screen = Client()
    assert screen.get(out.getvalue().strip(), follow=True).status_code == 200
    assert AuditEntry.objects.get(action="wall.create").via == "shell"
    with pytest.raises(CommandError, match="needs the role admin"):
        call_command("create_wall_token", "the-viewer", "--name", "office")


def test_a_broker_that_is_away_is_not_shown_as_well(screen: Client, broker: Broker) -> None:
    assert "All is well" in html(screen.get("/wall/"))
    seen = timezone.now() - timedelta(minutes=7)
    Broker.objects.update(reachable=False, error_code="no_response", error="refused", sampled_at=seen)
    text = html(screen.get("/wall/"))
    assert re.search(r'class="wall-since">for <time[^>]*>7 min</time>', text)
    assert "The broker cannot be reached" in text
    assert "wall-broker red old" in text
