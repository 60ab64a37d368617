"""What goes wrong once in a year: two of one name, a clock put forward, output that is no text, lost pods."""

from __future__ import annotations

import socket
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.db import DataError
from django.utils import timezone

from consumers.management.commands.run_supervisor import _NAME
from consumers.models import Consumer, ConsumerEvent, ConsumerProcess, SupervisorHost
from consumers.supervisor import rows
from consumers.supervisor.loop import ORPHAN_S, STARTING_MAX
from consumers.supervisor.machine import spawn
from consumers.supervisor.machine.lock import AlreadySupervised
from consumers.supervisor.reconcile import START_AT_ONCE, Start
from consumers.supervisor.rows import Identity
from tests.consumers.supervisor.conftest import Define, House, Launch, is_alive
from tests.support.consumers import make_process
from tests.support.waiting import patient, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_crash_after_output_that_is_no_text_is_told_and_waited_out(house: House) -> None:
    consumer = house.define("binary-a")
    row = house.until(lambda: ConsumerProcess.objects.filter(state="backoff").first())
    assert (row.crashes, row.state_reason) == (1, "exit 7: it crashed: \u2400no\u2400 luck")
    event = ConsumerEvent.objects.get(consumer=consumer, kind="crashed")
    assert event.detail == "ready\n\u2400no\u2400 luck"
    assert house.until(lambda: ConsumerProcess.objects.exclude(pk=row.pk).first()).crashes == 1


def test_a_crash_counts_once_though_it_cannot_be_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_process: int, kind: str, *_rest: str) -> None:
        if kind == "crashed":
            raise DataError("no text")

    monkeypatch.setattr(rows, "event", refuse)
    house.define("crash-b")
    row = house.until(lambda: ConsumerProcess.objects.filter(state="backoff").first())
    again = house.until(lambda: ConsumerProcess.objects.exclude(pk=row.pk).first())
    row.refresh_from_db()
    assert (row.crashes, again.crashes) == (1, 1)


def test_a_database_whose_clock_is_put_forward_takes_no_host_its_processes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another server takes over whose clock is ahead: by it every lease is over."""
    consumer = house.define("calm-z", single=True)
    theirs = make_process(consumer, host="host-b", supervisor="host-b", lease_until=_ahead(10))
    house.supervisor.step()
    house.supervisor._trusted_since = timezone.now() - timedelta(hours=2)
    real, hosts = rows.database_now, rows.hosts

    monkeypatch.setattr(rows, "database_now", lambda: real() + timedelta(hours=1))
    monkeypatch.setattr(rows, "hosts", lambda _now: hosts(real()))  # which report by the new clock
    house.supervisor.step()
    theirs.refresh_from_db()
    assert (theirs.ended_at, ConsumerProcess.objects.count()) == (None, 1)

    # One that does not renew it from then on either is lost all the same.
    house.supervisor._trusted_since = timezone.now() - timedelta(hours=2)
    house.ready(consumer)
    theirs.refresh_from_db()
    assert theirs.state == "lost"


def test_those_that_hang_while_they_start_hold_up_no_other(house: House) -> None:
    """A handler's module may hang when it is imported: only so many start at the same moment."""
    for number in range(START_AT_ONCE):
        house.define(f"calm-{number}")
    house.until(lambda: ConsumerProcess.objects.filter(pid__isnull=False).count() == START_AT_ONCE)
    other = house.define("calm-v")
    house.supervisor.step()
    assert not other.processes.exists()
    ConsumerProcess.objects.update(started_at=timezone.now() - STARTING_MAX)
    house.ready(other)


def test_a_stop_before_it_listens_to_signals_is_no_signal_from_outside(house: House) -> None:
    row = house.ready(house.define("importing-a"))
    Consumer.objects.update(desired="stopped")
    house.until(lambda: ConsumerProcess.objects.filter(ended_at__isnull=False).exists())
    row.refresh_from_db()
    assert (row.state, row.exit_reason) == ("stopped", "stopped as asked, while it was starting")


