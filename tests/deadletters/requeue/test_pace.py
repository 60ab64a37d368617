"""Pace, hold and control of a requeue, on a real broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mqadmin.core.acts import operations, progress
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.operations import Run
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import claims, requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.requeue.requeue import Care
from mqadmin.deadletters.search import selection
from tests.deadletters.conftest import Place, in_thread_database
from tests.deadletters.factories import letter
from tests.deadletters.listeners import holding
from tests.support.processes import killed_at
from tests.support.waiting import patient, wait_until


@pytest.fixture
def some_letters(place: Place, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    return lambda count: [letter(b"x", vhost=place.vhost).pk for _ in range(count)]


def start(ids: list[int], by: Actor, **care: Any) -> Operation:
    chosen = selection.some("default", ids)
    return requeue.start(selection=chosen, to=To(), by=by, care=Care(**care))


Letters = Callable[[int], list[int]]
broker = pytest.mark.broker
stored = pytest.mark.django_db(transaction=True)


@broker
@stored
def test_a_rate_is_kept(
    place: Place, by: Actor, some_letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation, rests, rest = start(some_letters(21), by, rate=20), [], Run.rest

    def noted(run: Run, seconds: float) -> None:
        rests.append(seconds)
        rest(run, seconds)

    monkeypatch.setattr(Run, "rest", noted)
    begun = time.monotonic()
    assert operations.execute(operation.pk)
    took = time.monotonic() - begun
    operation.refresh_from_db()
    assert (operation.status, operation.done, operation.rate_limit) == ("done", 21, 20)
    assert took >= 0.75  # 20 a second, the first five at once
    assert sum(rests) <= 21 / 20, "nor is it slower by its own will"
    assert place.depth("orders") == 21


@broker
@stored
def test_a_slow_one_stops_within_a_moment_when_it_is_paused_and_tells_how_long_it_takes(
    place: Place, by: Actor, some_letters: Letters
) -> None:
    operation = start(some_letters(40), by, rate=4)

    def work() -> None:
        with in_thread_database():
            operations.execute(operation.pk)

    worker = threading.Thread(target=work)
    begun = time.monotonic()
    worker.start()

    def seen() -> Operation:
        return Operation.objects.get(pk=operation.pk)

    wait_until(lambda: seen().done >= 3, timeout=10, what="three letters to go")
    now_seen = seen()
    left, done = progress.eta_seconds(now_seen) or 0, now_seen.done
    # The first went at once, the others 4 a second at the most; all took no longer than the test until now.
    fastest, slowest = (done - 1) / 4 / done, (time.monotonic() - begun) / done
    assert (40 - done) * fastest <= left <= (40 - done) * slowest
    operations.pause(operation=Operation.objects.get(pk=operation.pk), by=by)
    paused_at = seen().done
    worker.join(patient(30))
    assert not worker.is_alive()
    operation.refresh_from_db()
    assert operation.done <= paused_at + 1, "the one that was on its way, at four a second"
    assert (operation.status, operation.done) == ("paused", place.depth("orders"))
    assert not claims.outstanding(operation).exists()
    operations.cancel(operation=operation, by=by)
    assert DeadLetter.objects.filter(status="parked").count() == 40 - operation.done


@broker
@stored
def test_while_it_is_held_nobody_takes_it_up_and_undone_nothing_was_published(
    place: Place, by: Actor, some_letters: Letters
) -> None:
    operation = start(some_letters(3), by, hold_seconds=60)
    assert operation.phase == "held"
    assert operations.orphans() == []
    assert not operations.execute(operation.pk)
    operations.cancel(operation=operation, by=by)
    operation.refresh_from_db()
    assert (operation.status, operation.started_at, operation.phase) == ("cancelled", None, "")
    assert place.depth("orders") == 0
    assert DeadLetter.objects.filter(status="parked", requeue_count=0).count() == 3


@broker
@stored
def test_a_hold_that_is_over_begins_by_itself_also_after_a_pause(
    place: Place, by: Actor, some_letters: Letters
) -> None:
    operation = start(some_letters(3), by, hold_seconds=60)
    operations.pause(operation=operation, by=by)
    operations.resume(operation=operation, by=by)
    assert not operations.execute(operation.pk)  # the pause did not shorten it
    Operation.objects.filter(pk=operation.pk).update(not_before=timezone.now() - timedelta(seconds=1))
    assert operations.orphans() == [operation.pk]
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.phase, place.depth("orders")) == ("done", "", 3)
    with pytest.raises(Refusal):
        operations.cancel(operation=operation, by=by)


@broker
@stored
@pytest.mark.processes
def test_killed_with_a_rate_and_steps_it_goes_on_where_it_was(
    place: Place, by: Actor, some_letters: Letters, process_environ: dict[str, str]
) -> None:
    operation = start(some_letters(30), by, rate=40, canary_seconds=60, canary_steps=(25,))
    with holding(place):
        execute = f"from mqadmin.core.acts import operations; operations.execute({operation.pk})"
        target = "mqadmin.deadletters.requeue.requeue:_mark"
        with killed_at(process_environ, target, "before", 2, "shell", "--command", execute) as dead:
            assert dead.wait(patient(60)) == -9
        operation.refresh_from_db()
        assert (operation.status, operation.done) == ("running", 10)
        Operation.objects.filter(pk=operation.pk).update(lease_until=timezone.now())
        begun = time.monotonic()
        assert operations.execute(operation.pk)
        operation.refresh_from_db()
        assert (operation.done, operation.phase) == (25, "watching")  # the step did not grow
        assert time.monotonic() - begun >= 0.2  # nor did it hurry: ten more after the ten in doubt
    place.wait_depth("orders", 35)
    copies = [place.take("orders").headers["mqadmin-requeue-id"] for _ in range(place.depth("orders"))]
    assert (len(copies), len(set(copies))) == (35, 25)  # the ten in doubt twice, under the same ids


@broker
@stored
def test_the_page_counts_down_and_offers_to_undo(
    place: Place, by: Actor, some_letters: Letters, client: Client
) -> None:
    user = User.objects.create_user("olga", password="x")
    user.groups.add(Group.objects.get(name="operator"))
    client.force_login(user)
    operation = start(some_letters(2), by, hold_seconds=60, rate=7)
    for path in (reverse("operation_detail", args=[operation.pk]), reverse("letter_list")):
        page = client.get(path).content.decode()
        assert "Undo" in page
        assert "begins in" in page
        assert reverse("operation_cancel", args=[operation.pk]) in page
    listed = client.get(reverse("operation_list")).content.decode()
    assert "held: it can be undone" in listed
    assert "waiting for a worker" not in listed
    answer = client.post(reverse("operation_cancel", args=[operation.pk]), follow=True)
    page = answer.content.decode()
    assert "cancelled" in page
    assert "Undo" not in page
