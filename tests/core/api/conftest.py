"""The API as a script calls it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from mqadmin.core.api import tokens
from tests.core.conftest import make_user
from tests.support.several_brokers import number_of_brokers  # noqa: F401


@pytest.fixture
def call(db: None) -> Any:
    """A function: (role, method, path, **query) -> (status, JSON)."""

    def send(role: str, method: str, path: str, **data: Any) -> tuple[int, Any]:
        token = tokens.create(user=make_user(role))
        client = Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)
        response = getattr(client, method)(f"/api/v1{path}", data)
        return response.status_code, json.loads(response.content)

    return send
