"""What the tests of administration share: browsers of people with roles, names that are hard."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from mqadmin.administration.listing import tables
from mqadmin.core import brokers
from mqadmin.core.api import tokens
from tests.core.conftest import make_user, sign_in  # noqa: F401

HARD = [
    "a/b",
    "%2F",
    "with space",
    "dir\u202enoitcer",
    "<script>alert(1)</script>",
    'it\'s "so"',
    "é漢🐇" * 20,
]
Call = Callable[..., object]


@pytest.fixture(autouse=True)
def _own_brokers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("RABBITMQ_ENVIRONMENT", raising=False)
    brokers.forget()
    tables.forget()
    yield
    brokers.forget()


@pytest.fixture
def admin(sign_in: Callable[[str], Client]) -> Client:  # noqa: F811
    """A browser in which an admin is signed in."""
    return sign_in("admin")


@pytest.fixture
def token(db: None) -> dict[str, str]:
    """What an admin's calls of the API are sent with."""
    return {"Authorization": f"Bearer {tokens.create(user=make_user('admin'))}"}
