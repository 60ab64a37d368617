"""The API's plumbing: tokens, one form for every error, and a description that loads nothing from elsewhere."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client

from mqadmin.core.api import operations, tokens
from mqadmin.core.models import ApiToken, AuditEntry
from mqadmin.rabbit.errors import NotFound, RabbitError, UnsafePeek
from tests.core.conftest import SignIn, make_user
from tests.deadletters.factories import letter
from tests.support.consumers import make_consumer, make_record
from tests.support.several_brokers import TWO_WILL_DO


def test_a_token_is_shown_once_and_stored_as_a_digest(db: None) -> None:
    token = tokens.create(user=make_user("viewer"), name="ci")
    row = ApiToken.objects.get()
    assert token not in (row.digest, row.hint, row.name)
    assert (row.digest, row.hint) == (tokens.digest(token), token[-4:])
    assert tokens.user_of(token) == make_user("viewer")
    row.refresh_from_db()
    assert row.last_used_at is not None


def test_no_token_a_wrong_one_and_one_of_a_dismissed_user_are_401(db: None) -> None:
    token = tokens.create(user=make_user("viewer"))
    User.objects.update(is_active=False)
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": f"Bearer {token}"}):
        response = Client(headers=headers).get("/api/v1/operations")
        assert response.status_code == 401
        assert response.json()["code"] == "unauthorized"


def test_a_session_is_not_a_token(sign_in: SignIn) -> None:
    assert sign_in("admin").get("/api/v1/operations").status_code == 401


@pytest.mark.parametrize("path", ["/audit", "/dead-letters", "/records"])
def test_a_time_without_a_zone_is_utc_wherever_the_server_stands(call: Any, settings: Any, path: str) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    AuditEntry.objects.create(actor="ann", action="queue.purge")
    letter(b"x")
    make_record(make_consumer(), outcome="acked")
    begin = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)
    for hours, count in ((0, 1), (2, 0)):
        since = (begin + timedelta(hours=hours)).isoformat()
        status, body = call("viewer", "get", path, since=since)
        assert (status, len(body["items"])) == (200, count)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/operations/999", 404, "not_found"),
        ("/operations?limit=many", 422, "invalid"),
        ("/operations?cursor=nonsense", 400, "bad_cursor"),
        ("/audit?since=yesterday", 422, "invalid"),
        ("/nowhere", 404, "not_found"),
    ],
)
def test_every_error_has_one_form(call: Any, path: str, status: int, code: str) -> None:
    answer, body = call("viewer", "get", path)
    assert (answer, body["code"]) == (status, code)
    assert isinstance(body["detail"], str)
    assert body["detail"]


def test_without_a_role_nothing_is_listed(call: Any) -> None:
    status, body = call("", "get", "/audit")
    assert (status, body["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OperationalError("database is locked"), 503, "database_unavailable"),
        (RabbitError("odd"), 503, "rabbit_error"),
        (NotFound("no queue"), 404, "not_found"),
        (UnsafePeek("would drop"), 409, "unsafe_peek"),
    ],
)
def test_faults_below_have_a_status(
    call: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(operations, "_operation", fail)
    answer, body = call("viewer", "get", "/operations/1")
    assert (answer, body["code"]) == (status, code)


@TWO_WILL_DO
def test_the_description_needs_a_sign_in_or_a_token(call: Any) -> None:
    assert Client().get("/api/v1/openapi.json", headers={"Accept": "application/json"}).status_code == 401
    assert Client().get("/api/v1/docs", headers={"Accept": "text/html"})["Location"].startswith("/login/")
    status, schema = call("viewer", "get", "/openapi.json")
    assert status == 200
    assert "/api/v1/operations/{operation_id}/cancel" in schema["paths"]


def test_the_documentation_page_holds_no_script_and_no_other_host(sign_in: SignIn) -> None:
    page = sign_in("viewer").get("/api/v1/docs").text
    assert "https://" not in page
    assert "http://" not in page
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)
    assert "js/api-docs" in page
