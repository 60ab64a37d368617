"""Saved views: one's own and shared ones, and who may delete them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from mqadmin.core.models import AuditEntry
from mqadmin.deadletters.inbox import saved
from mqadmin.deadletters.models import SavedView
from tests.deadletters.factories import letter

pytestmark = [pytest.mark.broker, pytest.mark.usefixtures("_broker"), pytest.mark.django_db(transaction=True)]


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
    vera, hugo = client_of("vera", "viewer"), client_of("hugo", "viewer")
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
    vera = client_of("vera", "viewer")
    assert save(vera, "", "q=x") >= 400
    assert save(vera, "Empty", "page=2") >= 400
    assert save(vera, "One", "q=x") == 204
    assert save(vera, "One", "q=y") == 409
    assert save(vera, "One", "q=y", view_shared="1") == 204
    assert vera.get("/dead-letters/views/save/").status_code == 405


def test_a_view_is_written_in_one_way() -> None:
    assert saved.plain("page=2&status=all&q=a+b&seen=9") == "q=a+b&status=all"
    assert saved.plain("") == ""
