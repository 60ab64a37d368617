"""Who may handle a message: claims, their end, and what becomes of those of the dead."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from consumers.models import Consumer, ConsumerProcess, HandledKey
from consumers.records.claims import HandledClaims, settle
from tests.support.consumers import make_consumer, make_process
from tests.support.waiting import patient

A, B, C = (letter * 64 for letter in "abc")
HOUR = 3600.0

pytestmark = pytest.mark.django_db


@pytest.fixture
def consumer() -> Consumer:
    return make_consumer()


@pytest.fixture
def process(consumer: Consumer) -> ConsumerProcess:
    return make_process(consumer)


def claims_of(process: ConsumerProcess, window: float = HOUR) -> HandledClaims:
    return HandledClaims(consumer_id=process.consumer_id, process_id=process.pk, window=window)


def key(name: str, **fields: Any) -> HandledKey:
    row = HandledKey.objects.get(key=name)
    for field, value in fields.items():
        setattr(row, field, value)
    row.save()
    return row


def test_what_nobody_has_is_mine_and_then_in_hand(process: ConsumerProcess) -> None:
    claims = claims_of(process)
    assert claims.claim([B, A]) == ["mine", "mine"]
    assert claims.claim([C, A]) == ["mine", "busy"]
    assert set(HandledKey.objects.values_list("key", "process_id", "done")) == {
        (name, process.pk, False) for name in (A, B, C)
    }
    assert claims.claim([]) == []


def test_the_claim_of_another_that_lives_is_busy(consumer: Consumer, process: ConsumerProcess) -> None:
    claims_of(make_process(consumer)).claim([A])
    assert claims_of(process).claim([A, B]) == ["busy", "mine"]


def test_another_consumer_has_keys_of_its_own(process: ConsumerProcess) -> None:
    claims_of(make_process(make_consumer())).claim([A])
    assert claims_of(process).claim([A]) == ["mine"]


def test_what_was_handled_is_done_within_the_window_and_free_after_it(
    consumer: Consumer, process: ConsumerProcess
) -> None:
    first = make_process(consumer)
    claims_of(first).claim([A, B])
    settle(consumer.pk, first.pk, [(A, True), (B, True)])
    key(B, at=timezone.now() - timedelta(seconds=61))

    assert claims_of(process, 60).claim([B, A]) == ["mine", "done"]
    assert HandledKey.objects.get(key=B).process_id == process.pk
    assert not HandledKey.objects.get(key=B).done
    assert claims_of(first, 60).claim([B]) == ["busy"]


def test_a_claim_outlives_neither_failure_nor_release(consumer: Consumer, process: ConsumerProcess) -> None:
    claims_of(process).claim([A, B])
    settle(consumer.pk, process.pk, [(A, False)])
    assert claims_of(make_process(consumer)).claim([A, B]) == ["mine", "busy"]


@pytest.mark.parametrize(
    "fate",
    [
        lambda row: row.delete(),
        lambda row: ConsumerProcess.objects.filter(pk=row.pk).update(ended_at=timezone.now()),
        lambda row: ConsumerProcess.objects.filter(pk=row.pk).update(state="backoff"),
        lambda row: ConsumerProcess.objects.filter(pk=row.pk).update(
            heartbeat_at=timezone.now() - timedelta(seconds=31)
        ),
    ],
    ids=["gone", "ended", "seen dead", "silent"],
)
def test_claims_of_the_dead_are_taken_over(
    fate: Callable[[ConsumerProcess], object], consumer: Consumer, process: ConsumerProcess
) -> None:
    dead = make_process(consumer)
    claims_of(dead).claim([A])
    fate(dead)
    assert claims_of(process).claim([A]) == ["mine"]
    assert claims_of(make_process(consumer)).claim([A]) == ["busy"]


def test_a_process_that_was_taken_for_dead_neither_frees_nor_forgets(
    consumer: Consumer, process: ConsumerProcess
) -> None:
    claims_of(process).claim([A, B])
    ConsumerProcess.objects.filter(pk=process.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=31))
    other = make_process(consumer)
    claims_of(other).claim([A, B])

    settle(consumer.pk, process.pk, [(A, False), (B, True)])
    assert HandledKey.objects.get(key=A).process_id == other.pk  # not ours to give up
    settle(consumer.pk, other.pk, [(B, False)])
    assert HandledKey.objects.get(key=B).done  # it was handled


@pytest.mark.django_db(transaction=True)
def test_of_many_who_claim_at_once_exactly_one_gets_each_key() -> None:
    consumer = make_consumer()
    processes = [make_process(consumer) for _ in range(4)]
    keys = [f"{number:064x}" for number in range(40)]
    won: list[list[str]] = [[] for _ in processes]
    start = threading.Barrier(len(processes))

    def work(number: int) -> None:
        claims = claims_of(processes[number])
        mine = keys if number % 2 else keys[::-1]
        start.wait()
        for first in range(0, len(mine), 8):
            part = mine[first : first + 8]
            won[number] += [name for name, got in zip(part, claims.claim(part), strict=True) if got == "mine"]
        connection.close()

    threads = [threading.Thread(target=work, args=[number]) for number in range(len(processes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patient(60))
    assert sorted(name for part in won for name in part) == keys


@pytest.mark.django_db(transaction=True)
def test_of_many_who_find_a_dead_ones_claim_exactly_one_takes_it_over() -> None:
    consumer = make_consumer()
    dead = make_process(consumer)
    claims_of(dead).claim([A, B])
    dead.delete()
    processes = [make_process(consumer) for _ in range(4)]
    start = threading.Barrier(len(processes))
    got: list[list[str]] = []

    def work(process: ConsumerProcess) -> None:
        start.wait()
        got.append(list(claims_of(process).claim([A, B])))
        connection.close()

    threads = [threading.Thread(target=work, args=[process]) for process in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patient(60))
    assert sorted(pair[0] for pair in got) == ["busy", "busy", "busy", "mine"]
    assert sorted(pair[1] for pair in got) == ["busy", "busy", "busy", "mine"]


def test_a_claim_whose_commit_was_not_answered_is_still_ours(
    process: ConsumerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction is committed, the connection lost before it says so: the next try finds its own claim."""
    from django.db import OperationalError, transaction

    from consumers.runtime.sink import SinkUnavailable

    class Committed(transaction.Atomic):
        def __exit__(self, *details: Any) -> None:
            super().__exit__(*details)
            raise OperationalError("the answer was lost")

    claims = claims_of(process)
    claims.claim([B])  # really in hand
    with monkeypatch.context() as patch:
        patch.setattr("consumers.records.claims.transaction.atomic", lambda: Committed(None, True, False))
        patch.setattr("consumers.records.claims.unavailable", lambda error: SinkUnavailable(str(error)))
        with pytest.raises(SinkUnavailable, match="the answer was lost"):
            claims.claim([A, B])
    assert claims.claim([A, B]) == ["mine", "busy"]
    assert claims.claim([A]) == ["busy"]
