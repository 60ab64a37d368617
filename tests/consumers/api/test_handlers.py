"""Handlers through the API."""

from __future__ import annotations

import pytest

from tests.consumers.api.conftest import Api

pytestmark = pytest.mark.django_db


def test_handlers(api_of: Api) -> None:
    status, body = api_of("viewer").call("GET", "/handlers")
    assert status == 200
    by_name = {item["name"]: item for item in body["items"]}
    assert by_name["record"]["options_schema"]["type"] == "object"
    assert "collect" not in by_name
    assert body["total"] == len(by_name)


def test_handlers_say_whether_they_take_batches(api_of: Api, batch_handler: str) -> None:
    items = api_of("viewer").call("GET", "/handlers")[1]["items"]
    batch = {item["name"]: item["batch"] for item in items}
    assert batch[batch_handler] is True
    assert batch["record"] is False