def test_a_process_whose_place_was_given_away_has_the_time_that_its_definition_gives(house: House) -> None:
    row = house.ready(house.define("stubborn-v", stop_seconds=300))
    ConsumerProcess.objects.filter(pk=row.pk).update(ended_at=timezone.now())
    house.supervisor.step()
    child = house.supervisor._children[row.pk]
    assert child.stop_sent is not None
    child.stop_sent -= ORPHAN_S + 1
    house.supervisor.step()
    assert not child.kill_reason
    child.stop_sent -= 300
    house.until(lambda: not is_alive(row.pid))


def _ahead(seconds: float) -> Any:
    return rows.database_now() + timedelta(seconds=seconds)


def test_rows_of_pods_that_vanished_are_closed(house: House) -> None:
    consumer = house.define("calm-y", desired="stopped")
    long_ago = timezone.now() - timedelta(minutes=2)
    gone = make_process(consumer, supervisor="", host="pod-1", heartbeat_at=long_ago)
    there = make_process(consumer, supervisor="", host="pod-2")
    house.supervisor.step()
    gone.refresh_from_db()
    assert gone.ended_at is not None
    assert gone.exit_reason.startswith("ended without a word")
    assert ConsumerProcess.objects.get(ended_at=None) == there


def test_a_supervisor_starts_no_second_one_beside_one_started_by_hand(house: House) -> None:
    alone, many = house.define("calm-x", single=True), house.define("calm-w")
    for consumer in (alone, many):
        make_process(consumer, supervisor="", host="pod-1", replica=9)
    house.ready(many)
    assert not ConsumerProcess.objects.filter(consumer=alone).exclude(supervisor="").exists()
    [definition] = [item for item in rows.desired(timezone.now()) if item.consumer == alone.pk]
    assert rows.claim(Start(alone.pk, 0), definition, "host-b") is None

    ConsumerProcess.objects.filter(consumer=alone).update(ended_at=timezone.now())
    house.ready(alone)


# --- two supervisors of one name ---------------------------------------------------------------------------------


def test_one_whose_name_another_took_gives_up(house: House) -> None:
    house.supervisor.step()
    assert rows.present(Identity(name="host-a", pid=1, machine="clone")) is None
    house.supervisor._heartbeat_due = time.monotonic() - 1
    with pytest.raises(AlreadySupervised, match="machine clone, pid 1"):
        house.supervisor.step()
    assert SupervisorHost.objects.get().pid == 1
    rows.absent(house.supervisor.me)
    assert SupervisorHost.objects.get().pid == 1, "it is the other's now"


@pytest.mark.processes
@pytest.mark.broker
def test_a_second_of_the_same_name_elsewhere_is_refused(
    launch: Launch, define: Define, tmp_path: Path
) -> None:
    """Containers and clones of a machine may share a host name; each has a folder, and so a lock, of its own."""
    first = launch("twin")
    consumer = define("only", single=True)
    row = wait_until(lambda: consumer.processes.filter(state="running").first(), 30)

    second = launch("twin", wait=False, MQADMIN_VAR=str(tmp_path / "var"))
    _out, said = second.communicate(timeout=patient(40))

    assert second.returncode != 0
    assert b"Another supervisor named twin works on this database" in said
    assert [found.pk for found in Consumer.objects.get().processes.all()] == [row.pk]
    assert SupervisorHost.objects.get().pid == first.pid


@pytest.mark.parametrize("name", ["", " ", "a/b", "..", "x" * 101, "a b", "a:b", "a\n"])
def test_a_name_that_no_page_could_show_is_refused(name: str) -> None:
    """An empty one, as of a variable that is not set, is that of processes no supervisor started."""
    with pytest.raises(CommandError, match="is no name for a host"):
        call_command("run_supervisor", name=name)


def test_names_of_hosts_are_names() -> None:
    assert all(
        _NAME.fullmatch(name) for name in ("a", socket.gethostname(), "web-1.example.com", "ä_1", "x" * 100)
    )


@pytest.mark.parametrize("name", ["orders", "-v", "--wait"])
def test_a_consumer_whose_name_looks_like_an_option_can_be_run(name: str) -> None:
    _python, _manage, command, *arguments = spawn.command(name, 7)
    parser = load_command_class("consumers", command).create_parser("manage.py", command)
    found = parser.parse_args(arguments)
    assert (found.name, found.process, found.wait, found.verbose) == (name, 7, False, False)
