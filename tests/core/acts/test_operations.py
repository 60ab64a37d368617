"""Operations: claimed once, stopped when told, taken up when orphaned, never lost with a nudge."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from mqadmin.celery import NUDGE_SECONDS, app
from mqadmin.core.acts import operations, progress
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.operations import Run
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.rabbit.errors import NoResponse, Unroutable
from tests.core.conftest import HX, SignIn
from tests.support.waiting import patient

ANN = Actor("ann")
Register = Callable[..., None]


@pytest.fixture
def runs_as(monkeypatch: pytest.MonkeyPatch) -> Register:
    """A function that makes its argument the runner of operations of kind "test"."""
    kinds = dict(operations._kinds)
    monkeypatch.setattr(operations, "_kinds", kinds)

    def register(function: Callable[[Run], None], **options: Callable[[Operation], None]) -> None:
        operations.runner("test", **options)(function)

    return register


def make(**values: object) -> Operation:
    return Operation.objects.create(**{"kind": "test", "created_by": "ann", "total": 10, **values})


def expire(operation: Operation) -> None:
    Operation.objects.filter(pk=operation.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_run_counts_stores_problems_and_ends(db: None, runs_as: Register) -> None:
    def run(it: Run) -> None:
        it.progress(done=4)
        it.problem("letter 7", "no queue is bound")
        it.progress(done=5, failed=1)

    runs_as(run)
    operation = make()
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.done, operation.failed) == ("done", 9, 1)
    assert (operation.lease_owner, operation.lease_until) == ("", None)
    assert operation.finished_at is not None
    assert [problem.reason for problem in operation.problems.all()] == ["no queue is bound"]
    assert not operations.execute(operation.pk)


def test_two_workers_at_once_run_it_once(transactional_db: None, runs_as: Register) -> None:
    started: list[str] = []
    tried = threading.Barrier(4)

    def hold(it: Run) -> None:
        started.append(it.holder)
        tried.wait(patient(10))  # while the others try

    runs_as(hold)
    operation = make()

    def work(_number: int) -> bool:
        try:
            won = operations.execute(operation.pk)
            if not won:
                tried.wait(patient(10))
            return won
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 1
    assert len(started) == 1


def test_an_orphan_is_taken_up_where_it_stopped(db: None, runs_as: Register) -> None:
    cursors: list[dict[str, object]] = []

    def run(it: Run) -> None:
        cursors.append(it.cursor)
        if not it.cursor:
            it.progress(done=3)
            it.save_cursor({"after": 3})
            raise OperationalError("the worker's database went away")
        it.progress(done=7)

    runs_as(run)
    operation = make(params={"ids": [1]})
    with pytest.raises(OperationalError):
        operations.execute(operation.pk)
    assert operations.orphans() == []  # its lease still stands
    assert not operations.execute(operation.pk)
    expire(operation)
    assert operations.orphans() == [operation.pk]
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.done, cursors) == ("done", 10, [{}, {"after": 3}])
    assert operation.params["ids"] == [1]
    assert Run(operation, "x").params == {"ids": [1]}


def test_who_lost_its_lease_may_not_write_any_more(db: None) -> None:
    operation = make(status="running", lease_owner="other", lease_until=timezone.now())
    run = Run(operation, "me")
    for act in (run.checkpoint, lambda: run.progress(done=1), lambda: run.save_cursor({"a": 1})):
        with pytest.raises(operations.Stopped):
            act()
    operation.refresh_from_db()
    assert (operation.done, operation.params) == (0, {})


def test_pause_stops_it_after_the_batch_and_resume_goes_on(db: None, runs_as: Register) -> None:
    def run(it: Run) -> None:
        if not it.cursor:
            it.save_cursor({"n": 1})
            operations.pause(operation=Operation.objects.get(pk=it.operation.pk), by=ANN)
            it.progress(done=4)  # the batch that was in hand still counts
            it.checkpoint()
        it.progress(done=6)

    runs_as(run)
    operation = make()
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.done, operation.lease_owner) == ("paused", 4, "")
    assert operations.orphans() == []
    operations.resume(operation=operation, by=ANN)
    assert operations.orphans() == [operation.pk]
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.done) == ("done", 10)


def test_cancel_wins_and_what_it_held_is_given_back(db: None, runs_as: Register) -> None:
    released: list[int] = []

    def run(it: Run) -> None:
        operations.cancel(operation=Operation.objects.get(pk=it.operation.pk), by=ANN)
        assert released == []  # it is in hand: the worker gives back, after its batch
        it.checkpoint()

    runs_as(run, cancelled=lambda operation: released.append(operation.pk))
    operation = make()
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, released) == ("cancelled", [operation.pk])
    assert not operations.execute(operation.pk)


def test_cancelling_what_nobody_has_in_hand_gives_back_at_once(db: None, runs_as: Register) -> None:
    released: list[int] = []
    runs_as(lambda it: None, cancelled=lambda operation: released.append(operation.pk))
    operation = make()
    operations.cancel(operation=operation, by=ANN)
    assert released == [operation.pk]
    with pytest.raises(Refusal, match="cancelled"):
        operations.cancel(operation=operation, by=ANN)
    assert [entry.outcome for entry in AuditEntry.objects.all()] == ["refused", "done"]


def test_a_cancelled_orphan_is_given_back_by_whoever_looks(db: None, runs_as: Register) -> None:
    released: list[int] = []
    runs_as(lambda it: None, cancelled=lambda operation: released.append(operation.pk))
    operation = make(status="cancelled", lease_owner="dead", lease_until=timezone.now())
    assert operations.orphans() == []
    assert released == [operation.pk]
    operations.orphans()
    assert released == [operation.pk]


def test_a_broker_that_is_gone_leaves_it_open_with_the_reason(db: None, runs_as: Register) -> None:
    def run(it: Run) -> None:
        raise NoResponse("127.0.0.1:1 cannot be reached.")

    runs_as(run)
    operation = make()
    operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.error) == ("pending", "127.0.0.1:1 cannot be reached.")
    assert operations.orphans() == []  # not at once again
    expire(operation)
    assert operations.orphans() == [operation.pk]


@pytest.mark.parametrize("error", [Unroutable("no queue is bound"), ValueError("a bug")])
def test_any_other_exception_fails_it_with_its_words(db: None, runs_as: Register, error: Exception) -> None:
    def run(it: Run) -> None:
        it.problem("letter 1", "first")
        raise error

    runs_as(run)
    operation = make()
    operations.execute(operation.pk)
    operation.refresh_from_db()
    assert operation.status == "failed"
    assert str(error) in operation.error
    assert operation.problems.count() == 1


def test_a_kind_nobody_knows_fails_in_words(db: None) -> None:
    operation = make(kind="gone")
    operations.execute(operation.pk)
    operation.refresh_from_db()
    assert operation.status == "failed"
    assert "no runner" in operation.error


def test_problems_are_kept_up_to_a_limit(
    db: None, runs_as: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mqadmin.core.acts.run.PROBLEM_LIMIT", 3)

    def run(it: Run) -> None:
        for number in range(5):
            it.problem(str(number), "x")
            it.progress(failed=1)

    runs_as(run)
    operation = make()
    operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.failed, operation.problems.count()) == (5, 3)


def test_rate_and_time_left(db: None) -> None:
    now = timezone.now()
    operation = make(status="running", total=100, done=18, failed=2, started_at=now - timedelta(seconds=10))
    assert progress.rate(operation, now) == pytest.approx(2.0)
    assert progress.eta_seconds(operation, now) == pytest.approx(40.0)
    operation.params = {
        "run": {"at": (now - timedelta(seconds=2)).timestamp(), "handled": 10}
    }  # after a pause
    assert progress.rate(operation, now) == pytest.approx(5.0)
    operation.status = "paused"
    assert progress.rate(operation, now) is None
    assert progress.eta_seconds(make()) is None
    assert progress.rate(make()) is None


@pytest.mark.any_database
@pytest.mark.parametrize("hole", ["refuses", "says nothing"])
def test_a_nudge_that_cannot_be_delivered_is_quick_and_harmless(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, hole: str
) -> None:
    """With Celery's own patience, here an hour, nobody would wait for its end."""
    assert NUDGE_SECONDS <= 1
    monkeypatch.setitem(app.conf, "broker_connection_timeout", 3600)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = 1 if hole == "refuses" else listener.getsockname()[1]
        monkeypatch.setattr(app.conf, "broker_url", f"amqp://guest:guest@127.0.0.1:{port}//")
        operation = operations.start(kind="test", by=ANN, broker="b", summary="s", params={}, total=1)
    assert operations.orphans() == [operation.pk]


