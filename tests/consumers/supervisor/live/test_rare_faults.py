"""What goes wrong once in a year: a clock put forward, output that is no text, lost pods, a start that hangs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError
from django.utils import timezone

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess
from consumers.supervisor import rows
from consumers.supervisor.loop import ORPHAN_S
from consumers.supervisor.reconcile import START_AT_ONCE, STARTING_MAX, Start
from tests.consumers.supervisor.conftest import SteppedSupervisor, is_alive
from tests.support.consumers import make_process

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_crash_after_output_that_is_no_text_is_told_and_waited_out(stepped: SteppedSupervisor) -> None:
    consumer = stepped.define("binary-a")
    row = stepped.until(lambda: ConsumerProcess.objects.filter(state="backoff").first())
    assert (row.crashes, row.state_reason) == (1, "exit 7: it crashed: \u2400no\u2400 luck")
    event = ConsumerEvent.objects.get(consumer=consumer, kind="crashed")
    assert event.detail == "ready\n\u2400no\u2400 luck"
    assert stepped.until(lambda: ConsumerProcess.objects.exclude(pk=row.pk).first()).crashes == 1


def test_a_crash_counts_once_though_it_cannot_be_told(
    stepped: SteppedSupervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_process: int, kind: str, *_rest: str) -> None:
        if kind == "crashed":
            raise DataError("no text")

    monkeypatch.setattr(rows, "event", refuse)
    stepped.define("crash-b")
    row = stepped.until(lambda: ConsumerProcess.objects.filter(state="backoff").first())
    again = stepped.until(lambda: ConsumerProcess.objects.exclude(pk=row.pk).first())
    row.refresh_from_db()
    assert (row.crashes, again.crashes) == (1, 1)


def test_a_database_whose_clock_is_put_forward_takes_no_host_its_processes(
    stepped: SteppedSupervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another server takes over whose clock is ahead: by it every lease is over."""
    consumer = stepped.define("calm-z", single=True)
    theirs = make_process(consumer, host="host-b", supervisor="host-b", lease_until=_ahead(10))
    stepped.supervisor.step()
    stepped.supervisor._trusted_since = timezone.now() - timedelta(hours=2)
    real, hosts = rows.database_now, rows.hosts

    monkeypatch.setattr(rows, "database_now", lambda: real() + timedelta(hours=1))
    monkeypatch.setattr(rows, "hosts", lambda _now: hosts(real()))  # which report by the new clock
    stepped.supervisor.step()
    theirs.refresh_from_db()
    assert (theirs.ended_at, ConsumerProcess.objects.count()) == (None, 1)

    # One that does not renew it from then on either is lost all the same.
    stepped.supervisor._trusted_since = timezone.now() - timedelta(hours=2)
    stepped.ready(consumer)
    theirs.refresh_from_db()
    assert theirs.state == "lost"


def test_those_that_hang_while_they_start_hold_up_no_other(stepped: SteppedSupervisor) -> None:
    """A handler's module may hang when it is imported: only so many start at the same moment."""
    for number in range(START_AT_ONCE):
        stepped.define(f"calm-{number}")
    stepped.until(lambda: ConsumerProcess.objects.filter(pid__isnull=False).count() == START_AT_ONCE)
    other = stepped.define("calm-v")
    stepped.supervisor.step()
    assert not other.processes.exists()
    ConsumerProcess.objects.update(started_at=timezone.now() - STARTING_MAX)
    stepped.ready(other)


def test_a_stop_before_it_listens_to_signals_is_no_signal_from_outside(stepped: SteppedSupervisor) -> None:
    row = stepped.ready(stepped.define("importing-a"))
    Consumer.objects.update(desired="stopped")
    stepped.until(lambda: ConsumerProcess.objects.filter(ended_at__isnull=False).exists())
    row.refresh_from_db()
    assert (row.state, row.exit_reason) == ("stopped", "stopped as asked, while it was starting")


def test_a_process_whose_place_was_given_away_has_the_time_that_its_definition_gives(
    stepped: SteppedSupervisor,
) -> None:
    row = stepped.ready(stepped.define("stubborn-v", stop_seconds=300))
    ConsumerProcess.objects.filter(pk=row.pk).update(ended_at=timezone.now())
    stepped.supervisor.step()
    child = stepped.supervisor._children[row.pk]
    assert child.stop_sent is not None
    child.stop_sent -= ORPHAN_S + 1
    stepped.supervisor.step()
    assert not child.kill_reason
    child.stop_sent -= 300
    stepped.until(lambda: not is_alive(row.pid))


def _ahead(seconds: float) -> Any:
    return rows.database_now() + timedelta(seconds=seconds)


def test_rows_of_pods_that_vanished_are_closed(stepped: SteppedSupervisor) -> None:
    consumer = stepped.define("calm-y", desired="stopped")
    long_ago = timezone.now() - timedelta(minutes=2)
    gone = make_process(consumer, supervisor="", host="pod-1", heartbeat_at=long_ago)
    there = make_process(consumer, supervisor="", host="pod-2")
    stepped.supervisor.step()
    gone.refresh_from_db()
    assert gone.ended_at is not None
    assert gone.exit_reason.startswith("ended without a word")
    assert ConsumerProcess.objects.get(ended_at=None) == there


def test_a_supervisor_starts_no_second_one_beside_one_started_by_hand(stepped: SteppedSupervisor) -> None:
    alone, many = stepped.define("calm-x", single=True), stepped.define("calm-w")
    for consumer in (alone, many):
        make_process(consumer, supervisor="", host="pod-1", replica=9)
    stepped.ready(many)
    assert not ConsumerProcess.objects.filter(consumer=alone).exclude(supervisor="").exists()
    [definition] = [item for item in rows.desired(timezone.now()) if item.consumer == alone.pk]
    assert rows.claim(Start(alone.pk, 0), definition, "host-b") is None

    ConsumerProcess.objects.filter(consumer=alone).update(ended_at=timezone.now())
    stepped.ready(alone)


# --- two supervisors of one name ---------------------------------------------------------------------------------
