"""One address for page and fragment; what did not change costs a 304."""

from __future__ import annotations

import gzip

from django.contrib.auth.models import User
from django.test import Client

from mqadmin.core.models import AuditEntry, Operation
from mqadmin.core.pages import rendering
from tests.core.conftest import HX, SignIn


def test_the_same_address_gives_the_page_or_its_part(sign_in: SignIn) -> None:
    client = sign_in("viewer")
    page, part = client.get("/audit/"), client.get("/audit/", headers=HX)
    assert page.text.startswith("<!doctype html>")
    assert part.text.startswith('<div id="audit"')
    assert "HX-Request" in page["Vary"]
    assert "HX-Request" in part["Vary"]
    for header in (
        {"HX-Boosted": "true"},
        {"HX-History-Restore-Request": "true"},
        {"HX-Request-Type": "full"},
    ):
        assert client.get("/audit/", headers={**HX, **header}).text.startswith("<!doctype html>")


def test_an_unchanged_fragment_is_a_304_and_a_changed_one_is_not(sign_in: SignIn) -> None:
    client = sign_in("viewer")
    first = client.get("/audit/", headers=HX)
    assert first["Cache-Control"] == "private, no-cache"
    again = client.get("/audit/", headers={**HX, "If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    AuditEntry.objects.create(actor="ann", action="x")
    changed = client.get("/audit/", headers={**HX, "If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


def test_compression_and_304_go_together(sign_in: SignIn) -> None:
    client = sign_in("viewer")
    AuditEntry.objects.bulk_create(AuditEntry(actor="ann", action="x" * 40) for _number in range(60))
    packed = {**HX, "Accept-Encoding": "gzip"}
    first = client.get("/audit/", headers=packed)
    assert first["Content-Encoding"] == "gzip"
    assert gzip.decompress(first.content).startswith(b'<div id="audit"')
    again = client.get("/audit/", headers={**packed, "If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_whole_pages_and_posts_carry_no_tag(sign_in: SignIn) -> None:
    client = sign_in("operator")
    assert "ETag" not in client.get("/audit/")
    operation = Operation.objects.create(kind="test", created_by="x", status="running")
    assert "ETag" not in client.post(f"/operations/{operation.pk}/pause/", headers=HX)


def test_a_live_fragment_holds_no_form_token(sign_in: SignIn) -> None:
    operation = Operation.objects.create(kind="test", created_by="x", status="running")
    part = sign_in("operator").get(f"/operations/{operation.pk}/", headers=HX).text
    assert "csrf" not in part
    assert 'form="post"' in part


def test_the_frame_refreshes_with_its_numbers(sign_in: SignIn) -> None:
    part = sign_in("viewer").get("/live/?at=audit", headers=HX).text
    assert part.startswith('<nav id="nav"')
    assert part.count('aria-current="page"') == 1
    assert 'id="freshness"' in part
    assert 'hx-swap-oob="outerMorph"' in part


def test_a_name_of_hostile_characters_stays_text(client: Client, db: None) -> None:
    user = User.objects.create_superuser("<img src=x onerror=alert(1)>", password="x")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/audit/").text
    assert "<img" not in page
    assert "&lt;img" in page


def test_a_message_shows_what_a_name_hides() -> None:
    said = rendering.toasts([("error", "no queue a\u202e, but אב 1")])["items"][0]["text"]
    assert said == "no queue a[U+202E], but \u2068אב\u2069 1"
