"""Searches for what is masked: refused or found by nobody who may not reveal it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from mqadmin.core.acts import operations
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import searching, selection
from mqadmin.deadletters.search.searching import search
from tests.deadletters.factories import died, letter
from tests.deadletters.masking.people import RULES, SECRET, api_of, user_of

pytestmark = [
    pytest.mark.broker,
    pytest.mark.any_version,
    pytest.mark.usefixtures("_broker"),
    pytest.mark.django_db(transaction=True),
]


def found_by(query: str) -> set[str]:
    return set(search(DeadLetter.objects.all(), query).rows.values_list("message_id", flat=True))


@pytest.mark.parametrize(
    "query",
    [
        "late payload.card.number:4111-secret",
        "late payload.card.0.number>4",
        "late -payload.a.b.password=x",
        "late (header.Authorization:Bearer* or source:orders)",
        "late payload.card.number.digits=4",
    ],
)
def test_a_search_for_a_masked_field_is_refused_at_its_place(settings: Any, query: str) -> None:
    settings.MQADMIN_MASKED = RULES
    fault = searching.fault(query)
    assert fault is not None
    assert "masked" in fault.text
    assert fault.blamed.startswith(("payload.", "header."))
    with pytest.raises(Refusal):
        search(DeadLetter.objects.all(), query)
    with masking.revealing(True):
        assert searching.fault(query) is None
    assert searching.fault("payload.card.name:Ada header.tenant:acme") is None


@pytest.mark.parametrize("quick", [True, False])
def test_a_masked_value_is_not_found_by_its_text(settings: Any, quick: bool) -> None:
    settings.MQADMIN_MASKED = RULES
    hidden = {"card": {"number": "4111-secret"}, "note": "plain"}
    for name, body in (("ord-1", hidden), ("ord-2", {"note": "4111-secret"})):
        letter(
            json.dumps(body).encode(),
            headers=died(type="shop.Declined", message="4111-secret was declined", trace="at 4111-secret"),
            message_id=name,
        )
    DeadLetter.objects.filter(message_id="ord-2").update(error="declined", trace="")
    expected = {
        "4111-secret": {"ord-2"},
        "-4111-secret": {"ord-1"},
        "error:4111": set(),
        "error!=4111": {"ord-1", "ord-2"},
        "trace:4111": set(),
        "-error:declined": set(),
        "plain": {"ord-1"},
    }
    for query, names in expected.items():
        found = search(DeadLetter.objects.all(), query, quick=quick).rows
        assert set(found.values_list("message_id", flat=True)) == names, query
    with masking.revealing(True):
        assert found_by("4111-secret") == {"ord-1", "ord-2"}
        assert found_by("error:4111") == {"ord-1"}


@pytest.mark.parametrize("query", ["payload.card.number:4111*", "4111"])
def test_who_may_reveal_may_search_in_lists_groups_and_completion(settings: Any, query: str) -> None:
    settings.MQADMIN_MASKED = RULES
    letter(json.dumps(SECRET).encode(), message_id="ord-hidden")
    letter(b"{}", message_id="ord-other")
    viewer, operator = user_of("viewer"), user_of("operator")
    shown = {}
    for user in (viewer, operator):
        client = Client()
        client.force_login(user)
        page = client.get("/dead-letters/", {"q": query}).content.decode()
        found = api_of(user)(f"?q={query}")
        groups = api_of(user)(f"/groups?broker=default&q={query}")
        names = [item["message_id"] for item in found.json()["items"]] if found.status_code == 200 else []
        total = groups.json()["total"] if groups.status_code == 200 else 0
        shown[user.username] = ("ord-hidden" in page, "ord-other" in page, names, total)
        assert "4111-secret" not in page
        offers = client.get("/dead-letters/complete/", {"q": "payload.card.number=4"}).content.decode()
        assert "4111-secret" not in offers
    assert shown == {"viewer": (False, False, [], 0), "operator": (True, False, ["ord-hidden"], 1)}


@pytest.mark.parametrize("query", ["payload.card.number:4111-secret", "4111-secret", "error:4111"])
@pytest.mark.parametrize("by_page", [True, False])
def test_a_worker_finds_the_letters_that_the_operator_saw(
    settings: Any, monkeypatch: pytest.MonkeyPatch, query: str, by_page: bool
) -> None:
    settings.MQADMIN_MASKED = RULES
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    wanted = letter(json.dumps(SECRET).encode(), headers=died(message="4111-secret declined"))
    other = letter(b"{}", headers=died(message="declined"))
    user = user_of("operator")
    if by_page:
        client = Client()
        client.force_login(user)
        fields = {"all": "1", "q": query, "expect": "1"}
        assert "Discard 1 letter" in client.get("/dead-letters/discard/", fields).content.decode()
        answer = client.post("/dead-letters/discard/", fields)
    else:
        answer = api_of(user)("/discard", {"filter": {"broker": "default", "q": query}, "expect": 1})
    assert answer.status_code in (202, 204, 302), answer.content
    operation = Operation.objects.get()
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.done) == ("done", 1)
    for one in (wanted, other):
        one.refresh_from_db()
    assert (wanted.status, other.status) == ("discarded", "parked")


def test_a_selection_of_who_may_not_reveal_stays_masked(settings: Any) -> None:
    settings.MQADMIN_MASKED = RULES
    letter(json.dumps(SECRET).encode(), headers=died(message="4111-secret declined"))
    kept = selection.all_that_match(selection.Filter("default", q="error:declined"))
    assert "reveals" not in kept.to_json()
    with masking.revealing(True):
        asked = selection.all_that_match(selection.Filter("default", q="error:4111"))
        assert selection.Selection.from_json(kept.to_json()).rows().count() == 1
    again = selection.Selection.from_json(json.loads(json.dumps(asked.to_json())))
    assert again.rows().count() == 1
    masked = selection.Selection(again.broker, again.ids, again.filter, again.up_to)
    assert again.filter is not None
    assert masked.rows().count() == 0
