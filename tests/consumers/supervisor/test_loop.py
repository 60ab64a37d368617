from __future__ import annotations

import os
import signal
import sqlite3
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess, SupervisorHost
from consumers.supervisor import children, rows
from consumers.supervisor.machine import output, spawn
from consumers.supervisor.machine.wake import Wake
from mqadmin.up.runner import STOP_SECONDS
from tests.consumers.supervisor.conftest import SteppedSupervisor, is_alive, nudge
from tests.support.waiting import patient, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_starts_every_replica_once_and_scales(stepped: SteppedSupervisor) -> None:
    consumer = stepped.define("calm-a", replicas=2)
    first, second = stepped.ready(consumer, 0), stepped.ready(consumer, 1)
    stepped.supervisor.step()
    assert ConsumerProcess.objects.count() == 2

    Consumer.objects.update(replicas=1)
    stepped.until(lambda: not stepped.process(consumer, 1))

    assert is_alive(first.pid)
    assert not is_alive(second.pid)
    second.refresh_from_db()
    assert (second.state, second.exit_reason) == ("stopped", "stopped as asked")


def test_crash_is_shown_with_its_last_words_and_started_again_after_the_backoff(
    stepped: SteppedSupervisor,
) -> None:
    began = timezone.now()
    consumer = stepped.define("crash-a")
    row = stepped.until(lambda: ConsumerProcess.objects.filter(state="backoff").first())
    assert (row.crashes, row.early_deaths) == (1, 1)
    assert row.state_reason == "exit 7: it crashed: no luck today"
    assert row.next_start_at - began > timedelta(seconds=0.9), "a wait of about one second from its end"

    again = stepped.until(lambda: ConsumerProcess.objects.exclude(pk=row.pk).first())
    row.refresh_from_db()
    assert row.ended_at >= row.next_start_at
    assert (again.restarts, again.crashes) == (1, 1)
    assert ConsumerEvent.objects.filter(consumer=consumer, kind="crashed").exists()


def test_configuration_error_waits_for_a_person(stepped: SteppedSupervisor) -> None:
    consumer = stepped.define("misconfigured-a")
    row = stepped.until(lambda: ConsumerProcess.objects.filter(state="failed").first())
    stepped.supervisor.step()
    assert ConsumerProcess.objects.count() == 1

    nudge(consumer)
    stepped.until(lambda: ConsumerProcess.objects.filter(state="failed").exclude(pk=row.pk).first())


def test_kill_of_a_process_is_told_and_it_is_replaced(stepped: SteppedSupervisor) -> None:
    consumer = stepped.define("calm-b")
    row = stepped.ready(consumer)
    os.kill(row.pid or 0, signal.SIGKILL)
    held = stepped.until(lambda: ConsumerProcess.objects.filter(state="backoff").first())
    assert held.state_reason == "exit 137: killed from outside (SIGKILL)"
    assert stepped.until(lambda: ConsumerProcess.objects.filter(ended_at=None).exclude(pk=row.pk).first())


def test_stop_deadline_kills_the_whole_group(stepped: SteppedSupervisor) -> None:
    consumer = stepped.define("stubborn-a", stop_seconds=0.2)
    row = stepped.ready(consumer)
    grandchild = int((output.tail(row.pk) or "").split()[1])

    Consumer.objects.update(desired="stopped")
    stepped.until(lambda: not stepped.process(consumer))

    assert not is_alive(row.pid)
    wait_until(lambda: not is_alive(grandchild))
    row.refresh_from_db()
    assert row.state == "stopped"
    assert row.exit_reason.startswith("killed: it had not stopped after")
    assert row.crashes == 0


def test_kill_request_does_not_wait_for_the_deadline(stepped: SteppedSupervisor) -> None:
    consumer = stepped.define("stubborn-b", stop_seconds=300)
    row = stepped.ready(consumer)
    Consumer.objects.update(desired="stopped")
    stepped.until(lambda: ConsumerProcess.objects.get(pk=row.pk).stop_requested_at)
    ConsumerProcess.objects.update(kill_requested_at=timezone.now())
    stepped.until(lambda: not stepped.process(consumer))
    assert not is_alive(row.pid)


def test_restart_is_done_only_when_asked(stepped: SteppedSupervisor) -> None:
    consumer = stepped.define("calm-c")
    row = stepped.ready(consumer)
    Consumer.objects.update(revision=2)
    stepped.supervisor.step()
    assert stepped.process(consumer) == row
    assert row.revision == 1

    nudge(consumer)
    new = stepped.until(lambda: ConsumerProcess.objects.exclude(pk=row.pk).first())
    assert (new.revision, new.restarts, new.crashes) == (2, 1, 0)
    assert not is_alive(row.pid)


