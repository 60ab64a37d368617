"""What the tests of brokers and queues share."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from mqadmin.core import brokers
from mqadmin.core.api import tokens
from mqadmin.queues.models import Broker, Queue

HOSTILE = "<script>alert('name')</script>"
ODD_NAMES = [
    "a/b",
    ".",
    "..",
    "50%",
    "what?",
    "#1",
    "with space",
    "é漢字🐇",
    "x" * 255,
    "%2F",
    HOSTILE,
]


@pytest.fixture
def _roles(db: None) -> None:
    """The roles, which every migrate makes. The tests' database is migrated: to do so again takes half a second."""
    assert Group.objects.filter(name__in=["viewer", "operator", "admin"]).count() == 3


def user_of(role: str) -> User:
    """Return a user who has `role`."""
    user = User.objects.create_user(f"the-{role}", password="secret")
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(user_of(role), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def viewer(_roles: None) -> Client:
    """A browser in which a viewer is signed in."""
    return client_of("viewer")


@pytest.fixture
def operator(_roles: None) -> Client:
    """A browser in which an operator is signed in."""
    return client_of("operator")


class Api:
    """The API as a script uses it: JSON and a bearer token."""

    def __init__(self, role: str) -> None:
        self._client = Client()
        self._headers = {"Authorization": f"Bearer {tokens.create(user=user_of(role))}"}

    def get(self, path: str, **query: Any) -> Any:
        return self._client.get(f"/api/v1{path}", query, headers=self._headers)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._client.post(
            f"/api/v1{path}", body, content_type="application/json", headers=self._headers
        )

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        return self._client.patch(
            f"/api/v1{path}", body, content_type="application/json", headers=self._headers
        )


@pytest.fixture
def api(_roles: None) -> Api:
    """The API in the hands of an operator."""
    return Api("operator")


@pytest.fixture
def viewer_api(_roles: None) -> Api:
    """The API in the hands of a viewer."""
    return Api("viewer")


@pytest.fixture
def broker(db: None) -> Broker:
    """The row of the configured broker, freshly sampled."""
    now = timezone.now()
    return Broker.objects.create(
        slug="default",
        reachable=True,
        version="3.10.8",
        product="RabbitMQ",
        sampled_at=now,
        tried_at=now,
        queue_count=1,
        totals={"ready": 12, "unacked": 3, "publish_rate": 4.5, "deliver_rate": 4.0, "ack_rate": 4.0},
        nodes=[{"name": "rabbit@a", "running": True, "mem_used": 10, "mem_limit": 100, "uptime_s": 60}],
    )


def make_queue(broker: Broker, name: str = "orders", vhost: str = "/", **values: Any) -> Queue:
    """Create the row of a queue."""
    numbers = {"ready": 0, "unacked": 0, "total": 0, "consumers": 0, "health": "idle"}
    return Queue.objects.create(broker=broker, name=name, vhost=vhost, **{**numbers, **values})


@pytest.fixture
def _forget_brokers() -> Any:
    """Have the configuration read again before and after the test."""
    brokers.forget()
    yield
    brokers.forget()
