"""The full-text index finds what a look at every letter would find, caught up or not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mqadmin.core.query.lexer import quote
from mqadmin.deadletters.acts import editing
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import fulltext, searching
from mqadmin.deadletters.search.searching import search
from tests.deadletters.conftest import BY
from tests.deadletters.factories import letter

OLD = datetime.now(UTC) - timedelta(days=1)


def found(query: str) -> set[str]:
    return set(search(DeadLetter.objects.all(), query).rows.values_list("message_id", flat=True))


@pytest.fixture
def _empty(db: None) -> None:
    fulltext.forget()


@pytest.mark.usefixtures("_empty")
def test_letters_are_found_before_and_after_they_are_indexed() -> None:
    letter(b"the quick brown fox", message_id="a", received_at=OLD)
    letter(b"QUICK as a hare", message_id="b", received_at=OLD)
    letter(b"quick, but just captured", message_id="c")
    assert found("quick") == {"a", "b", "c"}
    assert fulltext.catch_up() == 2  # what came this minute waits
    assert search(DeadLetter.objects.all(), "quick").by_words
    assert found("quick") == {"a", "b", "c"}
    assert found("quick fox") == {"a"}
    assert found('"quick brown"') == {"a"}
    assert found("uick -hare") == {"a", "c"}
    assert found("quick payload.x=1") == set()
    assert fulltext.catch_up() == 0


@pytest.mark.usefixtures("_empty")
@pytest.mark.django_db(transaction=True)
def test_an_edited_letter_is_found_by_what_it_says_now() -> None:
    one = letter(b"before", message_id="a", received_at=OLD)
    fulltext.catch_up()
    editing.edit(letter=one, by=BY, body=b"afterwards", properties=None, headers=None)
    assert found("afterwards") == {"a"}
    assert found("before") == set()


@pytest.mark.usefixtures("_empty")
def test_more_than_can_be_named_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        letter(b"same words", message_id=str(number), received_at=OLD)
    fulltext.catch_up()
    monkeypatch.setattr(fulltext, "MOST", 3)
    cut = search(DeadLetter.objects.all(), "words")
    assert set(cut.rows.values_list("message_id", flat=True)) == {"4", "3", "2"}
    assert "newest 3 letters" in cut.notice
    assert searching.freeze(DeadLetter.objects.all(), "words")[1] == cut.ids


WORD = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('abcÉßİ%_"\\*'), min_size=1, max_size=9
)


@pytest.mark.usefixtures("_empty")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=st.lists(WORD, min_size=1, max_size=4).map(" ".join), word=WORD)
def test_the_index_leaves_nothing_out(monkeypatch: pytest.MonkeyPatch, text: str, word: str) -> None:
    monkeypatch.setattr(fulltext, "_PROBED", 1)  # with so few letters the index would not be asked
    DeadLetter.objects.all().delete()
    letter(text.encode(), received_at=OLD)
    letter((text[::-1] + word).encode(), received_at=OLD)
    fulltext.forget()
    for looked_for in {word, text, text[1:5], text.upper(), text[-12:]}:
        query = quote(looked_for)
        fulltext.forget()
        plain = set(search(DeadLetter.objects.all(), query).rows.values_list("pk", flat=True))
        fulltext.catch_up()
        assert set(search(DeadLetter.objects.all(), query).rows.values_list("pk", flat=True)) == plain


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("short", ["short"]),
        ("ordinary", ["ordinary"]),
        ("customer-0000123", ["customer", "-0000123"]),
        ("3f2a8c1e-9d10-4b7e-8a61-5c0de1f2a3b4", ["3f2a8c1e", "e1f2a3b4"]),
        ("abc------------", ["abc-----"]),
        ("a-b-c-d-e-f-g-h-i", ["a-b-c-d-e-f-g-h-i"]),
    ],
)
def test_the_index_is_asked_for_parts_that_it_knows(word: str, parts: list[str]) -> None:
    assert fulltext._parts(word, 8) == parts
