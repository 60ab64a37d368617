"""Signing in and out, being locked out, an expired session under an open page, the theme."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from tests.core.conftest import HX, PASSWORD, SignIn, make_user


def sign(client: Client, password: str, **more: str) -> object:
    return client.post("/login/", {"username": "viewer", "password": password, **more})


def test_signing_in_leads_to_where_one_wanted_to_go(client: Client, db: None) -> None:
    make_user("viewer")
    assert sign(client, PASSWORD, next="/audit/")["Location"] == "/audit/"  # type: ignore[index]
    assert client.get("/audit/").status_code == 200


@pytest.mark.parametrize(
    "address", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"]
)
def test_next_never_leads_to_another_site(client: Client, db: None, address: str) -> None:
    make_user("viewer")
    assert sign(client, PASSWORD, next=address)["Location"] == "/"  # type: ignore[index]
    response = client.post("/theme/", {"theme": "dark", "next": address})
    assert response["Location"] == "/"


def test_a_wrong_password_is_told_without_saying_which_was_wrong(client: Client, db: None) -> None:
    make_user("viewer")
    for name in ("viewer", "nosuchuser"):
        response = client.post("/login/", {"username": name, "password": "wrong"})
        assert response.status_code == 200
        assert "That name and password do not belong together." in response.text


def test_too_many_wrong_passwords_lock_for_a_while_and_say_how_long(client: Client, db: None) -> None:
    make_user("viewer")
    for _attempt in range(settings.AXES_FAILURE_LIMIT):
        response = sign(client, "wrong")
    assert response.status_code == 429  # type: ignore[attr-defined]
    assert "Wait 15 min" in response.text  # type: ignore[attr-defined]
    assert sign(client, PASSWORD).status_code == 429  # type: ignore[attr-defined]
    other = client.post("/login/", {"username": "operator", "password": "wrong"})
    assert other.status_code == 200


def test_signing_out_is_a_post(sign_in: SignIn) -> None:
    client = sign_in("viewer")
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/audit/").status_code == 302


def test_an_expired_session_moves_the_page_and_not_the_table(client: Client, db: None) -> None:
    response = client.get("/operations/", headers=HX)
    assert response.status_code == 204
    assert response["HX-Redirect"] == "/login/?next=%2Foperations%2F%3Fpage%3D2"
    assert not response.content


def test_a_forged_current_address_cannot_lead_elsewhere(client: Client, db: None) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "https://elsewhere.example/x"}
    response = client.get("/operations/", headers=headers)
    assert response["HX-Redirect"] == "/login/?next=%2Fx"


def test_changing_the_password(sign_in: SignIn) -> None:
    client = sign_in("viewer")
    new = "another long phrase 7"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert "Your password is changed" in client.post("/account/password/", form, follow=True).text
    assert make_user("viewer").check_password(new)
    assert client.post("/account/password/", {**form, "old_password": "no"}).status_code == 200


def test_the_theme_is_kept_and_rendered_by_the_server(sign_in: SignIn) -> None:
    client = sign_in("viewer")
    page = client.get("/audit/").text
    assert 'data-theme="auto"' in page
    assert "data-bs-theme=" not in page
    response = client.post("/theme/", {"theme": "dark", "next": "/audit/"})
    assert response["Location"] == "/audit/"
    assert 'data-bs-theme="dark"' in client.get("/audit/").text
    client.post("/theme/", {"theme": '"><script>'})
    assert 'data-theme="auto"' in client.get("/audit/").text


@pytest.mark.django_db
def test_health_needs_no_sign_in_and_tells_when_the_database_is_gone(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    from django.db import OperationalError

    from mqadmin.core.pages import views

    class Gone:
        def cursor(self) -> None:
            raise OperationalError("unable to open database file")

    monkeypatch.setattr(views, "connection", Gone())
    assert client.get("/healthz").status_code == 503


def test_a_session_that_ended_elsewhere_or_is_over_opens_nothing(sign_in: SignIn) -> None:
    for end in (
        lambda rows: rows.delete(),
        lambda rows: rows.update(expire_date=timezone.now() - timedelta(seconds=1)),
    ):
        client = sign_in("viewer")
        assert client.get("/audit/").status_code == 200
        assert end(Session.objects.filter(session_key=client.session.session_key))
        assert client.get("/audit/")["Location"].startswith("/login/")
