"""Two teams on one broker: `shop` has a virtual host of that name, `bank` another; who is in which."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.models import Group, User
from django.test import Client

from mqadmin.core.api import tokens
from mqadmin.core.models import ApiToken, Grant
from mqadmin.core.rights.asking import Asking
from mqadmin.core.rights.rules import LEVELS, Needed, Rights, Rule

VIEW, OPERATE, CONFIGURE = LEVELS.values()


def member(name: str, *grants: dict[str, Any]) -> User:
    """Return an account whose one role is for a part; each grant says what is not as usual."""
    user = User.objects.create_user(name)
    group = Group.objects.create(name=f"role of {name}")
    for grant in grants:
        Grant.objects.create(
            group=group, **{"broker": "default", "level": CONFIGURE, "reveals": True, **grant}
        )
    user.groups.add(group)
    return user


def browser(user: User) -> Client:
    """Return a browser in which they are signed in."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


class Script:
    """The API with a token of theirs; `narrower`: fields of the token."""

    def __init__(self, user: User, **narrower: str) -> None:
        made, token = tokens.make(user=user)
        ApiToken.objects.filter(pk=made.pk).update(**narrower)
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **query: Any) -> Any:
        return Client().get(f"/api/v1{path}", query, headers=self._headers)

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return Client().generic(
            method,
            f"/api/v1{path}",
            b"" if body is None else json.dumps(body),
            content_type="application/json",
            headers=self._headers,
        )


def asking(*rules: Rule, needed: Needed = "view", name: str = "ann") -> Asking:
    """Return somebody who asks with these rules alone."""
    rights = Rights((rules,))
    return Asking(lambda: (name, rights), needed)
