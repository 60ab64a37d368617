"""What the tests of the dead letters' pages share."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from mqadmin.core.acts import operations
from mqadmin.deadletters.models import DeadLetter
from mqadmin.rabbit.config import BrokerConfig
from tests.support.pages import html

LIST = "/dead-letters/"
HTMX = {"HX-Request": "true", "HX-Target": "inbox"}


@pytest.fixture(autouse=True)
def _environment(broker_config: BrokerConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)


def client_of(role: str) -> Client:
    user = User.objects.create_user(role, password="x")
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(transactional_db: None) -> Client:
    return client_of("admin")


def text(client: Client, path: str, **more: Any) -> str:
    answer = client.get(path, **more)
    assert answer.status_code == 200, answer.content[:500]
    return html(answer)


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return html(answer)


def fields(client: Client, one: DeadLetter) -> dict[str, Any]:
    form = client.get(f"/dead-letters/{one.pk}/edit/").context["form"]
    return {name: form[name].value() for name in ("body", "encoding", "headers", "properties", "edits")}
