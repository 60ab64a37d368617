"""Finding and ending processes: by what they are, never by name alone.

Every process of one `make up` carries that run's id in MQADMIN_RUN, which its children inherit. So whatever
a killed run left behind is found again, and nothing else is touched.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

RUN_VARIABLE = "MQADMIN_RUN"


@dataclass(frozen=True)
class Identity:
    """One process for as long as it lives: a pid that was given to another one has another start time."""

    pid: int
    started: str

    @property
    def alive(self) -> bool:
        return self.started != "" and _started(self.pid) == self.started

    def send(self, signal_number: int) -> None:
        """Send a signal unless the process has ended."""
        if self.alive:
            try:
                os.kill(self.pid, signal_number)
            except ProcessLookupError:
                pass


def identify(pid: int) -> Identity:
    """Return the identity of `pid`; of a process that has ended already, one that is not alive."""
    return Identity(pid, _started(pid))


def of_run(run: str) -> list[Identity]:
    """Return the processes (except this one) that carry the run id. Without /proc: none."""
    return carrying(RUN_VARIABLE, run)


def carrying(variable: str, value: str) -> list[Identity]:
    """Return the processes (except this one) that were started with the variable so. Without /proc: none."""
    found = []
    wanted = f"{variable}={value}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            belongs = wanted in (entry / "environ").read_bytes().split(b"\0")
        except OSError:  # gone meanwhile, or another user's
            continue
        if belongs and int(entry.name) != os.getpid():
            found.append(identify(int(entry.name)))
    return [process for process in found if process.alive]


def end(processes: list[Identity], patience: float) -> None:
    """End the processes: SIGTERM, and SIGKILL for those that live on after `patience` seconds."""
    for process in processes:
        process.send(signal.SIGTERM)
    if not gone(processes, patience):
        for process in processes:
            process.send(signal.SIGKILL)
        gone(processes, 2)


def end_run(run: str, patience: float) -> int:
    """End all processes of a run, also those started meanwhile; return how many were found."""
    found = of_run(run)
    end(found, patience)
    late = of_run(run)
    end(late, 0)
    return len(found) + len(late)


def gone(processes: list[Identity], timeout: float) -> bool:
    """Wait until none of the processes is alive; False when `timeout` seconds pass first."""
    deadline = time.monotonic() + timeout
    while any(process.alive for process in processes):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)
    return True


def _started(pid: int) -> str:
    """Return the start time of a live process in the kernel's own terms, or "" when it has ended."""
    try:
        # The name in the second field may hold spaces and brackets; what follows the last bracket is regular.
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _started_without_proc(pid)
    return "" if state in "ZX" else rest[18]


def _started_without_proc(pid: int) -> str:
    """Elsewhere than on Linux a pid alone must do."""
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except OSError:
        return ""
    return "alive"
