"""Rules that requeue by themselves: in growing distances, so many times, then left for a person."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.deadletters.acts import exporting, importing
from mqadmin.deadletters.automatic import retries
from mqadmin.deadletters.models import DeadLetter, PlannedRetry, RetryRule
from tests.deadletters.conftest import Place
from tests.deadletters.factories import died, letter

BY = Actor("ann")
stored = pytest.mark.django_db(transaction=True)
broker = pytest.mark.broker


@pytest.fixture(autouse=True)
def _no_nudges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)


def test_the_delay_grows_up_to_its_bound() -> None:
    rule = RetryRule(first_delay=60, factor=5, max_delay=1_000, at_most=9)
    assert [retries.delay(rule, number) for number in (1, 2, 3, 50_000)] == [60, 300, 1_000, 1_000]
    assert retries.described(rule).startswith("after 1 min, 5 min, 16 min 40 s")


def carry_out() -> None:
    for operation in Operation.objects.filter(status="pending"):
        operations.execute(operation.pk)


def arrive(place: Place, *, at: datetime | None = None, came_back: str = "", **fields: Any) -> DeadLetter:
    headers = {**died(), **({"mqadmin-requeue-id": came_back} if came_back else {})}
    return letter(b"x", vhost=place.vhost, headers=headers, received_at=at, **fields)


def kinds(row: DeadLetter) -> list[str]:
    return list(row.events.values_list("kind", flat=True))


@broker
@stored
def test_a_letter_is_retried_ever_later_and_then_left_for_a_person(place: Place) -> None:
    early = arrive(place)
    rule = retries.save(
        by=BY, broker="default", vhost=place.vhost, source="orders", at_most=2, first_delay=60, is_on=True
    )
    now = timezone.now()
    one = arrive(place, at=now)
    assert retries.step(now) == 0
    assert (one.retry.number, one.retry.due_at) == (1, one.captured_at + timedelta(seconds=60))
    assert retries.step(now + timedelta(seconds=59)) == 0
    assert retries.step(now + timedelta(seconds=61)) == 1
    assert retries.step(now + timedelta(seconds=62)) == 0
    carry_out()
    one.refresh_from_db()
    assert (one.status, place.depth("orders")) == ("requeued", 1)
    assert kinds(one) == ["retried", "requeued"]
    assert "Retry 1 of 2" in one.events.get(kind="retried").text

    two = arrive(place, came_back=one.requeue_id, at=now)
    retries.step(now + timedelta(seconds=61))
    two.refresh_from_db()
    assert (two.retry.number, two.retry.due_at) == (2, two.captured_at + timedelta(seconds=300))
    assert retries.step(now + timedelta(seconds=301)) == 1
    carry_out()
    two.refresh_from_db()

    three = arrive(place, came_back=two.requeue_id, at=now)
    retries.step(now + timedelta(seconds=302))
    retries.step(now + timedelta(days=3))
    three.refresh_from_db()
    assert (three.status, three.retry.state, kinds(three)) == ("parked", "left", ["left"])
    assert "retried 2 times" in three.events.get().text

    early.refresh_from_db()  # there before the rule was switched on
    assert (early.status, hasattr(early, "retry")) == ("parked", False)
    entry = AuditEntry.objects.filter(action="dead_letters.requeue").first()
    assert entry is not None
    assert (entry.actor, entry.via) == ("retry rule", "system")
    assert rule.changed_by == "ann"


@broker
@stored
def test_off_it_does_nothing_and_of_others_neither(place: Place) -> None:
    rule = retries.save(by=BY, broker="default", vhost=place.vhost, source="orders", first_delay=1)
    assert not rule.is_on
    arrive(place)
    later = timezone.now() + timedelta(days=2)
    assert retries.step(later) == 0
    retries.save(by=BY, broker="default", vhost=place.vhost, source="other", first_delay=1, is_on=True)
    assert retries.step(later) == 0
    assert not PlannedRetry.objects.exists()


@broker
@stored
def test_a_rule_of_a_cause_and_a_letter_that_a_person_decided_first(place: Place) -> None:
    sample = arrive(place)
    retries.save(by=BY, broker="default", group=sample.group, first_delay=1, is_on=True)
    mine, other = arrive(place), letter(b"x", vhost=place.vhost, headers=died(type="E", message="else"))
    now = timezone.now()
    retries.step(now - timedelta(seconds=30))
    assert PlannedRetry.objects.get().letter == mine
    DeadLetter.objects.filter(pk=mine.pk).update(status="discarded")
    assert retries.step(now + timedelta(seconds=30)) == 0
    other.refresh_from_db()
    assert (PlannedRetry.objects.get().state, other.status) == ("sent", "parked")
    assert not Operation.objects.exists()


@broker
@stored
def test_what_has_nowhere_to_go_is_left_with_the_reason(place: Place) -> None:
    retries.save(by=BY, broker="default", vhost=place.vhost, source="gone", first_delay=1, is_on=True)
    lost = letter(b"x", vhost=place.vhost, headers=died("gone"))
    assert retries.step(timezone.now() + timedelta(seconds=5)) == 0
    lost.refresh_from_db()
    assert (lost.status, lost.retry.state) == ("parked", "left")
    assert "There is no queue “gone”" in lost.events.get().text


@broker
@stored
def test_two_looks_at_once_publish_once(place: Place) -> None:
    retries.save(by=BY, broker="default", vhost=place.vhost, source="orders", first_delay=1, is_on=True)
    one = arrive(place)
    later = timezone.now() + timedelta(seconds=5)
    assert retries.step(later) == 1
    # As if the worker had died between starting the operation and noting it.
    PlannedRetry.objects.update(state="waiting")
    retries.step(later)
    carry_out()
    one.refresh_from_db()
    assert (one.status, one.requeue_count, place.depth("orders")) == ("requeued", 1, 1)


@stored
def test_letters_with_smaller_ids_that_are_committed_late_are_seen() -> None:
    rule = retries.save(by=BY, broker="default", vhost="/", source="orders", is_on=True)
    now = timezone.now()
    late = letter(b"x", received_at=now)
    late_id = late.pk
    newer = letter(b"y", received_at=now)
    DeadLetter.objects.filter(pk=late_id).update(status="discarded")  # as if not there yet
    retries.step(now + timedelta(seconds=2))
    assert {item.letter_id for item in PlannedRetry.objects.all()} == {newer.pk}
    DeadLetter.objects.filter(pk=late_id).update(status="parked")
    retries.step(now + timedelta(seconds=3))
    assert {item.letter_id for item in PlannedRetry.objects.all()} == {newer.pk, late_id}
    retries.step(now + timedelta(seconds=100))
    rule.refresh_from_db()
    assert rule.seen == newer.pk


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"vhost": "/", "source": "a", "group": "b"},
        {"source": "a"},
        {"group": "g", "at_most": 0},
        {"group": "g", "first_delay": 0},
        {"group": "g", "factor": 0.5},
        {"group": "g", "first_delay": 100, "max_delay": 50},
    ],
)
@stored
def test_what_is_no_rule_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        retries.save(by=BY, broker="default", **values)
    assert not RetryRule.objects.exists()


@broker
@stored
def test_letters_of_an_imported_file_are_left_alone(place: Place) -> None:
    file = io.BytesIO(exporting.line(arrive(place, at=timezone.now() - timedelta(days=5))))
    DeadLetter.objects.all().delete()
    retries.save(by=BY, broker="default", vhost=place.vhost, source="orders", first_delay=1, is_on=True)
    assert importing.take(file=file, broker="default", by=BY).imported == 1
    captured = arrive(place)
    assert retries.step(timezone.now() + timedelta(seconds=2)) == 1
    assert PlannedRetry.objects.get().letter_id == captured.pk