def test_stop_and_start_in_one_breath_leaves_one_process(stepped: SteppedSupervisor) -> None:
    consumer = stepped.define("calm-d")
    row = stepped.ready(consumer)
    Consumer.objects.update(desired="stopped")
    nudge(consumer, desired="running")
    new = stepped.until(lambda: ConsumerProcess.objects.exclude(pk=row.pk).filter(pid__isnull=False).first())
    assert not is_alive(row.pid)
    assert is_alive(new.pid)
    assert len(spawn.survivors()) == 1


def test_a_consumer_that_cannot_be_started_holds_up_no_other(stepped: SteppedSupervisor) -> None:
    def command(name: str, process_id: int) -> list[str]:
        if name.startswith("broken"):
            return ["/nonexistent/program"]
        return original(name, process_id)

    original = stepped.supervisor._command
    stepped.supervisor._command = command
    stepped.define("broken-a")
    calm = stepped.define("calm-e")
    stepped.ready(calm)
    row = ConsumerProcess.objects.get(consumer__name="broken-a", ended_at=None)
    assert row.state == "backoff"
    assert row.state_reason == "cannot be started: No such file or directory"


def test_next_supervisor_adopts_and_starts_no_second_copy(stepped: SteppedSupervisor) -> None:
    consumer = stepped.define("calm-f")
    row = stepped.ready(consumer)

    after = SteppedSupervisor()
    after.supervisor.step()
    after.supervisor.step()

    assert ConsumerProcess.objects.count() == 1
    assert list(spawn.survivors()) == [row.pk]
    Consumer.objects.update(desired="stopped")
    after.until(lambda: not after.process(consumer))
    assert not is_alive(row.pid)


def test_adopts_a_process_whose_pid_was_never_noted(stepped: SteppedSupervisor) -> None:
    row = stepped.ready(stepped.define("calm-g"))
    ConsumerProcess.objects.update(pid=None, pid_created=None)
    SteppedSupervisor().supervisor.step()
    adopted = ConsumerProcess.objects.get()
    assert adopted.pid == row.pid
    assert adopted.pid_created is not None


def test_a_reused_pid_is_not_mistaken_for_the_process(stepped: SteppedSupervisor) -> None:
    stepped.define("calm-h")
    ConsumerProcess.objects.create(
        consumer=Consumer.objects.get(),
        host="host-a",
        supervisor="host-a",
        state="running",
        state_since=timezone.now(),
        pid=os.getpid(),
        pid_created=1.0,
    )
    new = stepped.until(lambda: ConsumerProcess.objects.filter(state="starting").first())
    old = ConsumerProcess.objects.exclude(pk=new.pk).get()
    assert (old.state, old.exit_reason) == ("lost", "ended while no supervisor was watching")
    assert new.crashes == 1


def test_process_of_a_deleted_definition_is_stopped(stepped: SteppedSupervisor) -> None:
    consumer = stepped.define("calm-i")
    row = stepped.ready(consumer)
    consumer.delete()
    stepped.until(lambda: not is_alive(row.pid))


def test_two_hosts_never_run_the_same_replica(stepped: SteppedSupervisor) -> None:
    consumer = stepped.define("calm-j", replicas=3)
    other = SteppedSupervisor("host-b")
    failures: list[BaseException] = []

    def race() -> None:
        try:
            for _ in range(5):
                other.supervisor.step()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=race)
    thread.start()
    for _ in range(5):
        stepped.supervisor.step()
    thread.join()

    assert not failures
    assert sorted(consumer.processes.values_list("replica", flat=True)) == [0, 1, 2]
    assert len(spawn.survivors()) == 3


def test_takes_over_from_a_host_that_is_gone(stepped: SteppedSupervisor) -> None:
    consumer = stepped.define("calm-k")
    long_ago = timezone.now() - timedelta(minutes=5)
    gone = ConsumerProcess.objects.create(
        consumer=consumer,
        host="host-x",
        supervisor="host-x",
        state="running",
        state_since=long_ago,
        started_at=long_ago,
        heartbeat_at=long_ago,
        pid=1,
        pid_created=1.0,
    )
    SupervisorHost.objects.create(name="host-x", pid=1, started_at=long_ago, heartbeat_at=long_ago)
    stepped.supervisor.step()  # whoever lives has the time to renew its lease first
    assert stepped.process(consumer) == gone
    stepped.supervisor._trusted_since = long_ago
    stepped.ready(consumer)
    gone.refresh_from_db()
    assert gone.state == "lost"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="locks the SQLite file")
