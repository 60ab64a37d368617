"""What went wrong is said in words: as a page, beside the old page over htmx, as JSON for programs."""

from __future__ import annotations

import pytest
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.test import RequestFactory

from mqadmin.core.errors import Refusal
from mqadmin.core.pages import faults, views
from mqadmin.rabbit.errors import ConfigurationError, NoResponse, NotFound, Refused, UnsafePeek
from tests.core.conftest import HX, SignIn

CASES = [
    (OperationalError("database is locked"), 503, "The database is busy"),
    (OperationalError("could not connect to server"), 503, "The database does not answer"),
    (InterfaceError("connection already closed"), 503, "The database does not answer"),
    (NoResponse("127.0.0.1:1 cannot be reached."), 503, "127.0.0.1:1 cannot be reached."),
    (Refused("The password is wrong.", code="login_refused"), 503, "The password is wrong."),
    (
        Refused("It lacks a tag.", code="tag_missing"),
        409,
        "The broker's user may not do this".replace("'", "&#x27;"),
    ),
    (ConfigurationError("brokers.toml cannot be read."), 503, "configuration cannot be used"),
    (NotFound("No queue “x”."), 404, "No queue “x”."),
    (UnsafePeek("It would drop a message."), 409, "It would drop a message."),
    (Refusal("It has ended."), 409, "It has ended."),
]


@pytest.mark.parametrize(("error", "status", "words"), CASES)
def test_a_fault_in_a_view_is_a_page_in_words(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, words: str
) -> None:
    def fail(*_args: object, **_options: object) -> HttpResponse:
        raise error

    monkeypatch.setattr(views.rendering, "page", fail)
    client = sign_in("viewer")
    response = client.get("/audit/")
    assert response.status_code == status
    assert words in response.text
    assert "Traceback" not in response.text
    assert ("Retry-After" in response) == (status == 503)
    over_htmx = client.get("/audit/", headers=HX)
    assert (over_htmx.status_code, over_htmx.content) == (status, b"")
    assert over_htmx["HX-Reswap"] == "none"


@pytest.mark.parametrize(("error", "status", "words"), CASES)
def test_a_fault_page_asks_no_database(error: Exception, status: int, words: str) -> None:
    # No database fixture: pytest-django forbids every query here.
    response = faults.answer(RequestFactory().get("/queues/"), error)
    assert response is not None
    assert response.status_code == status


def test_a_fault_under_the_api_is_json() -> None:
    response = faults.answer(RequestFactory().get("/api/v1/x"), OperationalError("database is locked"))
    assert response is not None
    assert response["Content-Type"] == "application/json"
    assert response["Retry-After"] == "5"


def test_a_database_that_is_gone_before_the_view_is_told_too(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: object) -> None:
        raise OperationalError("database is locked")

    client = sign_in("viewer")
    client.raise_request_exception = False
    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", fail)
    response = client.get("/audit/")
    assert response.status_code == 503
    assert "The database is busy" in response.text
    assert client.get("/audit/", headers=HX)["HX-Reswap"] == "none"


def test_errors_that_are_not_ours_are_left_alone() -> None:
    assert faults.answer(RequestFactory().get("/"), ValueError("x")) is None


def test_the_words_of_an_error_are_text() -> None:
    response = faults.answer(RequestFactory().get("/x"), NotFound("<script>alert(1)</script>"))
    assert response is not None
    assert b"<script>alert" not in response.content


def test_an_unknown_address_is_a_404_in_words(sign_in: SignIn) -> None:
    response = sign_in("viewer").get("/no/such/page")
    assert response.status_code == 404
    assert "There is nothing here" in response.text


def test_a_bug_is_a_500_in_words(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_options: object) -> HttpResponse:
        raise ValueError("secret detail")

    client = sign_in("viewer")
    client.raise_request_exception = False
    monkeypatch.setattr(views.rendering, "page", fail)
    response = client.get("/audit/")
    assert response.status_code == 500
    assert "Something broke" in response.text
    assert "secret detail" not in response.text
