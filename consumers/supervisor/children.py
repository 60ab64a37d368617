"""A process in a supervisor's hands: started by it, or adopted from the one before."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import psutil

from consumers.models import ConsumerProcess
from consumers.supervisor.deaths import Exit
from consumers.supervisor.machine import oom, output, spawn, states
from consumers.supervisor.machine.wake import Wake


class Started(Protocol):
    """A process that this one started: a `subprocess.Popen`, or one that was forked for it."""

    pid: int

    def poll(self) -> int | None:
        """Return its exit code as of `subprocess`, None while it runs."""


@dataclass
class Child:
    """One process. An adopted one has no `popen`: that it ended can be seen, but not with which code.

    `created`: as of `spawn.created`. Used from the supervisor's thread alone.
    """

    process_id: int
    pid: int
    created: float
    popen: Started | None = None
    kill_reason: str = ""
    stop_seconds: float = 30.0
    strict: bool = False  # must never run twice: see `fence`
    watch: int | None = None  # of an adopted one: a descriptor that turns readable when it ends
    stop_sent: float | None = None  # monotonic seconds
    exit: Exit | None = None
    oom_kills: int | None = field(default_factory=oom.kills)  # on the machine, some seconds ago: `DYING_S`
    oom_seen: tuple[float, int | None] = (
        0.0,
        None,
    )  # when the kernel was asked last (monotonic), what it said

    def is_alive(self) -> bool:
        """Return whether it still runs. When it does not, reap it with all it started, and note in `exit` how."""
        if self.exit is not None:
            return False
        if self.popen is not None:
            code = self.popen.poll()
            if code is None:
                self._count()
                return True
            cause = self._cause(code)
            words = self.kill_reason or spawn.exit_words(code, cause)
            self.exit = Exit(code, words, outside=cause == "outside")
        elif spawn.find(self.pid, self.created) is not None:
            return True
        else:
            self.exit = Exit(-9, self.kill_reason) if self.kill_reason else Exit(None, UNSEEN)
        if self.watch is not None:
            os.close(self.watch)
            self.watch = None
        spawn.sweep(self.process_id, self.pid)
        return False

    def _count(self) -> None:
        """Keep what the kernel says of now for later: what it kills lives on for a moment, and was counted."""
        now = time.monotonic()
        if now - self.oom_seen[0] >= DYING_S:
            if self.oom_seen[0]:
                self.oom_kills = self.oom_seen[1]
            self.oom_seen = (now, oom.kills())

    def _cause(self, code: int) -> spawn.Cause:
        """Return who ended it, where that can be told."""
        if self.kill_reason or code not in spawn.FROM_OUTSIDE:
            return "itself"
        if code != -signal.SIGKILL:
            return "outside"
        before, now = self.oom_kills, oom.kills()
        if before is None or now is None:
            return "unknown"
        return "outside" if now == before else "memory"

    def stop(self) -> None:
        """Ask it to stop (SIGTERM), once: a second signal would end it with messages in hand."""
        if self.stop_sent is None and self.is_alive():
            spawn.terminate(self.pid)
            self.stop_sent = time.monotonic()

    def kill(self, reason: str) -> None:
        """Kill it and its group (SIGKILL); `reason` becomes how it ended."""
        if self.is_alive():
            self.kill_reason = reason
            spawn.kill(self.pid)


# Patience with consumers that are stopped together with the supervisor: less than `make up` has with the supervisor
# itself (mqadmin.up.runner), so that it still gets to write how they ended.
EXIT_S = 5.5
DYING_S = 5.0  # a process of gigabytes that is killed is still there for so long
STOPPED_EARLY = f"{states.STOPPED_AS_ASKED}, while it was starting"
UNSEEN = "ended while no supervisor was watching"


def started(process_id: int, popen: Started) -> Child:
    """Return the child for a process that was started just now."""
    try:
        created = spawn.created(psutil.Process(popen.pid))
    except psutil.Error:  # gone already: `is_alive` will tell
        created = 0.0
    return Child(process_id, popen.pid, created, popen=popen)


def adopted(process_id: int, pid: int | None, created: float | None) -> Child | None:
    """Return the child for a living process of an earlier supervisor, None when there is none."""
    process = spawn.find(pid, created)
    return found(process_id, process) if process is not None else None


def found(process_id: int, process: psutil.Process) -> Child | None:
    """Return the child for this process of an earlier supervisor, None when it has just ended."""
    try:
        child = Child(process_id, process.pid, spawn.created(process))
        with suppress(OSError):  # an older kernel, or it has just ended: the next pass sees that
            child.watch = os.pidfd_open(process.pid)
        return child
    except psutil.Error:
        return None


def stop_all(some: Sequence[Child], wake: Wake) -> None:
    """Ask all to stop, and kill who has not after its `stop_seconds`, or EXIT_S."""
    began = time.monotonic()
    for child in some:
        child.stop()
    alive = [child for child in some if child.is_alive()]
    while alive:
        waited = time.monotonic() - began
        for child in alive:
            if waited > min(child.stop_seconds, EXIT_S):
                child.kill(f"killed: it had not stopped after {waited:.0f} s")
        if waited > EXIT_S + 1:
            return
        wake.wait(0.1)
        alive = [child for child in alive if child.is_alive()]


def exit_of(row: ConsumerProcess, child: Child | None) -> Exit | None:
    """Return how the process of `row` ended, with its own last words; None when none ever belonged to it now."""
    if child is None and row.state in (states.BACKOFF, states.FAILED):
        return None
    seen = Exit(None, UNSEEN) if child is None or child.exit is None else child.exit
    if seen.code == states.EXIT_STOPPED or (child is not None and child.kill_reason):
        return seen
    # Its last words count: a signal, if any, came while it was leaving.
    if row.exit_reason == states.STOPPED_AS_ASKED:
        return Exit(states.EXIT_STOPPED, row.exit_reason)
    if seen.code == -signal.SIGTERM and row.stop_requested_at is not None:
        return Exit(seen.code, STOPPED_EARLY)  # the stop itself, before the process could hear it
    if seen.code is None:
        return Exit(None, row.exit_reason or seen.words)
    if seen.outside:  # nothing that it printed says why
        return seen
    said = row.exit_reason or output.last_words(row.pk)
    return Exit(seen.code, f"{seen.words}: {said}" if said else f"{seen.words}, without a word")
