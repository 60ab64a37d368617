"""The API of dead letters as a script uses it, beside a broker."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from mqadmin.core.acts import operations
from mqadmin.core.api import tokens
from mqadmin.rabbit.config import BrokerConfig
from tests.support.several_brokers import number_of_brokers  # noqa: F401


class Api:
    def __init__(self, role: str) -> None:
        user = User.objects.create_user(f"api-{role}")
        user.groups.add(Group.objects.get(name=role))
        self.token = make_token(user)
        self.client = Client()

    def __call__(self, method: str, path: str, body: Any = None, *, expect: int = 200) -> Any:
        answer = self.client.generic(
            method,
            f"/api/v1{path}",
            data="" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        assert answer.status_code == expect, answer.content
        return answer.json()


def make_token(user: User) -> str:
    return tokens.create(user=user)


@pytest.fixture
def _environment(broker_config: BrokerConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)


@pytest.fixture
def api(transactional_db: None) -> Api:
    return Api("admin")
