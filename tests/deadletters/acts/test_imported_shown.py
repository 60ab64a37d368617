"""What an import takes can be shown: on the page, in the inbox and by the API; and so can what it once took."""

from __future__ import annotations

import functools
import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from mqadmin.core.acts.audit import Actor
from mqadmin.core.api import tokens
from mqadmin.deadletters.acts import exporting, importing
from mqadmin.deadletters.models import DeadLetter
from tests.deadletters.factories import letter

pytestmark = [
    pytest.mark.broker,
    pytest.mark.any_version,
    pytest.mark.usefixtures("_broker"),
    pytest.mark.django_db(transaction=True),
]

BY = Actor("ann")
DEATH = {
    "queue": "orders",
    "reason": "rejected",
    "count": 1,
    "time": "2026-11-21T13:42:11+00:00",
    "exchange": "",
    "routing_keys": ["order.created"],
}


def statuses(row: DeadLetter) -> list[int]:
    """Return how the letter's page, the inbox with it, and the API answer."""
    user = User.objects.create_user("vera", password="x")
    user.groups.add(Group.objects.get(name="viewer"))
    client = Client()
    client.force_login(user)
    token = {"Authorization": f"Bearer {tokens.create(user=user)}"}
    return [
        client.get(f"/dead-letters/{row.pk}/").status_code,
        client.get(f"/dead-letters/{row.pk}/?tab=history").status_code,
        client.get("/dead-letters/").status_code,
        Client().get(f"/api/v1/dead-letters/{row.pk}", headers=token).status_code,
    ]


def imported(**changes: Any) -> importing.Outcome:
    one = letter(b"{}")
    line = {**json.loads(exporting.line(one)), **changes}
    DeadLetter.objects.all().delete()
    return importing.take(file=io.BytesIO(json.dumps(line).encode()), broker="default", by=BY)


@pytest.mark.parametrize(
    "changes",
    [
        {"deaths": ["x"]},
        {"deaths": [{"queue": 5}]},
        {"deaths": [{**DEATH, "surplus": 1}]},
        {"deaths": [{**DEATH, "reason": None}]},
        {"deaths": [{**DEATH, "queue": "\ud800"}]},
        {"deaths": [{**DEATH, "count": "many"}]},
        {"deaths": [{**DEATH, "count": True}]},
        {"deaths": [{**DEATH, "count": -1}]},
        {"deaths": [{**DEATH, "count": 2**31}]},
        {"deaths": [{**DEATH, "routing_keys": "k"}]},
        {"deaths": [{**DEATH, "routing_keys": ["\udfff"]}]},
        {"deaths": [{**DEATH, "time": 5}]},
        {"deaths": [{**DEATH, "time": "never"}]},
        {"deaths": [{**DEATH, "time": "2026-13-45T00:00"}]},
        {"routing_keys": ["\ud800"]},
        {"routing_keys": ["a\0"]},
        {"headers": functools.reduce(lambda inner, _: {"a": inner}, range(600), {})},
        {"captured_at": "0001-01-01T00:00:00+14:00"},
        {"captured_at": "9999-12-31T23:59:59-14:00"},
        {"first_death_at": "0001-01-01T00:00:00+14:00"},
    ],
    ids=lambda changes: str(changes)[:80],
)
def test_what_could_not_be_shown_is_a_fault_of_its_line(changes: dict[str, Any]) -> None:
    outcome = imported(**changes)
    assert [fault.line for fault in outcome.faults] == [1]
    assert not DeadLetter.objects.exists()


@pytest.mark.parametrize("time", [None, "2026-11-21T13:42:11", "20261121T134211+0130"])
def test_deaths_that_an_export_writes_are_taken(time: str | None) -> None:
    assert imported(deaths=[{**DEATH, "time": time}]).imported == 1
    assert statuses(DeadLetter.objects.get()) == [200] * 4


def test_deaths_of_any_form_that_are_stored_are_shown() -> None:
    stored = [
        "x",
        {"queue": 5},
        {**DEATH, "count": "many", "routing_keys": 5},
        {**DEATH, "time": "2026-13-45T00:00"},
        {**DEATH, "time": 5, "queue": "\ud800"},
        {**DEATH, "time": "0001-01-01T00:00:00+14:00", "queue": "mqadmin.delay.²"},
    ]
    assert statuses(letter(b"{}", deaths=stored)) == [200] * 4
