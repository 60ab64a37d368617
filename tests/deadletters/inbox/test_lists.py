"""Lists of letters: counted without counting, in an order that an index has."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mqadmin.core.api.paging import paginate
from mqadmin.deadletters.inbox import inbox, lists
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import searching
from mqadmin.deadletters.search.selection import Filter
from tests.deadletters.factories import died, letter

pytestmark = pytest.mark.django_db


@pytest.fixture
def letters(db: None) -> None:
    for number in range(9):
        letter(b"some words", headers=died(f"q{number % 3}"), message_id=f"m{number}")


@pytest.mark.parametrize("wanted", [{}, {"source": "q1"}, {"status": "parked"}, {"q": "words -id:1"}])
def test_pages_by_cursor_hold_every_letter_once_and_count_them(letters: None, wanted: dict[str, str]) -> None:
    rows = Filter("", **wanted).rows()  # type: ignore[arg-type]
    expected = list(rows.order_by("-pk").values_list("pk", flat=True))
    seen, cursor = [], None
    while True:
        page = paginate(lists.listed(Filter("", **wanted)), limit=2, cursor=cursor)  # type: ignore[arg-type]
        assert page["total"] == len(expected)
        seen += [row.pk for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == expected


def test_a_page_of_the_api_neither_counts_letters_nor_sorts_them(letters: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        paginate(lists.listed(Filter("", source="q1")), limit=2)
    statements = [query["sql"] for query in asked if 'FROM "deadletters_deadletter"' in query["sql"]]
    assert len(statements) == 1
    assert "NULLS" not in statements[0]
    assert "\"broker\" = 'default'" in statements[0]


def test_letters_of_several_brokers_are_all_listed(letters: None) -> None:
    letter(broker="other")
    assert paginate(lists.listed(Filter("")))["total"] == 10
    assert paginate(lists.listed(Filter("other")))["total"] == 1


def test_a_page_reads_the_letters_of_its_search_once(letters: None) -> None:
    wanted = Filter("default", status="parked", q="error:q or words")
    newest = DeadLetter.objects.latest("pk").pk
    with searching.remembered():
        rows = lists.listed(wanted, up_to=newest)
        with CaptureQueriesContext(connection) as asked:
            assert rows.count() == 9
            assert lists.newer(wanted, newest - 2) == 2
            assert sum(cause.count for cause in inbox.causes(wanted)) == 9
        assert not [query for query in asked if "search_text" in query["sql"]]
        assert [row.pk for row in rows[2:4]] == [newest - 2, newest - 3]
        assert lists.listed(wanted, up_to=newest - 1).count() == 8


@pytest.mark.parametrize("exact", [True, False])
def test_a_page_stops_when_its_time_is_up_and_says_so(
    letters: None, monkeypatch: pytest.MonkeyPatch, exact: bool
) -> None:
    query = "error:x or words" if exact else "header.tenant:x or words"
    for name in ("_CHUNK", "_SCANNED", "LEAST"):
        monkeypatch.setattr(searching, name, 2)
    monkeypatch.setattr(searching, "PAGE_SECONDS", 0.0)
    with searching.remembered():
        found = Filter("default", q=query).found()
        assert found.limit == 2
        assert "newest 2 letters" in searching.notice()
        assert lists.listed(Filter("default", q=query), up_to=10**9).count() == 2
    assert Filter("default", q=query).rows().count() == 9  # an act looks at all
