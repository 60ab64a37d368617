"""A requeue in watched steps, on a real broker: it goes on while nothing dies again, else it stops and says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.models import Operation
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import canary, claims, requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.requeue.requeue import Care
from mqadmin.deadletters.search import selection
from mqadmin.rabbit.headers import REQUEUE_ID
from tests.deadletters.conftest import Place
from tests.deadletters.factories import died, letter
from tests.deadletters.listeners import Listener
from tests.support.consumers import make_consumer, make_record

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _no_nudges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)


@pytest.fixture
def listener(place: Place) -> Iterator[Listener]:
    with Listener(place, "orders") as listener:
        yield listener


def start(
    place: Place, by: Actor, count: int, *, each: dict[str, Any] | None = None, **care: Any
) -> Operation:
    ids = [letter(b"x", vhost=place.vhost, message_id=f"m-{n}", **(each or {})).pk for n in range(count)]
    chosen = selection.some("default", ids)
    return requeue.start(
        selection=chosen, to=To(), by=by, care=Care(**{"canary_seconds": 60, "canary_steps": (1, 5), **care})
    )


def look(operation: Operation, *, later: bool = False) -> Operation:
    """Let a worker look at it; with `later` once the time of the step is over."""
    changes: dict[str, Any] = {"not_before": None}
    if later:
        operation.refresh_from_db()
        over = (timezone.now() - timedelta(seconds=1)).isoformat()
        changes["canary"] = {**operation.canary, "until": over}
    Operation.objects.filter(pk=operation.pk).update(**changes)
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    return operation


def test_it_goes_on_in_steps_while_nothing_dies_again(place: Place, by: Actor, listener: Listener) -> None:
    operation = start(place, by, 20)
    look(operation)
    assert (operation.status, operation.phase, operation.done) == ("pending", "watching", 1)
    assert "then 5 more" in operation.words
    assert operations.orphans() == []  # not before its next look
    look(operation)
    assert operation.done == 1  # too early to say
    listener.wait(1)
    look(operation, later=True)
    assert operation.done == 6
    listener.wait(6)
    assert "then all that are left" in operation.words
    look(operation, later=True)
    assert (operation.status, operation.done, operation.phase, operation.words) == ("done", 20, "", "")
    listener.wait(20)


def test_a_copy_that_comes_back_stops_it_with_the_reason(place: Place, by: Actor, listener: Listener) -> None:
    operation = start(place, by, 20)
    look(operation)
    look(operation, later=True)
    sent = DeadLetter.objects.filter(operation=operation, status="requeued").order_by("pk")
    assert sent.count() == 6
    last = sent[5]
    headers = {**died(type="shop.Missing", message="no customer"), REQUEUE_ID: last.requeue_id}
    letter(b"x", vhost=place.vhost, headers=headers)
    look(operation)
    assert (operation.status, operation.done) == ("failed", 6)
    assert f"of 6 letters requeued, 1 died again, first #{last.pk} (Missing: no customer)" in operation.error
    assert DeadLetter.objects.filter(status="parked", came_back_as="").count() == 14
    listener.wait(6)


@pytest.mark.parametrize("by_headers", [True, False])
def test_a_failure_in_the_records_of_our_consumer_stops_it(
    place: Place, by: Actor, listener: Listener, by_headers: bool
) -> None:
    operation = start(place, by, 3)
    consumer = make_consumer(vhost=place.vhost)
    failed = {"outcome": "dead_lettered", "error_type": "shop.Timeout", "error": "bank"}
    # The first death of the same message, and the failure of another copy, are none of its own.
    before = timezone.now() - timedelta(hours=1)
    make_record(consumer, message_id="m-0", started_at=before, **failed)
    make_record(consumer, message_id="m-0", headers={REQUEUE_ID: "another"}, **failed)
    look(operation)
    assert operation.phase == "watching"
    copy = DeadLetter.objects.get(operation=operation, status="requeued").requeue_id
    evidence = {"message_id": "", "headers": {REQUEUE_ID: copy}} if by_headers else {"message_id": "m-0"}
    make_record(consumer, **{**failed, **evidence})
    look(operation)
    assert (operation.status, operation.done) == ("failed", 1)
    assert "Timeout: bank" in operation.error


def test_what_could_not_be_routed_is_no_canary(place: Place, by: Actor, listener: Listener) -> None:
    letter(b"x", vhost=place.vhost, headers=died("gone"))
    fine = [letter(b"x", vhost=place.vhost).pk for _ in range(3)]
    chosen = selection.all_that_match(selection.Filter("default", vhost=place.vhost, status="parked"))
    operation = requeue.start(selection=chosen, to=To(), by=by, care=Care(canary_seconds=60))
    look(operation)
    assert (operation.done, operation.failed, operation.phase) == (1, 1, "watching")
    look(operation, later=True)
    assert (operation.status, operation.done, operation.failed) == ("done", len(fine), 1)


def test_nothing_is_watched_when_nothing_is_left(place: Place, by: Actor, listener: Listener) -> None:
    operation = look(start(place, by, 1))
    assert (operation.status, operation.done) == ("done", 1)


def test_with_a_rate_no_step_is_exceeded(place: Place, by: Actor, listener: Listener) -> None:
    operation = look(start(place, by, 10, rate=1000))
    assert operation.done == 1
    look(operation, later=True)
    assert operation.done == 6


def test_paused_while_it_watches_it_waits_for_the_person(place: Place, by: Actor, listener: Listener) -> None:
    operation = look(start(place, by, 10))
    operations.pause(operation=operation, by=by)
    Operation.objects.filter(pk=operation.pk).update(not_before=None)
    assert not operations.execute(operation.pk)
    operations.resume(operation=operation, by=by)
    look(operation, later=True)
    assert operation.done == 6


def test_a_worker_that_dies_in_a_step_does_not_make_it_longer(
    place: Place, by: Actor, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = start(place, by, 20)
    look(operation)

    class Killed(BaseException):
        """As if the worker ended here."""

    marks: list[int] = []
    mark: Callable[..., None] = requeue._mark

    def die(*args: Any) -> None:
        mark(*args)
        marks.append(1)
        if len(marks) == 2:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(requeue, "_mark", die)
        patch.setattr(claims, "BATCH", 2)
        with pytest.raises(Killed):
            look(operation, later=True)
    Operation.objects.filter(pk=operation.pk).update(lease_until=None)
    look(operation)
    assert (operation.done, operation.phase) == (6, "watching")
    listener.wait(6)


def test_it_stops_before_the_first_letter_where_nobody_consumes(place: Place, by: Actor) -> None:
    operation = look(start(place, by, 20))
    assert (operation.status, operation.done) == ("failed", 0)
    assert "Stopped before the first letter: nobody consumes from “orders”" in operation.error
    assert place.depth("orders") == 0
    assert DeadLetter.objects.filter(status="parked").count() == 20


def test_it_stops_when_the_last_consumer_leaves(
    place: Place, by: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Listener(place, "orders") as listener:
        operation = look(start(place, by, 20))
        listener.wait(1)
    look(operation, later=True)
    assert (operation.phase, operation.done) == ("watching", 1)  # it may only be restarting: no next step yet
    with Listener(place, "orders"):
        look(operation, later=True)
    assert (operation.phase, operation.done) == ("watching", 6)  # it was
    look(operation)
    monkeypatch.setattr(canary, "DEAF_SECONDS", 0.0)
    look(operation)
    assert (operation.status, operation.done) == ("failed", 6)
    assert "nobody consumes from “orders” any more" in operation.error
    assert "the 6 letters that were requeued" in operation.error
    assert DeadLetter.objects.filter(status="parked").count() == 14


def test_of_the_queues_that_an_exchange_reaches_one_with_a_consumer_is_enough(
    place: Place, by: Actor
) -> None:
    place.channel.queue_declare("archive", durable=True)
    place.channel.queue_bind("archive", "shop", "order.#")
    ids = [letter(b"x", vhost=place.vhost).pk for _ in range(3)]
    to = To("exchange")
    care = Care(canary_seconds=60)
    chosen = selection.some("default", ids)
    deaf = look(requeue.start(selection=chosen, to=to, by=by, care=care))
    assert "nobody consumes from “shop · order.created”" in deaf.error
    with Listener(place, "archive") as listener:
        heard = look(requeue.start(selection=chosen, to=to, by=by, care=care))
        assert (heard.phase, heard.done) == ("watching", 1)
        listener.wait(1)


def test_a_plan_in_words() -> None:
    assert (
        canary.described(canary.plan(90)) == "1, then 5, then 50, then the rest, each watched for 1 min 30 s"
    )


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads small tables as a whole")
def test_failures_are_looked_for_without_reading_all_records(
    place: Place, by: Actor, listener: Listener
) -> None:
    operation = start(place, by, 3)
    consumer = make_consumer(vhost=place.vhost)
    make_record(consumer)
    look(operation)
    listener.wait(1)
    with CaptureQueriesContext(connection) as captured:
        look(operation)
    plans = []
    with connection.cursor() as cursor:
        for query in captured.captured_queries:
            if "dead_lettered" in query["sql"] and "consumers_record" in query["sql"]:
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                plans += [row[3] for row in cursor.fetchall()]
    assert any("consumer_id=? AND outcome=?" in plan for plan in plans)
    assert not any("SCAN U0" in plan or "SCAN consumers_record" in plan or "rowid>" in plan for plan in plans)


def test_a_failure_stops_it_whatever_others_failed_on(
    place: Place, by: Actor, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of either outcome, at any of the consumers there; none of another virtual host."""
    monkeypatch.setattr(canary, "_RECORDS_LOOKED_AT", 4)
    operation = start(place, by, 3)
    consumers = [make_consumer(vhost=place.vhost) for _number in range(2)]
    elsewhere = make_consumer(vhost="elsewhere")
    make_record(consumers[1], outcome="dead_lettered", error="boom")
    look(operation)
    copy = DeadLetter.objects.get(operation=operation, status="requeued").requeue_id
    make_record(consumers[1], outcome="timed_out", headers={REQUEUE_ID: copy}, error="too slow")
    for _number in range(3):
        make_record(consumers[0], outcome="dead_lettered")
        make_record(elsewhere, outcome="dead_lettered", headers={REQUEUE_ID: copy})
    look(operation)
    assert operation.status == "failed"
    assert "too slow" in operation.error
