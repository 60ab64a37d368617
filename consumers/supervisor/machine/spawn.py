"""Starting consumer processes, finding those of an earlier supervisor, and saying how one ended."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Literal

import psutil
from django.conf import settings

from consumers.supervisor.machine import output, states
from mqadmin import place

# In the environment of every process a supervisor starts: folder, supervisor and row, so that each supervisor
# finds its own, also when no row knows their pid.
MARK = "MQADMIN_PROCESS"
ID_DIGITS = 19  # of the largest row id
_BOOT = psutil.boot_time()
_SAME_S = 1.5  # the time of boot is in whole seconds, and flickers by one


def command(name: str, process_id: int) -> list[str]:
    """Return the command line that runs the consumer `name` under the row `process_id`."""
    return place.manage("run_consumer", "--process", str(process_id), "--", name)


def start(arguments: Sequence[str], process_id: int, supervisor: str) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, its output going to a file. Raises OSError.

    A file, never a pipe: the process must outlive this supervisor.
    """
    descriptor = output.writer(process_id)
    try:
        return subprocess.Popen(
            list(arguments),
            cwd=place.WORK,
            env=environ(mark(supervisor, process_id)),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)


def environ(marked: str) -> dict[str, str]:
    """Return the environment of a process that is started with this mark."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", MARK: marked}


def mark(supervisor: str, process_id: int, *, is_padded: bool = False) -> str:
    """Return what marks the process of this row. `is_padded`: as long as that of any other row."""
    return f"{_mark(supervisor)}{process_id:0{ID_DIGITS if is_padded else 1}d}"


def _mark(supervisor: str) -> str:
    return f"{settings.VAR_DIR}:{supervisor}:"


def _marked(process: psutil.Process) -> int | None:
    """Return the row that this process is marked with; that of a process which another started is handed down."""
    digits = process.environ().get(MARK, "").rpartition(":")[2]
    return int(digits) if digits.isdecimal() else None


def survivors(supervisor: str | None = None) -> dict[int, psutil.Process]:
    """Return the processes that a supervisor of this name started and that still run, by row id.

    None: those of all supervisors of this installation on this machine.
    """
    wanted = f"{settings.VAR_DIR}:" if supervisor is None else _mark(supervisor)
    found = {}
    for process in psutil.process_iter():
        try:
            marked = process.environ().get(MARK, "")
            if not marked.startswith(wanted) or process.status() == psutil.STATUS_ZOMBIE:
                continue
            # Children of a consumer inherit the mark: the consumer itself leads its process group.
            if os.getpgid(process.pid) == process.pid:
                found[int(marked.rpartition(":")[2])] = process
        except (psutil.Error, OSError, ValueError):
            continue
    return found


def created(process: psutil.Process) -> float:
    """Return when it was created: epoch seconds by the clock as it was when this process began.

    The kernel counts from boot, and psutil adds the time of boot by the clock of now: that changes for all
    processes when somebody sets the clock. Raises psutil.Error.
    """
    return process.create_time() - psutil.boot_time() + _BOOT


def begin_here() -> None:
    """Take the clock as it is now for that of this process's beginning: it was forked just now."""
    global _BOOT
    _BOOT = psutil.boot_time()


def find(pid: int | None, created_at: float | None) -> psutil.Process | None:
    """Return the living process with this pid and create time (of `created`), else None."""
    if pid is None or created_at is None:
        return None
    try:
        process = psutil.Process(pid)
        same = abs(created(process) - created_at) < _SAME_S
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def terminate(pid: int) -> None:
    """Ask the process to stop; nothing happens when it is gone."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass


def kill(pid: int) -> None:
    """Kill the process and its group. Only for a process that was not waited for yet: its pid is its own."""
    try:
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def sweep(process_id: int, pid: int) -> None:
    """Kill what the process of this row left behind in its group: it has ended, its pid may be another's by now."""
    for process in psutil.process_iter():
        try:
            is_left = os.getpgid(process.pid) == pid
            if is_left and _marked(process) == process_id:
                process.kill()
        except (psutil.Error, OSError):
            continue


Cause = Literal["itself", "outside", "memory", "unknown"]
"""Who ended a process: itself, somebody else, the kernel for want of memory, or perhaps one of these two."""

# Return codes of a process that somebody ended; 143 is how it ends itself at a second signal (runtime.process).
FROM_OUTSIDE = frozenset(
    {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP, 128 + signal.SIGTERM}
)


def exit_words(code: int, cause: Cause = "unknown") -> str:
    """Return how a process with this `subprocess` return code ended, for a person."""
    if code == states.EXIT_STOPPED:
        return states.STOPPED_AS_ASKED
    if code == states.EXIT_RECYCLED:
        return f"exit {code}: it ended itself, to be started anew"
    if code == states.EXIT_CONFIGURATION:
        return f"exit {code}: it cannot run as it is configured"
    number = -code if code < 0 else code - 128
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"exit {code}: it crashed"
    meaning = _SIGNAL_WORDS.get(name, "ended by a signal ({name})")
    if number == signal.SIGKILL:
        meaning = _KILLED.get(cause, meaning)
    return f"exit {128 + number}: {meaning.format(name=name)}"


_KILLED: dict[Cause, str] = {
    "outside": "killed from outside ({name})",
    "memory": "killed by the kernel, out of memory ({name})",
}
_SIGNAL_WORDS = {
    "SIGKILL": "killed ({name}), perhaps out of memory",
    "SIGSEGV": "crashed in native code ({name})",
    "SIGABRT": "aborted ({name})",
    "SIGBUS": "crashed in native code ({name})",
    "SIGTERM": "terminated ({name}) from outside",
    "SIGINT": "interrupted ({name}) from outside",
}