def test_waits_out_a_locked_database(stepped: SteppedSupervisor) -> None:
    row = stepped.ready(stepped.define("calm-l"))
    supervisor = stepped.supervisor
    before = supervisor._trusted_since
    lock = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    connection.cursor().execute("PRAGMA busy_timeout = 50")
    supervisor._heartbeat_due = 0
    assert supervisor._guarded(supervisor._look_and_step) is None
    os.kill(row.pid or 0, signal.SIGKILL)
    lock.execute("ROLLBACK")
    lock.close()

    assert supervisor._guarded(supervisor._look_and_step) is not None
    assert supervisor._trusted_since != before
    assert stepped.until(lambda: ConsumerProcess.objects.filter(state="backoff").first()) == row


def test_the_version_changes_with_everything_a_supervisor_must_act_on(stepped: SteppedSupervisor) -> None:
    consumer = stepped.define("calm-m")
    stepped.ready(consumer)
    seen = {rows.version()}
    Consumer.objects.update(desired="paused")
    seen.add(rows.version())
    nudge(consumer)
    seen.add(rows.version())
    Consumer.objects.update(replicas=2)
    seen.add(rows.version())
    ConsumerProcess.objects.update(kill_requested_at=timezone.now())
    seen.add(rows.version())
    ConsumerProcess.objects.update(next_start_at=timezone.now())
    seen.add(rows.version())
    assert len(seen) == 6


def test_one_started_by_hand_is_left_alone_but_can_be_killed(stepped: SteppedSupervisor) -> None:
    import socket
    import subprocess

    import psutil

    consumer = stepped.define("calm-n", desired="stopped")
    hand = subprocess.Popen(["sleep", "600"], start_new_session=True)
    row = ConsumerProcess.objects.create(
        consumer=consumer,
        host=socket.gethostname(),
        state="running",
        state_since=timezone.now(),
        pid=hand.pid,
        pid_created=psutil.Process(hand.pid).create_time(),
    )
    stepped.supervisor.step()
    assert hand.poll() is None
    ConsumerProcess.objects.update(kill_requested_at=timezone.now())
    stepped.supervisor.step()
    assert hand.wait(patient(5)) == -signal.SIGKILL
    row.refresh_from_db()
    assert row.state == "stopped"


def test_stopping_everything_kills_what_does_not_stop(stepped: SteppedSupervisor) -> None:
    calm, stubborn = stepped.define("calm-p"), stepped.define("stubborn-c", stop_seconds=0.3)
    rows_ = [stepped.ready(calm), stepped.ready(stubborn)]
    wake = Wake()
    try:
        stepped.supervisor.finish(wake, stop_consumers=True)
    finally:
        wake.close()
    assert not any(is_alive(row.pid) for row in rows_)
    ended = dict(ConsumerProcess.objects.values_list("consumer__name", "exit_reason"))
    assert ended["calm-p"] == "stopped with the supervisor (stopped as asked)"
    assert "killed: it had not stopped" in ended["stubborn-c"]
    assert not ConsumerProcess.objects.filter(ended_at=None).exists()
    assert not SupervisorHost.objects.exists()
    assert set(Consumer.objects.values_list("desired", flat=True)) == {"running"}


def test_stopping_everything_is_over_before_make_up_kills_the_supervisor(
    stepped: SteppedSupervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gives up one second after EXIT_S, whatever a consumer's own `stop_seconds` are."""
    assert children.EXIT_S + 1 <= STOP_SECONDS - 0.5
    monkeypatch.setattr(children, "EXIT_S", 1.0)
    row = stepped.ready(stepped.define("stubborn-s", stop_seconds=3600))
    wake = Wake()
    try:
        stepped.supervisor.finish(wake, stop_consumers=True)
    finally:
        wake.close()
    assert not is_alive(row.pid)
    row.refresh_from_db()
    assert (row.state, row.ended_at is None) == ("stopped", False), "else it would be taken for lost"


def test_a_signal_ends_the_wait_at_once(stepped: SteppedSupervisor) -> None:
    wake = Wake()
    try:
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        assert wake.wait(3600)
        assert wake.stopping
    finally:
        wake.close()


def test_the_loop_acts_on_a_change_without_waiting_for_its_pass(stepped: SteppedSupervisor) -> None:
    consumer = stepped.define("calm-q", desired="stopped")
    wake = Wake()
    failures: list[BaseException] = []

    def person() -> None:
        try:
            wait_until(SupervisorHost.objects.exists)
            Consumer.objects.filter(pk=consumer.pk).update(desired="running")
            wait_until(lambda: ConsumerProcess.objects.filter(pid__isnull=False).exists(), 5)
        except BaseException as error:
            failures.append(error)
        finally:
            wake.stopping = True
            connection.close()

    thread = threading.Thread(target=person)
    thread.start()
    try:
        stepped.supervisor.run(wake)
        thread.join()
    finally:
        wake.close()
    assert not failures
