"""Causes through the API: all of them, page by page, however they are found; and what is written beside them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from mqadmin.core.acts.audit import Actor
from mqadmin.core.api import tokens
from mqadmin.core.models import AuditEntry
from mqadmin.deadletters.acts import editing
from mqadmin.deadletters.inbox import inbox
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search.selection import Filter
from tests.deadletters.factories import died, letter

pytestmark = pytest.mark.django_db(transaction=True)
CAUSES = 70  # more than a page of the inbox shows


@pytest.fixture
def groups(transactional_db: None) -> Any:
    """A function: **query -> (status, JSON) of the call."""
    user = User.objects.create_user("vera")
    user.groups.add(Group.objects.get(name="viewer"))
    client = Client(headers={"Authorization": f"Bearer {tokens.create(user=user)}"})

    def call(**query: Any) -> tuple[int, Any]:
        answer = client.get("/api/v1/dead-letters/groups", {"broker": "default", **query})
        return answer.status_code, answer.json()

    return call


@pytest.mark.parametrize(
    "query",
    [{}, {"since": "2020-01-01T00:00:00Z"}, {"q": "error:shop"}, {"q": "-source:nothing"}],
    ids=["counted", "looked-up", "searched", "without"],
)
def test_every_cause_is_on_one_page(groups: Any, query: dict[str, str]) -> None:
    first = letter(headers=died(type="shop.Error0", message="no"))
    letter(headers=died(type="shop.Error0", message="no"))
    for number in range(1, CAUSES):
        letter(headers=died(type=f"shop.Error{number}", message="no"))
    seen, cursor = [], None
    for _page in range(3):
        status, page = groups(limit=30, **query, **({"cursor": cursor} if cursor else {}))
        assert (status, page["total"]) == (200, CAUSES)
        seen += [item["error_type"] for item in page["items"]]
        cursor = page["next"]
    assert cursor is None
    assert len(seen) == CAUSES
    assert set(seen) == set(DeadLetter.objects.values_list("error_type", flat=True))
    assert seen[0] == first.error_type  # the most frequent


@pytest.mark.parametrize("cursor", ["x", "-1", "٣", "9" * 30, "WyItaWQiLFsxXV0"])
def test_a_cursor_of_another_list_is_refused(groups: Any, cursor: str) -> None:
    status, answer = groups(cursor=cursor)
    assert (status, answer["code"]) == (400, "bad_cursor")


def test_a_cursor_behind_the_end_leads_nowhere(groups: Any) -> None:
    one = letter()
    editing.own_cause(broker="default", group=one.group, owner="ann", by=Actor("ann"))
    assert groups(cursor="50") == (200, {"items": [], "total": 1, "next": None})
    assert groups()[1]["items"][0]["owner"] == "ann"


def test_a_note_and_an_owner_are_written_through_the_api() -> None:
    one = letter()
    user = User.objects.create_user("olga")
    user.groups.add(Group.objects.get(name="operator"))
    client = Client(headers={"Authorization": f"Bearer {tokens.create(user=user)}"})

    def patch(group: str, **changes: Any) -> tuple[int, Any]:
        answer = client.patch(
            f"/api/v1/dead-letters/groups/{group}", {"broker": "default", **changes}, "application/json"
        )
        return answer.status_code, answer.json()

    told = {"broker": "default", "group": one.group}
    assert patch(one.group, note="ask the shop") == (200, {**told, "note": "ask the shop", "owner": ""})
    assert patch(one.group, owner="ann") == (200, {**told, "note": "ask the shop", "owner": "ann"})
    (cause,) = inbox.causes(Filter("default"))
    assert (cause.note, cause.owner) == ("ask the shop", "ann")
    assert patch(one.group, note="", owner="") == (200, {**told, "note": "", "owner": ""})
    assert patch("0" * 32, note="x")[0] == 404
    assert patch(one.group, note="x" * 501)[0] == 422
    assert patch(one.group, remark="x")[0] == 422
    assert set(AuditEntry.objects.values_list("actor", "via", "action")) == {
        ("olga", "api", "dead_letters.note_cause"),
        ("olga", "api", "dead_letters.own_cause"),
    }
