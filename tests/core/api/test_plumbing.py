"""The API's plumbing: tokens, one form for every error, and a description that loads nothing from elsewhere."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from mqadmin.core.api import operations, tokens
from mqadmin.core.models import ApiToken, AuditEntry, Operation
from mqadmin.rabbit.errors import NotFound, RabbitError, UnsafePeek
from tests.core.conftest import SignIn, make_user
from tests.deadletters.factories import letter
from tests.support.consumers import make_consumer, make_record


@pytest.fixture
def call(db: None) -> Any:
    """A function: (role, method, path, **query) -> (status, JSON)."""

    def send(role: str, method: str, path: str, **data: Any) -> tuple[int, Any]:
        token = tokens.create(user=make_user(role))
        client = Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)
        response = getattr(client, method)(f"/api/v1{path}", data)
        return response.status_code, json.loads(response.content)

    return send


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


def test_operations_are_listed_filtered_paged_and_read(call: Any) -> None:
    made = [
        Operation.objects.create(
            kind="dead_letters.requeue",
            created_by="ann",
            status=status,
            total=4,
            done=2,
            started_at=timezone.now(),
        )
        for status in ("done", "running", "done")
    ]
    made[1].problems.create(target="7", reason="no queue is bound")
    status, page = call("viewer", "get", "/operations", status="done", limit=1)
    assert (status, page["total"], [item["id"] for item in page["items"]]) == (200, 2, [made[2].pk])
    status, rest = call("viewer", "get", "/operations", status="done", limit=1, cursor=page["next"])
    assert ([item["id"] for item in rest["items"]], rest["next"]) == ([made[0].pk], None)
    status, one = call("viewer", "get", f"/operations/{made[1].pk}")
    assert one["problems"] == [{"target": "7", "reason": "no queue is bound"}]
    assert one["eta_seconds"] is not None
    expected = {"id", "kind", "status", "total", "done", "failed", "rate", "eta_seconds", "created_by"}
    assert expected | {"created_at", "finished_at", "problems"} <= set(one)


def test_an_operation_is_changed_by_an_operator_only_and_audited(call: Any) -> None:
    operation = Operation.objects.create(kind="test", created_by="ann", status="running")
    path = f"/operations/{operation.pk}/cancel"
    assert call("viewer", "post", path)[0] == 403
    assert call("operator", "post", path)[1]["status"] == "cancelled"
    status, body = call("operator", "post", path)
    assert (status, body["code"]) == (409, "wrong_state")
    entries = AuditEntry.objects.order_by("id")
    assert [(item.actor, item.via, item.outcome) for item in entries] == [
        ("operator", "api", "done"),
        ("operator", "api", "refused"),
    ]


def test_the_audit_log_is_filtered(call: Any) -> None:
    AuditEntry.objects.create(actor="ann", action="queue.purge", count=3)
    AuditEntry.objects.create(actor="bob", action="consumer.start")
    assert [item["actor"] for item in call("viewer", "get", "/audit", action="queue.")[1]["items"]] == ["ann"]
    assert call("viewer", "get", "/audit", actor="bob")[1]["total"] == 1
    assert call("viewer", "get", "/audit", since="2999-01-01T00:00:00Z")[1]["total"] == 0


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


def test_the_description_needs_a_sign_in_or_a_token(sign_in: SignIn, call: Any) -> None:
    assert Client().get("/api/v1/openapi.json", headers={"Accept": "application/json"}).status_code == 401
    assert Client().get("/api/v1/docs", headers={"Accept": "text/html"})["Location"].startswith("/login/")
    status, schema = call("viewer", "get", "/openapi.json")
    assert status == 200
    assert "/api/v1/operations/{operation_id}/cancel" in schema["paths"]
    assert sign_in("viewer").get("/api/v1/openapi.json").status_code == 200


def test_the_documentation_page_holds_no_script_and_no_other_host(sign_in: SignIn) -> None:
    page = sign_in("viewer").get("/api/v1/docs").text
    assert "https://" not in page
    assert "http://" not in page
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)
    assert "js/api-docs" in page
