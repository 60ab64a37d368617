"""A burst of one cause pauses its consumer; one letter is tried, and only what passes resumes it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from consumers.models import Consumer
from consumers.trying import trying
from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.deadletters.acts import decide
from mqadmin.deadletters.automatic import breaker, trials
from mqadmin.deadletters.models import Breaker, DeadLetter
from mqadmin.deadletters.search import selection
from tests.deadletters.factories import died, letter
from tests.support.consumers import make_consumer

pytestmark = [
    pytest.mark.broker,
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
]
BY = Actor("ann")


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch, process_environ: dict[str, str]) -> Iterator[Consumer]:
    """A consumer whose handler does what the body says; trials of it run in processes of their own."""
    for name, value in process_environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MQADMIN_HANDLERS", "tests.support.trial_handlers")
    brokers.forget()
    yield make_consumer(name="work", vhost="/", queue="orders", handler="tests.trial", desired="running")
    brokers.forget()


def burst(count: int, body: bytes = b"fail:bank", **more: Any) -> list[DeadLetter]:
    headers = died(type="shop.Timeout", message="bank")
    return [letter(body, headers=headers, message_id=f"m-{number}", **more) for number in range(count)]


def state(consumer: Consumer) -> tuple[str, str]:
    consumer.refresh_from_db()
    return consumer.breaker.state, consumer.desired


def look(consumer: Consumer, *, later: float = 0) -> None:
    breaker.step(timezone.now() + timedelta(seconds=later))
    consumer.breaker.refresh_from_db()


def test_off_it_does_nothing(consumer: Consumer) -> None:
    breaker.save(consumer=consumer, by=BY, is_on=False, number=3)
    burst(5)
    look(consumer)
    assert state(consumer) == ("closed", "running")


def test_a_burst_pauses_a_letter_is_tried_and_what_passes_resumes(consumer: Consumer) -> None:
    breaker.save(consumer=consumer, by=BY, is_on=True, number=5, seconds=60, rest=300)
    burst(4)
    letter(b"x", headers=died(type="Other", message="cause"))  # not the same cause
    look(consumer)
    assert state(consumer) == ("closed", "running")

    failing = burst(1)[0]
    look(consumer)
    assert state(consumer) == ("open", "paused")
    assert "5 letters of one cause" in consumer.breaker.words
    entry = AuditEntry.objects.get(action="consumer.pause")
    assert (entry.actor, entry.via, entry.outcome) == ("circuit breaker", "system", "done")

    look(consumer, later=299)
    assert state(consumer) == ("open", "paused")  # it rests
    look(consumer, later=301)
    assert state(consumer) == ("open", "paused")
    assert f"#{failing.pk} was tried and failed again" in consumer.breaker.words
    failing.refresh_from_db()
    assert (failing.status, failing.events.get().kind) == ("parked", "tried")

    DeadLetter.objects.filter(pk=failing.pk).update(body=b"ok:")  # the bank is back
    look(consumer, later=302)
    assert "failed again" in consumer.breaker.words  # it rests anew
    look(consumer, later=620)
    assert state(consumer) == ("closed", "running")
    failing.refresh_from_db()
    assert failing.status == "discarded"  # handled: requeued it would be done twice
    assert "it is handled" in failing.events.last().text
    assert DeadLetter.objects.filter(status="parked").count() == 5

    look(consumer, later=621)
    assert state(consumer) == ("closed", "running")  # the burst of before does not open it again


def test_a_person_who_resumes_has_the_last_word(consumer: Consumer) -> None:
    breaker.save(consumer=consumer, by=BY, is_on=True, number=3)
    burst(3)
    look(consumer)
    assert state(consumer) == ("open", "paused")
    Consumer.objects.update(desired="running")
    look(consumer, later=1)
    assert state(consumer) == ("closed", "running")
    look(consumer, later=2)
    assert state(consumer) == ("closed", "running")


def test_with_no_letter_left_it_resumes(consumer: Consumer) -> None:
    breaker.save(consumer=consumer, by=BY, is_on=True, number=3, rest=10)
    burst(3)
    look(consumer)
    DeadLetter.objects.update(status="requeued")
    look(consumer, later=11)
    assert state(consumer) == ("closed", "running")


def test_a_trial_that_was_cut_off_is_made_again(consumer: Consumer) -> None:
    breaker.save(consumer=consumer, by=BY, is_on=True, number=3, rest=10)
    Consumer.objects.update(desired="paused")
    Breaker.objects.update(state="trying", state_at=timezone.now() - timedelta(minutes=4))
    look(consumer)
    assert state(consumer) == ("open", "paused")


def test_nobody_else_handles_the_letter_that_is_tried(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker.save(consumer=consumer, by=BY, is_on=True, number=3, rest=10)
    *_, newest = burst(3, b"ok:")
    look(consumer)
    chosen = selection.some("default", [newest.pk])
    run = trying.run

    def meanwhile(**given: Any) -> Any:
        with pytest.raises(Refusal, match="is parked"):
            decide.discard(selection=chosen, by=BY)
        [operation] = Operation.objects.filter(kind="dead_letters.try")
        assert operation.pk not in operations.orphans()
        return run(**given)

    monkeypatch.setattr(trying, "run", meanwhile)
    look(consumer, later=11)
    assert state(consumer) == ("closed", "running")
    newest.refresh_from_db()
    operation = Operation.objects.get(kind="dead_letters.try")
    assert (newest.status, newest.operation_id) == ("discarded", operation.pk)
    assert (operation.status, operation.done, operation.lease_owner) == ("done", 1, "")


def test_a_letter_of_the_millisecond_in_which_it_began_to_watch_counts(consumer: Consumer) -> None:
    breaker.save(consumer=consumer, by=BY, is_on=True, number=1)
    [one] = burst(1)
    Breaker.objects.update(state_at=one.captured_at + timedelta(microseconds=900))
    look(consumer)
    assert state(consumer) == ("open", "paused")
    Breaker.objects.update(state="closed", state_at=one.captured_at + timedelta(microseconds=1100))
    Consumer.objects.update(desired="running")
    look(consumer)
    assert state(consumer) == ("closed", "running")


def test_of_a_letter_that_a_person_decides_first_no_handler_is_run(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker.save(consumer=consumer, by=BY, is_on=True, number=3, rest=10)
    *_, newest = burst(3)
    look(consumer)

    def faster(**_given: Any) -> Any:
        DeadLetter.objects.filter(pk=newest.pk).update(status="requeued")
        return message(newest)

    message = breaker.message
    monkeypatch.setattr(breaker, "message", lambda letter: faster())
    monkeypatch.setattr(trying, "run", None)
    look(consumer, later=11)
    assert state(consumer) == ("open", "paused")
    assert not Operation.objects.filter(kind="dead_letters.try").exists()
    newest.refresh_from_db()
    assert newest.status == "requeued"


def test_a_letter_whose_trial_was_cut_off_is_given_back(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker.save(consumer=consumer, by=BY, is_on=True, number=3, rest=10)
    *_, newest = burst(3)
    look(consumer)

    def killed(**_given: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(trying, "run", killed)
        patch.setattr(trials, "_decide", lambda *_given: None)
        with pytest.raises(KeyboardInterrupt):
            look(consumer, later=11)
    newest.refresh_from_db()
    assert newest.status == "requeueing"
    Operation.objects.update(lease_until=timezone.now())
    [orphan] = operations.orphans()
    assert operations.execute(orphan)
    newest.refresh_from_db()
    assert (newest.status, newest.status_reason) == (
        "parked",
        "The trial was cut off: the handler may have been run on this letter.",
    )


@pytest.mark.parametrize("values", [{"number": 0}, {"seconds": 0}, {"rest": 0}])
def test_what_is_no_breaker_is_refused(consumer: Consumer, values: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        breaker.save(consumer=consumer, by=BY, is_on=True, **values)
    assert not Breaker.objects.exists()
