"""What is masked, and people who may see it or not."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.models import Group, User
from django.test import Client

from mqadmin.core.api import tokens

RULES = ["header.Authorization", "payload.card.number", "payload.*.password"]

SECRET = {"card": {"number": "4111-secret"}}


def user_of(role: str) -> User:
    user = User.objects.create_user(role, password="x")
    user.groups.add(Group.objects.get(name=role))
    return user


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(user_of(role))
    return client


def api_of(user: User) -> Any:
    """Return a function that asks the API as `user`."""
    headers = {"Authorization": f"Bearer {tokens.create(user=user)}"}

    def ask(path: str, body: Any = None) -> Any:
        client, path = Client(), f"/api/v1/dead-letters{path}"
        if body is None:
            return client.get(path, headers=headers)
        return client.post(path, json.dumps(body), content_type="application/json", headers=headers)

    return ask
