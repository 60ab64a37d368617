"""Saved views in the API: one's own and shared ones, by the rules of the pages."""

from __future__ import annotations

import pytest
from django.test import Client

from mqadmin.core.models import AuditEntry
from mqadmin.queues.models import SavedQueueView
from tests.queues.conftest import Api

PATHS = ("/queues/views", "/dead-letters/views")


@pytest.mark.parametrize("path", PATHS)
def test_a_view_is_saved_listed_and_deleted(path: str, api: Api, viewer_api: Api) -> None:
    made = api.post(path, {"name": "Late", "query": "?q=error%3Ax&page=3&broker=b"})
    assert made.status_code == 201
    view = made.json()
    assert (view["query"], view["shared"], view["by"]) == ("q=error%3Ax", False, "the-operator")
    shared = api.post(path, {"name": "All", "query": "q=y", "shared": True}).json()
    assert [item["name"] for item in api.get(path).json()["items"]] == ["All", "Late"]
    seen = viewer_api.get(path).json()
    assert (seen["total"], seen["items"][0]["id"]) == (1, shared["id"])
    assert deleted(viewer_api, f"{path}/{view['id']}") == 404
    assert deleted(viewer_api, f"{path}/{shared['id']}") == 403
    assert deleted(api, f"{path}/{view['id']}") == 204
    assert deleted(api, f"{path}/{shared['id']}") == 204
    assert api.get(path).json()["total"] == 0
    assert AuditEntry.objects.filter(action__endswith=".delete_view", via="api").count() == 2


def deleted(api: Api, path: str) -> int:
    return Client().delete(f"/api/v1{path}", headers=api._headers).status_code


def test_what_cannot_be_saved(api: Api, viewer_api: Api) -> None:
    path = PATHS[0]
    assert api.post(path, {"name": "Empty", "query": "page=2"}).status_code == 422
    assert api.post(path, {"name": "", "query": "q=x"}).status_code == 422
    assert api.post(path, {"name": "One", "query": "q=x"}).status_code == 201
    assert api.post(path, {"name": "One", "query": "q=y"}).status_code == 409
    assert viewer_api.post(path, {"name": "One", "query": "q=x", "shared": True}).status_code == 403
    assert viewer_api.post(path, {"name": "One", "query": "q=x"}).status_code == 201
    assert SavedQueueView.objects.count() == 2
