from __future__ import annotations

import pytest

from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.deadletters.acts import decide
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import selection
from mqadmin.deadletters.search.selection import Filter
from tests.deadletters.factories import letter

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_nudges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    monkeypatch.setattr(decide, "BATCH", 2)


def test_discarded_letters_can_be_restored(by: Actor) -> None:
    ids = [letter(broker="default").pk for _ in range(5)]
    other = letter(broker="other").pk
    chosen = selection.some("default", [*ids, other])
    operation = decide.discard(selection=chosen, by=by, expect=5)
    assert operations.execute(operation.pk)
    assert set(DeadLetter.objects.filter(status="discarded").values_list("pk", flat=True)) == set(ids)

    operation = decide.restore(selection=chosen, by=by)
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.done, operation.total) == (5, 5)
    assert not operation.problems.exists()
    assert DeadLetter.objects.filter(status="parked").count() == 6
    assert [event.kind for event in DeadLetter.objects.get(pk=ids[0]).events.all()] == [
        "discarded",
        "restored",
    ]
    assert set(AuditEntry.objects.values_list("action", "count")) == {
        ("dead_letters.discard", 5),
        ("dead_letters.restore", 5),
    }


def test_what_was_decided_meanwhile_is_passed_over(by: Actor) -> None:
    ids = [letter().pk for _ in range(3)]
    operation = decide.discard(selection=selection.some("default", ids), by=by)
    DeadLetter.objects.filter(pk=ids[1]).update(status="requeueing")
    operations.execute(operation.pk)
    operation.refresh_from_db()
    assert operation.done == 2
    (told,) = operation.problems.all()
    assert (told.target, told.reason) == (
        "1 of 3",
        "Somebody else was faster, or it is gone: it was passed over.",
    )
    assert DeadLetter.objects.get(pk=ids[1]).status == "requeueing"


def test_there_must_be_something_to_do(by: Actor) -> None:
    one = letter(status="discarded")
    with pytest.raises(Refusal, match="parked"):
        decide.discard(selection=selection.some("default", [one.pk]), by=by)
    with pytest.raises(Refusal, match="No letter"):
        selection.some("default", [])
    with pytest.raises(Refusal, match="1 letter now, not 2"):
        decide.restore(selection=selection.some("default", [one.pk]), by=by, expect=2)


def test_a_filter_matches_words_without_case(by: Actor) -> None:
    one = letter("Größe: ÄPFEL 17".encode(), message_id="Ord-1")
    letter(b'{"name": "\\u00c4pfel"}', message_id="escaped")
    letter(b"\xff\xfe binary")

    def found(q: str) -> int:
        return Filter("default", q=q).rows().count()

    assert found("äpfel") == 2
    assert found("äpfel 17 ORD-1") == 1
    assert found("nothing") == 0
    assert found("100%") == 0
    assert Filter("default", source="orders").rows().count() == 3
    assert Filter("default", source="other").rows().count() == 0
    assert Filter("default", until=one.captured_at).rows().count() == 0
    assert Filter.from_json(Filter("default", since=one.captured_at).to_json()).rows().count() == 3


@pytest.mark.parametrize(("number", "words"), [(1, "1 letter"), (2, "2 letters")])
def test_one_letter_is_not_letters(by: Actor, number: int, words: str) -> None:
    chosen = selection.some("default", [letter().pk for _ in range(number)])
    operation = decide.discard(selection=chosen, by=by)
    assert operation.summary == f"Discard {words}"
    assert operations.execute(operation.pk)
    assert decide.restore(selection=chosen, by=by).summary == f"Restore {words}"
