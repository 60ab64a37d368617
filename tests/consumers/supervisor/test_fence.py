"""The fence: what a host lets go of when it cannot renew its leases, and when. Real processes, given times."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from consumers.supervisor.fence import ASK_S, KILL_S, LEASE_S, STRICT_WAIT_S, Fence, Fenced
from tests.support.waiting import patient, wait_until

FAKE = str(Path(__file__).with_name("fake_child.py"))
Process = subprocess.Popen[str]
Begin = Callable[[str], Process]


@pytest.fixture
def begin() -> Iterator[Begin]:
    started: list[Process] = []

    def run(what: str) -> Process:
        process = subprocess.Popen(
            [sys.executable, FAKE, what], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(process)
        assert process.stdout
        while process.stdout.readline().strip() != "ready":
            pass
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def fenced(process: Process, *, strict: bool) -> Fenced:
    return Fenced(process.pid, psutil.Process(process.pid).create_time(), strict=strict)


def test_times_leave_room_for_a_clean_end_before_another_host_may_begin() -> None:
    assert ASK_S < KILL_S < LEASE_S
    assert LEASE_S + STRICT_WAIT_S <= 15, "others take over within 15 s"


def test_what_must_not_run_twice_is_asked_then_killed_before_the_lease_is_over(begin: Begin) -> None:
    stubborn, calm = begin("stubborn"), begin("calm")
    fence = Fence()
    now = time.monotonic()
    fence.renewed(now, {1: fenced(stubborn, strict=True), 2: fenced(calm, strict=True)}, others=True)
    fence.look(now + ASK_S - 0.1)
    assert (stubborn.poll(), calm.poll(), fence.acted) == (None, None, False)
    fence.look(now + ASK_S)
    assert calm.wait(patient(5)) == 0
    assert fence.acted
    fence.look(now + KILL_S - 0.1)
    assert stubborn.poll() is None
    fence.look(now + KILL_S)
    assert stubborn.wait(patient(5)) == -signal.SIGKILL


@pytest.mark.parametrize(("others", "expected"), [(True, 0), (False, None)])
def test_other_consumers_end_only_when_somebody_else_may_take_them_over(
    others: bool, expected: int | None, begin: Begin
) -> None:
    calm = begin("calm")
    fence = Fence()
    now = time.monotonic()
    fence.renewed(now, {1: fenced(calm, strict=False)}, others=others)
    fence.look(now + LEASE_S - 0.1)
    assert calm.poll() is None
    fence.look(now + LEASE_S)
    if expected is None:
        assert not fence.acted
        assert calm.poll() is None
    else:
        assert calm.wait(patient(5)) == expected


def test_a_renewal_in_time_keeps_all_of_them(begin: Begin) -> None:
    calm = begin("calm")
    fence = Fence()
    now = time.monotonic()
    guarded = {1: fenced(calm, strict=True)}
    fence.renewed(now, guarded, others=True)
    fence.renewed(now + 5, guarded, others=True)
    fence.look(now + 5 + ASK_S - 0.1)
    assert not fence.acted


def test_a_pid_that_is_somebody_elses_now_is_left_alone(begin: Begin) -> None:
    calm = begin("calm")
    fence = Fence()
    now = time.monotonic()
    other = Fenced(calm.pid, psutil.Process(calm.pid).create_time() - 100, strict=True)
    fence.renewed(now, {1: other}, others=True)
    fence.look(now + ASK_S)
    fence.look(now + KILL_S)
    assert not fence.acted
    assert calm.poll() is None


def test_it_looks_by_itself_in_a_thread_of_its_own(begin: Begin) -> None:
    calm = begin("calm")
    fence = Fence()
    fence.renewed(time.monotonic() - ASK_S, {1: fenced(calm, strict=True)}, others=False)
    fence.start()
    wait_until(lambda: calm.poll() is not None, 5, what="asked to stop")
    fence.close()
    fence.join(patient(5))
    assert not fence.is_alive()
