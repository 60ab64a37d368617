"""Refused API tokens are in the audit log, and no stranger can fill it with them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mqadmin.core import tasks
from mqadmin.core.access import refused_tokens, upkeep
from mqadmin.core.api import tokens
from mqadmin.core.models import AuditEntry
from tests.core.access.conftest import HERE, THERE
from tests.core.conftest import make_user

pytestmark = pytest.mark.django_db
NOBODYS = "mqa_nobody's"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody was refused before; what the clock says is in the list."""
    now = [1000.0]
    monkeypatch.setattr(refused_tokens, "_places", {})
    monkeypatch.setattr(refused_tokens, "monotonic", lambda: now[0])
    return now


def ask(address: str, token: str = NOBODYS, path: str = "/api/v1/queues") -> int:
    return Client(REMOTE_ADDR=address).get(path, headers={"Authorization": f"Bearer {token}"}).status_code


def entries() -> list[tuple[str, str, int | None, str]]:
    rows = AuditEntry.objects.filter(action="token.use").order_by("id")
    return [(row.actor, row.target, row.count, row.detail["address"]) for row in rows]


def test_one_entry_for_an_address_and_a_while_which_then_counts(clock: list[float]) -> None:
    for path in ("/api/v1/queues", "/metrics", "/api/v1/openapi.json"):
        assert ask(HERE, path=path) == 401
    ask(THERE)
    assert entries() == [("anonymous", "", 1, HERE), ("anonymous", "", 1, THERE)]
    clock[0] += refused_tokens.WRITE_S
    ask(HERE)
    assert entries() == [("anonymous", "", 4, HERE), ("anonymous", "", 1, THERE)]
    clock[0] += refused_tokens.ENTRY_S
    ask(HERE)
    assert [entry[2] for entry in entries()] == [4, 1, 1]
    assert "mqa_nobody" not in str(list(AuditEntry.objects.values()))


def test_whose_token_it_is_where_the_account_is_closed(clock: list[float]) -> None:
    token = tokens.create(user=make_user("viewer"))
    assert ask(HERE, token) == 200
    assert entries() == []
    User.objects.update(is_active=False)
    assert ask(HERE, token) == 401
    assert entries() == [("anonymous", "viewer", 1, HERE)]


def test_a_flood_writes_hardly_anything_and_is_pruned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused_tokens, "MOST_PLACES", 5)
    ask(HERE)
    with CaptureQueriesContext(connection) as seen:
        for _time in range(20):
            ask(HERE)
    assert not [query for query in seen if not query["sql"].startswith("SELECT")]
    for number in range(20):
        ask(f"198.51.100.{number}")
    assert len(entries()) == 6
    assert entries()[-1][3] == refused_tokens.OTHERS
    monkeypatch.setattr(upkeep, "MOST_REFUSALS", 2)
    tasks.retention()
    assert len(entries()) == 2


def test_a_database_that_takes_no_writes_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def fails(**_fields: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(refused_tokens.audit, "note", fails)
    assert ask(HERE) == 401
