"""Saved views: one's own and shared ones, and who may delete them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from mqadmin.core.api import tokens
from mqadmin.core.models import AuditEntry
from mqadmin.deadletters.inbox import saved
from mqadmin.deadletters.models import SavedView
from tests.deadletters.factories import letter

pytestmark = [
    pytest.mark.broker,
    pytest.mark.any_version,
    pytest.mark.usefixtures("_broker"),
    pytest.mark.django_db(transaction=True),
]


def client_of(name: str, role: str) -> Client:
    user = User.objects.create_user(name, password="x")
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def save(client: Client, name: str, query: str, **more: str) -> int:
    data = {"view_name": name, "view_query": query, **more}
    return client.post("/dead-letters/views/save/", data, headers={"HX-Request": "true"}).status_code


def test_a_view_is_saved_shown_and_deleted() -> None:
    vera, hugo = client_of("vera", "operator"), client_of("hugo", "viewer")
    letter()
    assert save(vera, "Late", "q=error%3Ax&page=3&broker=b&letter=7") == 204
    assert save(vera, "All of us", "source=orders", view_shared="1") == 204
    mine = SavedView.objects.get(name="Late")
    assert (mine.query, mine.owner) == ("q=error%3Ax", "vera")
    assert AuditEntry.objects.filter(action="dead_letters.save_view", actor="vera").count() == 2
    page = vera.get("/dead-letters/?q=error:x").content.decode()
    assert 'aria-current="true" title="Only you see it"' in page
    others = hugo.get("/dead-letters/").content.decode()
    assert "All of us" in others
    assert "Late" not in others
    assert hugo.post(f"/dead-letters/views/{mine.pk}/delete/").status_code == 404
    shared = SavedView.objects.get(name="All of us")
    hugo.post(f"/dead-letters/views/{shared.pk}/delete/", headers={"HX-Request": "true"})
    assert SavedView.objects.count() == 2
    admin = client_of("root", "admin")
    admin.post(f"/dead-letters/views/{shared.pk}/delete/", headers={"HX-Request": "true"})
    vera.post(f"/dead-letters/views/{mine.pk}/delete/", headers={"HX-Request": "true"})
    assert not SavedView.objects.exists()


def test_what_cannot_be_saved() -> None:
    vera = client_of("vera", "operator")
    assert save(vera, "", "q=x") >= 400
    assert save(vera, "Empty", "page=2") >= 400
    assert save(vera, "One", "q=x") == 204
    assert save(vera, "One", "q=y") == 409
    assert save(vera, "One", "q=y", view_shared="1") == 204
    assert vera.get("/dead-letters/views/save/").status_code == 405


def test_a_view_is_written_in_one_way() -> None:
    assert saved.SHELF.plain("page=2&status=all&q=a+b&seen=9") == "q=a+b&status=all"
    assert saved.SHELF.plain("") == ""


def test_a_viewer_saves_views_for_nobody_else() -> None:
    hugo = client_of("hugo", "viewer")
    letter()
    assert 'name="view_shared"' not in hugo.get("/dead-letters/?q=error:x").text
    assert save(hugo, "For all", "q=x", view_shared="1") == 403
    assert not SavedView.objects.exists()
    assert save(hugo, "Mine", "q=x") == 204
    assert 'name="view_shared"' in client_of("olga", "operator").get("/dead-letters/?q=error:x").text


def test_nobody_reads_anothers_view_in_the_audit_log() -> None:
    vera, hugo = client_of("vera", "operator"), client_of("hugo", "viewer")
    assert save(vera, "My suspicion", "q=payload.name%3Asmith") == 204
    assert save(vera, "My suspicion", "q=x") == 409
    view = SavedView.objects.get()
    assert vera.post(f"/dead-letters/views/{view.pk}/delete/").status_code == 302
    token = tokens.create(user=User.objects.get(username="hugo"))
    told = Client(headers={"Authorization": f"Bearer {token}"}).get("/api/v1/audit")
    assert [(item["actor"], item["action"], item["outcome"]) for item in told.json()["items"]] == [
        ("vera", "dead_letters.delete_view", "done"),
        ("vera", "dead_letters.save_view", "refused"),
        ("vera", "dead_letters.save_view", "done"),
    ]
    for text in (told.text, hugo.get("/audit/").text):
        assert "suspicion" not in text
        assert "smith" not in text


def test_of_a_shared_view_the_audit_log_says_all_but_what_is_masked(settings: Any) -> None:
    vera = client_of("vera", "operator")
    assert save(vera, "Plain", "q=error%3Ax&source=orders", view_shared="1") == 204
    entry = AuditEntry.objects.latest("pk")
    assert (entry.target, entry.detail) == ("Plain", {"query": "q=error%3Ax&source=orders"})
    settings.MQADMIN_MASKED = ["payload.card"]
    assert save(vera, "Card", "q=payload.card%3A4111&source=orders", view_shared="1") == 204
    entry = AuditEntry.objects.latest("pk")
    assert "4111" not in entry.detail["query"]
    assert "source=orders" in entry.detail["query"]
