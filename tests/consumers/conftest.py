"""People with each role, as a browser and as an API client; brokers that need no broker."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from consumers.handlers import registry
from mqadmin.core.acts.audit import Actor
from mqadmin.core.api import tokens

BY = Actor("anna", "web")


def person(role: str) -> User:
    user = User.objects.create_user(f"the-{role}", password="pw")
    user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def browser_of(db: None) -> Callable[[str], Client]:
    """Return a signed-in browser of somebody with the role."""

    def make(role: str) -> Client:
        client = Client()
        client.force_login(person(role), backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


@pytest.fixture
def viewer(browser_of: Callable[[str], Client]) -> Client:
    return browser_of("viewer")


@pytest.fixture
def operator(browser_of: Callable[[str], Client]) -> Client:
    return browser_of("operator")


@pytest.fixture
def admin(browser_of: Callable[[str], Client]) -> Client:
    return browser_of("admin")


@pytest.fixture
def batch_handler() -> str:
    """Return the name of a registered handler that takes a list of messages."""
    name = "tests.batch"

    @registry.handler(name, title="Takes a batch", batch=True)
    def handle(messages: Any) -> None:
        raise AssertionError("the web never calls a handler")

    return name


class ApiClient:
    """Speaks JSON with a bearer token; `call` returns status and parsed body."""

    def __init__(self, role: str) -> None:
        self._client = Client()
        self._headers = {"Authorization": f"Bearer {tokens.create(user=person(role))}"}

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        extra = {"query_params": query} if query else {}
        response = self._client.generic(
            method,
            f"/api/v1{path}",
            data=b"" if body is None else json.dumps(body).encode(),
            content_type="application/json",
            headers=self._headers,
            **extra,
        )
        return response.status_code, response.json() if response.content else None


@pytest.fixture
def api_of(db: None) -> Callable[[str], ApiClient]:
    """Return an API client of somebody with the role."""
    return ApiClient
