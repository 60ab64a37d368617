"""The search box: completion, errors at their place, what the list then shows."""

from __future__ import annotations

import html
import re

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from mqadmin.deadletters.inbox import inbox
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search.completing import offers
from mqadmin.deadletters.search.selection import Filter
from mqadmin.rabbit.reading import frameworks
from tests.deadletters.factories import died, letter

pytestmark = [pytest.mark.broker, pytest.mark.any_version, pytest.mark.django_db]

LIST = "/dead-letters/"


@pytest.fixture
def viewer(db: None, _broker: None) -> Client:
    user = User.objects.create_user("vera", password="x")
    user.groups.add(Group.objects.get(name="viewer"))
    client = Client()
    client.force_login(user)
    return client


def texts(query: str, at: int | None = None) -> list[str]:
    return [offer.text for offer in offers("default", query, len(query) if at is None else at).items]


@pytest.fixture
def letters(db: None) -> None:
    letter(
        b'{"order": {"id": 7, "lines": [{"sku": "A1"}]}}',
        headers={
            **died("orders", type="shop.errors.Timeout", message="late"),
            "tenant": "acme",
            "my key": "a b",
        },
        app_id="shop",
    )
    letter(headers=died("order mails"), status="discarded")
    letter(headers=died("payments"), broker="other")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("so", ["source:"]),
        ("a -so", ["source:"]),
        ("(rea", ["reason:"]),
        ("source:", ['"order mails"', "orders"]),
        ("source:ers", ["orders"]),
        ("source:orders", []),
        ("error:", ["Timeout"]),
        ("reason:ex", ["expired"]),
        ("framework:fa", ["faststream"]),
        ("framework:", list(frameworks.NAMES)),
        ("is:", ["edited", "back", "duplicate", "noted"]),
        ("header.ten", ["header.tenant="]),
        ('header."my', ['header."my key"=']),
        ("header.tenant=", ["acme"]),
        ("payload.", ["payload.order.id=", "payload.order.lines.sku="]),
        ("property.app", ["property.app_id="]),
        ("died:", [":<15m", ":<1h", ":<24h", ":<7d", ":>7d"]),
        ("nothing:", []),
        ('"so', []),
        ("zzz", []),
    ],
)
def test_what_is_offered(letters: None, query: str, expected: list[str]) -> None:
    found = texts(query)
    assert (sorted(found) if query == "payload." else found) == expected


def test_the_word_at_the_cursor_is_completed(letters: None) -> None:
    found = offers("default", "so error:x", 2)
    assert (found.start, found.end, found.items[0].text) == (0, 2, "source:")
    assert "source:" in texts("")


@pytest.mark.parametrize("framework", frameworks.FRAMEWORKS, ids=lambda item: item.name)
def test_letters_of_each_framework_are_found_and_their_cause_is_called_by_it(
    letters: None, framework: frameworks.Framework
) -> None:
    wanted = letter(headers=died("orders", type="shop.errors.Overslept"))
    DeadLetter.objects.filter(pk=wanted.pk).update(framework=framework.name)
    found = Filter(broker="default", source="orders", q=f"framework:{framework.name} error:Overslept")
    assert [one.pk for one in found.found().rows] == [wanted.pk]
    (cause,) = inbox.causes(found)
    assert cause.title == ("Overslept" if framework.name == "mqadmin" else f"{framework.title} Overslept")


def test_offers_come_as_a_listbox_and_nothing_in_them_is_markup(viewer: Client, letters: None) -> None:
    letter(headers=died('<b onclick="x">'))
    page = viewer.get("/dead-letters/complete/?q=source:&at=7").content.decode()
    assert re.search(r'role="option" id="offer-0"', page)
    assert "<b onclick" not in page
    assert html.escape("<b onclick") in page
    assert viewer.get("/dead-letters/complete/?q=so&at=zz").status_code == 200
    assert Client().get("/dead-letters/complete/?q=so").status_code == 302


def test_a_wrong_search_shows_its_place_and_no_letter(viewer: Client, letters: None) -> None:
    page = viewer.get(LIST, {"q": "late sorce:orders"}).content.decode()
    assert "late <mark>sorce:orders</mark>" in page
    assert "Use source:orders" in page
    assert "q=late+source%3Aorders" in page.replace("%20", "+")
    assert 'id="open-' not in page
    assert 'value="late sorce:orders"' in page
    better = viewer.get(LIST, {"q": "late source:orders"}).content.decode()
    assert better.count('id="open-') == 1
    assert "<mark>" not in better


def test_all_that_match_a_wrong_search_are_none(letters: None) -> None:
    operator = User.objects.create_user("oscar", password="x")
    operator.groups.add(Group.objects.get(name="operator"))
    client = Client()
    client.force_login(operator)
    answer = client.get("/dead-letters/discard/", {"all": "1", "q": "sorce:orders", "status": "parked"})
    assert answer.status_code in (409, 422)


def test_the_page_says_how_far_it_looked(
    viewer: Client, letters: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mqadmin.deadletters.search import searching

    letter(b'{"order": {"id": 9}}')
    monkeypatch.setattr(searching, "MOST_READ", 1)
    page = viewer.get(LIST, {"q": "payload.order.id>0"}).content.decode()
    assert "Only the newest 1 letter was searched" in page
    assert page.count('id="open-') == 1
