"""Letters into a file and out of one, over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from mqadmin.core.api import tokens
from mqadmin.deadletters.acts import exporting
from mqadmin.deadletters.models import DeadLetter, RetryRule
from tests.deadletters.api.conftest import Api
from tests.deadletters.conftest import Place
from tests.deadletters.factories import letter

pytestmark = [
    pytest.mark.broker,
    pytest.mark.any_version,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_environment"),
]


def test_export_and_import(place: Place, api: Api) -> None:
    rows = [letter(b"x", vhost=place.vhost, source_queue=queue) for queue in ("orders", "orders", "other")]
    client, headers = api.client, {"Authorization": f"Bearer {api.token}"}
    answer = client.get("/api/v1/dead-letters/export?broker=default&source=orders", headers=headers)
    lines = b"".join(answer.streaming_content)
    assert (answer["Content-Type"], lines.count(b"\n")) == ("application/x-ndjson", 2)
    by_id = client.post(
        "/api/v1/dead-letters/export",
        json.dumps({"ids": [rows[2].pk]}),
        content_type="application/json",
        headers=headers,
    )
    lines += b"".join(by_id.streaming_content)

    def send(content: bytes, query: str = "") -> Any:
        return client.post(
            f"/api/v1/dead-letters/import?broker=default{query}",
            content,
            content_type="application/x-ndjson",
            headers=headers,
        )

    assert send(lines).json()["duplicates"] == 3
    rows[0].delete()
    wrong = send(lines + b"{}\n")
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["faults"][0]["line"]) == (422, "invalid", 4)
    assert send(lines, "&dry_run=true").json()["imported"] == 1
    assert DeadLetter.objects.count() == 2
    done = send(lines)
    assert (done.status_code, done.json()["imported"], done.json()["total"]) == (200, 1, 3)
    assert DeadLetter.objects.count() == 3
    large = send(lines + b"\n" * 3_000_000)  # beyond what Django keeps of a form in memory
    assert large.json()["duplicates"] == 3


def test_the_broker_is_named_where_there_are_several(api: Api, number_of_brokers: int) -> None:
    one = letter()
    headers = {"Authorization": f"Bearer {api.token}"}
    for method, path in (
        ("POST", "/dead-letters/import"),
        ("GET", "/dead-letters/export"),
        ("GET", "/dead-letters/groups"),
        ("POST", "/dead-letters/export"),
        ("POST", "/dead-letters/requeue"),
        ("POST", "/dead-letters/discard"),
        ("POST", "/dead-letters/restore"),
        ("PATCH", f"/dead-letters/groups/{one.group}"),
        ("POST", "/retry-rules"),
    ):
        body = "" if "import" in path or method == "GET" else "{}" if "/gr" in path else '{"filter": {}}'
        if path == "/retry-rules":
            body = '{"vhost": "/", "source": "orders"}'
        answer = api.client.generic(method, f"/api/v1{path}", body, "application/json", headers=headers)
        needed = answer["Content-Type"] == "application/json" and answer.json().get("code") == "broker_needed"
        assert needed == (number_of_brokers > 1), path
        assert answer.status_code == 422 if needed else answer.status_code < 500, path


def test_nothing_becomes_of_a_broker_that_is_not_configured() -> None:
    one = letter()
    line = exporting.line(one)
    user = User.objects.create_user("ada")
    user.groups.add(Group.objects.get(name="admin"))
    client = Client(headers={"Authorization": f"Bearer {tokens.create(user=user)}"})
    for query in ("broker=nope", "broker=nope&dry_run=1"):
        answer = client.post(f"/api/v1/dead-letters/import?{query}", line, "application/x-ndjson")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_broker")
    rule = {"broker": "nope", "vhost": "/", "source": "orders"}
    answer = client.post("/api/v1/retry-rules", rule, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_broker")
    assert (DeadLetter.objects.count(), RetryRule.objects.count()) == (1, 0)
    rule = {"broker": "default", "vhost": "/", "source": "s" * 256}
    assert client.post("/api/v1/retry-rules", rule, "application/json").status_code == 422
