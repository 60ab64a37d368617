"""People with roles, and browsers they are signed in with."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client

from tests.support.addresses.world import World, make_world

PASSWORD = "correct horse battery"

SignIn = Callable[..., Client]


def make_user(role: str = "") -> User:
    """Return a user named after its role; "" has none, "root" is a superuser."""
    name = role or "nobody"
    user = User.objects.filter(username=name).first()
    if user is None:
        user = User.objects.create_user(name, password=PASSWORD, is_superuser=role == "root")
        if role not in ("", "root"):
            user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """A function: role -> a browser signed in as a user with that role, with a session of its own."""
    known: dict[tuple[int, str], dict[str, Any]] = {}

    def browser(role: str = "viewer", **options: bool) -> Client:
        client, user = Client(**options), make_user(role)
        if (held := known.get((user.pk, user.password))) is None:
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
            known[user.pk, user.password] = dict(client.session.items())
        else:  # signing in takes longer than most requests, and some tests sign in for each of hundreds
            session = import_module(settings.SESSION_ENGINE).SessionStore()
            session.update(held)
            session.create()
            client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
        return client

    return browser


HX = {
    "HX-Request": "true",
    "HX-Request-Type": "partial",
    "HX-Current-URL": "http://testserver/operations/?page=2",
}


@pytest.fixture
def world(db: None) -> World:
    """One row of everything that an address can name."""
    return make_world(make_user("admin"))
