"""A production broker with four eyes on, and two people who may act on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.api import tokens
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.config import BrokerConfig
from tests.queues.conftest import broker, make_queue  # noqa: F401
from tests.support import amqp
from tests.support.management import Management

LIMIT = 5


@pytest.fixture(autouse=True)
def four_eyes(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """Five messages, or three objects, on a production broker need a second person; no worker takes anything up."""
    monkeypatch.setenv("RABBITMQ_ENVIRONMENT", "production")
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    settings.MQADMIN_FOUR_EYES = LIMIT
    settings.MQADMIN_FOUR_EYES_OBJECTS = 3
    brokers.forget()
    yield
    brokers.forget()


def person(name: str, role: str = "admin") -> User:
    """Return an account with a role."""
    user = User.objects.create_user(name, password="secret")
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


def actor(user: User, via: Any = "web") -> Actor:
    return Actor(user.username, via, user.pk)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


class Api:
    """The API in the hands of one account."""

    def __init__(self, user: User) -> None:
        self._client = Client()
        self._headers = {"Authorization": f"Bearer {tokens.create(user=user)}"}

    def get(self, path: str, **query: Any) -> Any:
        return self._client.get(f"/api/v1{path}", query, headers=self._headers)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return self._client.post(
            f"/api/v1{path}", body or {}, content_type="application/json", headers=self._headers
        )


@pytest.fixture
def ann(db: None) -> User:
    """Who asks."""
    return person("ann")


@pytest.fixture
def bob(db: None) -> User:
    """Who agrees, or does not."""
    return person("bob")


@pytest.fixture
def work(broker: Broker, management: Management, vhost: str, broker_config: BrokerConfig) -> Queue:  # noqa: F811
    """A real queue with ten messages."""
    management.declare_queue(vhost, "work")
    amqp.publish(broker_config, vhost, "work", [b"x"] * 10)
    return make_queue(broker, "work", vhost, ready=10, total=10, durable=True)
