"""Processes that are kept running: one that ends is started again, ever more slowly, until told to stop.

A monitor that crashes must not take the web page with it, nor stay away unnoticed. Each runs in a session of its
own, so that a signal reaches all that it has started.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mqadmin.up.running.loaded import Loaded, Role
from mqadmin.up.running.output import Lines, QuietPrinter, Tee

FIRST_DELAY_S = 1.0
LAST_DELAY_S = 30.0
_HEALTHY_S = 60.0
_LAST_WORDS_S = 0.3
_OURS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


def delay(failures: int) -> float:
    """Return the seconds to wait before the next start, after `failures` ends in a row (1, 2, ...)."""
    return float(min(FIRST_DELAY_S * 2 ** min(failures - 1, 10), LAST_DELAY_S))


@dataclass
class Kept:
    """A line of the Procfile. `words`: those of its command, [] where only a shell can read it. `due`: monotonic
    seconds of its next start, None while it runs."""

    name: str
    command: str
    colour: str
    words: Sequence[str] = ()
    due: float | None = 0.0
    began: float = 0.0
    failures: int = 0


@dataclass
class Started:
    """A process of `kept` and its output. It is let go of when both have ended: until then its group is its own."""

    kept: Kept
    pid: int
    lines: Lines
    has_ended: bool = False

    def look(self) -> bool:
        """Whether it has ended since the last look."""
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        if self.has_ended or os.waitid(os.P_PID, self.pid, options) is None:
            return False
        self.has_ended = True
        return True

    def send(self, number: int) -> None:
        """Send a signal to it and to all of its group."""
        with suppress(ProcessLookupError):
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:  # it has no group of its own yet
                os.kill(self.pid, number)


class Keeper:
    """Runs in one thread, and takes SIGTERM, SIGINT and SIGCHLD. `stop_s`: from the first to SIGKILL."""

    def __init__(self, kept: Sequence[Kept], tee: Tee, stop_s: float) -> None:
        self._kept = kept
        self._tee = tee
        self._printer = QuietPrinter(tee, width=max((len(one.name) for one in kept), default=0))
        self._stop_s = stop_s
        self._loaded: Loaded | None = None
        self._said = ""
        self._running: list[Started] = []
        self._told: list[int] = []
        self._stops_at: float | None = None
        self._waking, self._writing = os.pipe()
        for end in (self._waking, self._writing):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda got, _frame: self._told.append(got))
        signal.signal(signal.SIGCHLD, lambda _got, _frame: None)

    def fork_from(self, make: Callable[[], Loaded]) -> None:
        """Have processes forked, of what `make` loads. Where it cannot, each is started by itself; it says why."""
        try:
            self._loaded = make()
        except (Exception, SystemExit) as error:  # each process meets it itself, and says more
            self._complain(f"{type(error).__name__}: {error}")

    def run(self) -> Role | None:
        """Keep them running until told to stop, then return None; in a forked process, what it has to run."""
        while True:
            for kept in self._kept:
                if not self._told and kept.due is not None and kept.due <= time.monotonic():
                    role = self._start(kept)
                    if role is not None:
                        return role
            self._listen()
            for started in list(self._running):
                self._look_at(started)
            if self._told and self._stops_at is None:
                self._stop()
            if self._stops_at is not None and (not self._running or time.monotonic() > self._stops_at):
                self._finish()
                return None

    def _listen(self) -> None:
        """Wait for a word, an end, a signal or the next start, and pass on what was said."""
        by_descriptor = {one.lines.descriptor: one for one in self._running if one.lines.is_open}
        poll = select.poll()
        for descriptor in (self._waking, *by_descriptor):
            poll.register(descriptor, select.POLLIN)
        for descriptor, _events in poll.poll(self._pause_s() * 1000):
            if descriptor == self._waking:
                with suppress(BlockingIOError):
                    os.read(self._waking, 1024)
            else:
                self._hear(by_descriptor[descriptor])

    def _pause_s(self) -> float:
        if self._stops_at is not None:
            until = self._stops_at
        else:
            until = min((one.due for one in self._kept if one.due is not None), default=time.monotonic() + 60)
        return max(0.0, until - time.monotonic()) + 0.001

    def _hear(self, started: Started) -> None:
        for line in started.lines.read():
            self._printer.say(started.kept.name, started.kept.colour, line)

    def _look_at(self, started: Started) -> None:
        """Begin anew when it has ended, and let go of it when nothing of it is left."""
        if started.look() and self._stops_at is None and not self._told:
            started.send(signal.SIGTERM)  # what it leaves behind would be in the way of the next
            self._begin_again(started)
        if started.has_ended and not started.lines.is_open:
            os.waitpid(started.pid, 0)
            self._running.remove(started)

    def _begin_again(self, started: Started) -> None:
        kept = started.kept
        while started.lines.is_open and (said := started.lines.read()):  # what it said stands before its end
            for line in said:
                self._printer.say(kept.name, kept.colour, line)
        how = os.waitid(os.P_PID, started.pid, os.WEXITED | os.WNOWAIT)
        self._postpone(kept, f"ended {_how(how)}")

    def _postpone(self, kept: Kept, why: str) -> None:
        now = time.monotonic()
        kept.failures = 1 if now - kept.began >= _HEALTHY_S else kept.failures + 1
        pause = delay(kept.failures)
        kept.due = now + pause
        text = f"{kept.name} {why}; starting it again in {pause:g} s"
        self._printer.say(kept.name, kept.colour, text)

    def _stop(self) -> None:
        self._stops_at = time.monotonic() + self._stop_s
        for started in self._running:
            started.send(signal.SIGTERM)

    def _finish(self) -> None:
        """Kill what is left, and hear its last words."""
        ends = time.monotonic() + _LAST_WORDS_S
        for started in self._running:
            started.send(signal.SIGKILL)
        self._stops_at = ends
        while self._running and time.monotonic() < ends:
            self._listen()
            for started in list(self._running):
                self._look_at(started)

    def _start(self, kept: Kept) -> Role | None:
        """Start it: forked, or by a shell. Returns what it has to run in the new process alone, else None."""
        role = self._role(kept)
        kept.due, kept.began = None, time.monotonic()
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        before = signal.pthread_sigmask(
            signal.SIG_BLOCK, _OURS
        )  # else the new one would take it with our handlers
        try:
            pid = os.fork()
            if not pid:
                os.close(reading)
                self._become(writing, before)
                if role is None:
                    _execute(kept.command)
                return role
        except OSError as error:
            os.close(reading)
            self._postpone(kept, f"cannot be started: {error.strerror}")
        else:
            self._running.append(Started(kept, pid, Lines(reading)))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(writing)
        return None

    def _role(self, kept: Kept) -> Role | None:
        if self._loaded is None:
            return None
        role = self._loaded.role(kept.words)
        if role is not None:
            problem = self._loaded.unfit(self._descriptors())
            if problem:
                self._complain(problem)
                return None
        return role

    def _descriptors(self) -> list[int]:
        pipes = (one.lines.descriptor for one in self._running if one.lines.is_open)
        return [0, 1, 2, self._waking, self._writing, *self._tee.descriptors(), *pipes]

    def _complain(self, why: str) -> None:
        if why != self._said:
            self._printer.say("", "", f"processes are not forked, each is started by itself: {why}")
        self._said = why

    def _become(self, output: int, mask: Iterable[int]) -> None:
        """Have nothing of the keeper's in this new process: neither its signals nor what it has open."""
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(output, 1)
        os.dup2(output, 2)
        ours = (output, *self._descriptors()[3:])
        self._tee.close()
        for descriptor in ours:
            with suppress(OSError):
                os.close(descriptor)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _execute(command: str) -> None:
    """Be a shell that becomes the command."""
    try:
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execv("/bin/sh", ["sh", "-c", f"exec {command}"])  # noqa: S606  # a line of the Procfile
    except BaseException as error:
        os.write(2, f"cannot be started: {error}\n".encode())
    finally:
        os._exit(127)


def _how(found: os.waitid_result | None) -> str:
    if found is None:
        return "somehow"
    if found.si_code == os.CLD_EXITED:
        return f"with exit code {found.si_status}"
    return f"by {signal.Signals(found.si_status).name}"
