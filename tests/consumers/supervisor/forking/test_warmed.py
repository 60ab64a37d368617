"""Processes forked from a warmed one, as a supervisor has them: what others see of them, and what may go wrong."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from consumers.supervisor.forking import warmed
from consumers.supervisor.forking.protocol import MESSAGE_MAX
from consumers.supervisor.forking.warmed import Forked, Warmed
from consumers.supervisor.machine import output, spawn
from tests.consumers.supervisor.conftest import is_alive
from tests.consumers.supervisor.forking.conftest import NAME, until_it_speaks
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.any_database, pytest.mark.any_version, pytest.mark.processes]

Warm = Callable[..., Warmed]


def idle(name: str = "nobody") -> list[str]:
    """The command line of a process that waits until a consumer of this name is defined."""
    python, manage, command, *_ = spawn.command(name, 0)
    return [python, manage, command, "--wait", "--", name]


def forked(found: Warmed, row: int) -> Forked:
    """Fork one that waits, and let it come so far that it listens to signals."""
    process = found.fork(idle(), row)
    assert process is not None
    wait_until(lambda: "waiting" in (output.tail(row) or ""), 20, what="its first line")
    return process


def parent(found: Warmed) -> psutil.Process:
    assert found._process is not None
    return psutil.Process(found._process.pid)


def test_it_looks_and_ends_like_one_that_was_started_by_itself(warm: Warm) -> None:
    found = warm()
    one, other = forked(found, 41), forked(found, 42)
    seen = psutil.Process(one.pid)
    assert seen.ppid() == os.getpid(), "ours to wait for"
    assert os.getsid(one.pid) == os.getpgid(one.pid) == one.pid
    assert seen.cmdline() == idle()
    assert {row: process.pid for row, process in spawn.survivors(NAME).items()} == {
        41: one.pid,
        42: other.pid,
    }
    assert seen.cwd() == psutil.Process(parent(found).pid).cwd()
    opened = {fd: os.readlink(f"/proc/{one.pid}/fd/{fd}") for fd in (0, 1, 2)}
    assert opened == {0: "/dev/null", 1: str(output.path(41)), 2: str(output.path(41))}
    assert seen.create_time() >= parent(found).create_time()
    assert one.poll() is None
    os.kill(one.pid, signal.SIGTERM)
    assert wait_until(lambda: one.poll() is not None, 20)
    assert one.poll() == 0, "as its own code says"
    os.kill(other.pid, signal.SIGKILL)
    wait_until(lambda: other.poll() is not None, 20)
    assert other.poll() == -signal.SIGKILL
    assert not spawn.survivors(NAME)


def test_it_may_be_killed_at_any_moment(warm: Warm) -> None:
    found = warm()
    process = forked(found, 45)
    first = parent(found)
    first.kill()
    assert process.poll() is None, "what was forked goes on"

    def is_made_anew() -> bool:
        found.keep(wanted=True)
        return parent(found).pid != first.pid

    wait_until(is_made_anew, 20)
    until_it_speaks(found)
    assert forked(found, 47).poll() is None
    assert process.poll() is None


def test_what_it_is_given_up_on_never_runs(warm: Warm) -> None:
    found = warm()
    assert found._control is not None
    ours, theirs = socket.socketpair()
    asked = {"arguments": idle(), "variable": spawn.MARK, "mark": spawn.mark(NAME, 48, is_padded=True)}
    descriptor = output.writer(48)
    socket.send_fds(found._control, [json.dumps(asked).encode()], [descriptor, theirs.fileno()])
    assert json.loads(found._control.recv(MESSAGE_MAX)) == {"forked": True}
    theirs.close()
    pid = int(ours.recv(32))
    assert is_alive(pid)
    assert not output.tail(48)
    ours.close()
    os.close(descriptor)
    wait_until(lambda: not is_alive(pid), 20)
    os.waitpid(pid, 0)
    assert not output.tail(48)


def test_one_that_hangs_is_given_up(warm: Warm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warmed, "ANSWER_S", 0.2)
    found = warm()
    hung = parent(found)
    hung.suspend()
    assert found.fork(idle(), 49) is None
    assert not hung.is_running()
    assert not spawn.survivors(NAME)


def test_it_ends_with_its_supervisor_and_is_not_seen_as_a_consumer(warm: Warm) -> None:
    found = warm()
    only = parent(found)
    assert "consumer processes are forked from this one" in " ".join(only.cmdline())
    assert not spawn.survivors()
    assert found._control is not None
    found._control.close()
    only.wait(20)


def test_changed_code_is_read_again_before_the_next_fork(warm: Warm, tmp_path: Path) -> None:
    module = tmp_path / "changing_handlers.py"
    module.write_text("")
    os.utime(module, (1_600_000_000, 1_600_000_000))
    found = warm(with_handlers=True, PYTHONPATH=str(tmp_path), MQADMIN_HANDLERS="changing_handlers")
    first = parent(found).pid
    assert not found.is_worth_waiting(), "all is as it was"
    assert parent(found).pid == first
    module.write_text("A = 1\n")
    os.utime(module, (1_600_000_001, 1_600_000_001))
    assert found.is_worth_waiting(), "what starts waits for the new one"
    until_it_speaks(found)
    assert parent(found).pid != first
    assert not found.is_worth_waiting()
    assert found.fork(idle(), 50) is not None


def test_what_is_written_while_it_is_loaded_is_not_trusted(
    warm: Warm, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    module = tmp_path / "late_handlers.py"
    module.write_text("")
    ahead = time.time() + 3600
    os.utime(module, (ahead, ahead))
    with caplog.at_level(logging.INFO, "mqadmin.supervisor"):
        found = warm(with_handlers=True, PYTHONPATH=str(tmp_path), MQADMIN_HANDLERS="late_handlers")
    assert found.fork(idle(), 52) is None
    said = [record.getMessage() for record in caplog.records if "late_handlers.py" in record.getMessage()]
    assert "was changed while it was loaded: once more" in said[0]
    assert "its time lies ahead" in said[1]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "import threading, time; threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
            "threads",
        ),
        ("import socket; s = socket.socketpair()", "opens something when it is imported: socket:"),
        ("import os; os._exit(1)", "it ended while it was made"),
        ("import not_there", "The handler module unfit_handlers cannot be imported"),
    ],
    ids=["thread", "socket", "ends", "not there"],
)
def test_what_cannot_be_forked_is_said(
    code: str, words: str, warm: Warm, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    module = tmp_path / "unfit_handlers.py"
    module.write_text(code)
    os.utime(module, (1_600_000_000, 1_600_000_000))
    with caplog.at_level(logging.WARNING, "mqadmin.supervisor"):
        found = warm(with_handlers=True, PYTHONPATH=str(tmp_path), MQADMIN_HANDLERS="unfit_handlers")
    assert words in caplog.text
    assert not found.is_worth_waiting()
    assert found.fork(idle(), 51) is None
