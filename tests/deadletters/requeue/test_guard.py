"""Letters that are on their way to the broker are left alone by everybody else (guarantees 4 and 8)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.deadletters.acts import decide, editing, retention
from mqadmin.deadletters.capture import capture
from mqadmin.deadletters.inbox import presenting
from mqadmin.deadletters.models import ClaimedBatch, DeadLetter
from mqadmin.deadletters.requeue import claims
from mqadmin.deadletters.search import selection
from tests.deadletters.factories import letter
from tests.support.waiting import patient

pytestmark = pytest.mark.django_db(transaction=True)

Letters = list[DeadLetter]


@pytest.fixture
def letters() -> Iterator[Letters]:
    """Three letters; what is in flight is let go of at the end, as the guard holds for who empties tables too."""
    yield [letter(bytes([65 + index])) for index in range(3)]
    ClaimedBatch.objects.all().delete()


def claim(*found: DeadLetter) -> tuple[Operation, claims.Batch]:
    operation = Operation.objects.create(kind="test", broker="default", created_by="ann", total=len(found))
    chosen = selection.some("default", [one.pk for one in found])
    claimed = claims.claim(operation, chosen, after=0)
    assert claimed is not None
    return operation, claimed[1]


def update(**values: Any) -> Callable[[Letters], int]:
    return lambda found: DeadLetter.objects.filter(pk__in=[one.pk for one in found]).update(**values)


def discard(found: Letters) -> int:
    operation = Operation.objects.create(kind="test", broker="default", created_by="bob", total=3)
    with transaction.atomic():
        return decide._change(operation, [one.pk for one in found], decide._DISCARD)


def delete(found: Letters) -> int:
    before = DeadLetter.objects.count()
    DeadLetter.objects.filter(pk__in=[one.pk for one in found]).delete()
    return before - DeadLetter.objects.count()


ACTS = {
    "discard": discard,
    "claim for a trial": update(status="requeueing"),
    "edit": update(body=b"other", edits=F("edits") + 1),
    "delete": delete,
    "retention": lambda found: retention._delete_some(
        DeadLetter.objects.filter(pk__in=[o.pk for o in found]), 9
    ),
    "requeue": lambda found: len(claim(*found)[1].letters),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_an_act_passes_over_what_is_in_flight(letters: Letters, act: Callable[[Letters], int]) -> None:
    first, _other, last = letters
    operation, batch = claim(first, last)
    assert batch.held is not None
    assert [one.requeue_id for one in batch.letters] == [
        f"{batch.held.mark}{one.pk}" for one in (first, last)
    ]
    assert act(letters) == 1
    for one in (first, last):
        one.refresh_from_db()
        assert (one.status, bytes(one.body)) == ("parked", bytes(batch.letters[one is last].body))
        assert not one.events.exists()
    claims.settle(operation, batch, {first.pk: "to orders"}, {last.pk: "refused"})
    first.refresh_from_db()
    last.refresh_from_db()
    assert (first.status, first.events.get().kind, first.requeue_count) == ("requeued", "requeued", 1)
    assert (last.status, last.status_reason, last.requeue_count) == ("parked", "refused", 1)
    assert not ClaimedBatch.objects.filter(operation=operation).exists()
    assert discard([last]) == 1, "it is free again"


def test_a_capture_that_takes_doubles_back_leaves_it_and_its_history(letters: Letters) -> None:
    of = letter(b"first")
    DeadLetter.objects.exclude(pk=of.pk).update(maybe_duplicate_of=of)
    for one in letters:
        one.events.create(at=timezone.now(), kind="captured")
    claim(letters[0])
    capture.LetterSink(broker="default", vhost="/", queue="dead")._withdraw([of.pk])
    left = DeadLetter.objects.exclude(pk=of.pk).get()
    assert (left.pk, left.events.count()) == (letters[0].pk, 1)


def test_a_letter_in_flight_says_so(letters: Letters) -> None:
    claim(letters[0])
    assert [presenting.show(one).letter.status for one in letters[:2]] == ["requeueing", "parked"]


def test_an_edit_says_that_it_came_too_late(letters: Letters) -> None:
    claim(letters[0])
    with pytest.raises(Refusal, match="requeued meanwhile"):
        editing.write(letters[0], Actor("bob"), {"body": b"other"})


def test_what_the_broker_did_not_answer_for_stays_claimed_in_its_own_row(letters: Letters) -> None:
    first, _other, last = letters
    operation, batch = claim(first, last)
    claims.settle(operation, batch, {first.pk: "to orders"}, {})
    last.refresh_from_db()
    assert (last.status, last.operation_id) == ("requeueing", operation.pk)
    assert last.requeue_id == batch.letters[1].requeue_id
    assert last.claimed_at is not None
    (again,) = claims.batches(operation)
    assert again.letters == [batch.letters[1]]


def test_a_worker_that_was_taken_for_dead_marks_what_it_sent_all_the_same(letters: Letters) -> None:
    operation, batch = claim(*letters)
    claims.write_down(operation)
    assert claims.outstanding(operation).count() == 3
    claims.settle(operation, batch, {one.pk: "to orders" for one in letters}, {})
    found = DeadLetter.objects.filter(status="requeued", operation=operation)
    assert list(found.order_by("pk").values_list("requeue_id", "requeue_count")) == [
        (one.requeue_id, 1) for one in batch.letters
    ]


def test_who_waited_for_a_claim_to_be_committed_comes_too_late(letters: Letters) -> None:
    """The row did not change while they waited for its lock: what they saw before is no longer so all the same."""
    changed: list[int] = []

    def other() -> None:
        started.set()
        changed.append(
            DeadLetter.objects.filter(pk=letters[0].pk, status="parked").update(status="discarded")
        )
        connection.close()

    started = threading.Event()
    waiting = threading.Thread(target=other)
    with transaction.atomic():
        claim(letters[0])
        waiting.start()
        assert started.wait(patient(10))
        waiting.join(0.3)  # long enough for it to be in the statement, where the database lets it begin
        assert not changed
    waiting.join(patient(30))
    assert changed == [0]