def test_the_page_follows_a_running_operation_and_rests_after_it(sign_in: SignIn) -> None:
    operation = make(status="running", done=4, summary="<b>Requeue</b>")
    client = sign_in("operator")
    page = client.get(f"/operations/{operation.pk}/").text
    assert "data-live" in page.partition('id="operation"')[2][:40]
    assert "&lt;b&gt;Requeue" in page
    Operation.objects.update(status="done")
    fragment = client.get(f"/operations/{operation.pk}/", headers=HX).text
    assert fragment.startswith('<div id="operation"')
    assert "data-live" not in fragment


def test_a_person_pauses_resumes_and_cancels(sign_in: SignIn) -> None:
    operation = make(status="running")
    client = sign_in("operator")
    for change, status in (("pause", "paused"), ("resume", "pending"), ("cancel", "cancelled")):
        response = client.post(f"/operations/{operation.pk}/{change}/", headers=HX)
        assert response.status_code == 204
        assert "mqadmin:acted" in response["HX-Trigger"]
        operation.refresh_from_db()
        assert operation.status == status
    late = client.post(f"/operations/{operation.pk}/pause/", headers=HX)
    assert late.status_code == 409
    assert "cannot be paused" in late["HX-Trigger"]
    entries = AuditEntry.objects.filter(actor="operator").order_by("id")
    assert [(entry.action, entry.outcome) for entry in entries] == [
        ("operation.pause", "done"),
        ("operation.resume", "done"),
        ("operation.cancel", "done"),
        ("operation.pause", "refused"),
    ]


def test_without_script_the_button_is_a_form_that_returns(sign_in: SignIn) -> None:
    operation = make(status="running")
    response = sign_in("operator").post(f"/operations/{operation.pk}/pause/", follow=True)
    assert response.redirect_chain == [(f"/operations/{operation.pk}/", 302)]
    assert "Paused after the batch in hand." in response.text
