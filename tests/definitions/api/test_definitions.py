"""The API's calls for definitions on a real broker."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from mqadmin.core.acts import operations
from mqadmin.core.api import tokens
from mqadmin.definitions.keeping import asking, versions
from tests.core.conftest import make_user
from tests.definitions.conftest import HARD, Town

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def call(town: Town) -> Any:
    headers = {"Authorization": f"Bearer {tokens.create(user=make_user('admin'))}"}

    def make(method: str, path: str, body: object = None, status: int = 200) -> Any:
        sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        answer = Client().generic(method, f"/api/v1{path}", headers=headers, **sent)
        assert answer.status_code == status, answer.content
        return answer.json()

    return make


def restored(call: Any, begun: dict[str, Any]) -> list[dict[str, Any]]:
    """What became of each object of a restore, once a worker has carried it out."""
    assert operations.execute(begun["id"])
    found: list[dict[str, Any]] = call("GET", f"/definitions/restores/{begun['id']}")["items"]
    return found


def test_a_version_is_restored_as_far_as_it_is_told(town: Town, call: Any) -> None:
    asking.look("default")
    newest = versions.newest("default")
    assert newest is not None
    path = f"/definitions/{newest.pk}"
    town.management.delete_queue(town.vhost, HARD[1])
    assert call("GET", "/definitions?broker=default")["items"][0]["id"] == newest.pk
    differs = call("GET", f"/definitions/diff?one={newest.pk}&other=now&vhost={town.vhost}")
    assert {item["kind"] for item in differs["differences"]} == {"queue", "binding"}
    plan = call("POST", f"{path}/restore", {"vhost": town.vhost, "dry_run": True})["steps"]
    queue = next(step for step in plan if step["kind"] == "queue")
    begun = call("POST", f"{path}/restore", {"vhost": town.vhost, "steps": [queue["step"]]}, status=202)
    assert (begun["kind"], begun["status"], begun["total"]) == ("definitions.restore", "pending", 1)
    done = restored(call, begun)
    assert [(item["name"], item["outcome"]) for item in done] == [(HARD[1], "done")]
    assert restored(call, call("POST", f"{path}/restore", {"vhost": town.vhost}, 202))[0]["kind"] == "binding"
    call("GET", "/definitions/restores/99999", status=404)
    call("POST", f"{path}/restore", {"vhost": town.vhost}, status=422)


def test_a_document_goes_out_and_in(town: Town, call: Any) -> None:
    told = call("GET", f"/definitions/now?vhost={town.vhost}")
    assert {item["vhost"] for item in told["queues"]} == {town.vhost}
    town.management.declare_queue(town.vhost, "extra")
    body = {"definitions": told, "vhost": town.vhost, "dry_run": True}
    (extra,) = call("POST", "/definitions/import", body)["steps"]
    assert (extra["act"], extra["is_dangerous"]) == ("delete", True)
    body |= {"dry_run": False, "steps": [extra["step"]]}
    assert call("POST", "/definitions/import", body, status=422)["fields"].keys() == {"typed"}
    body |= {"confirm": "default", "even_full": True}
    (done,) = restored(call, call("POST", "/definitions/import", body, 202))
    assert done["outcome"] == "done"
    whole = call("POST", "/definitions/export", {"vhost": town.vhost})
    assert {item["name"] for item in whole["queues"]} == {item["name"] for item in told["queues"]}
