"""People with roles, and browsers they are signed in with."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

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
    """A function: role -> a browser signed in as a user with that role."""

    def browser(role: str = "viewer", **options: bool) -> Client:
        client = Client(**options)
        client.force_login(make_user(role), backend="django.contrib.auth.backends.ModelBackend")
        return client

    return browser


HX = {
    "HX-Request": "true",
    "HX-Request-Type": "partial",
    "HX-Current-URL": "http://testserver/operations/?page=2",
}
