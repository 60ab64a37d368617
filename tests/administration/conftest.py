"""What the tests of administration share: browsers of people with roles, names that are hard."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from mqadmin.administration.converting import steps
from mqadmin.administration.listing import tables
from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.api import tokens
from tests.core.conftest import make_user, sign_in  # noqa: F401
from tests.support.management import Management

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


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker takes an operation up: the test carries it out."""
    monkeypatch.setattr(operations, "nudge", lambda pk: None)


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics are up to five seconds old, at each step: here nobody holds a message, and they are not asked."""
    monkeypatch.setattr(steps.Job, "_held", lambda self, name: 0)


@pytest.fixture
def shop(management: Management, vhost: str) -> str:
    """A virtual host with the exchange that a queue to convert is bound to."""
    management.declare_exchange(vhost, "shop", type="topic")
    return vhost
