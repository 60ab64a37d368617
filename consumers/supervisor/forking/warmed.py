"""The supervisor's hold on the process that consumers are forked from: made, made anew when code changed, ended."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

from consumers.scaling import placement
from consumers.supervisor.forking import kernel
from consumers.supervisor.forking.protocol import GO, MESSAGE_MAX, PADDING
from consumers.supervisor.machine import output, spawn
from mqadmin import place

WARM_MAX_S = 15.0  # so long starts wait for it; then they go without
WARM_AMONG_OTHERS_S = placement.WAIT_S - 1.0
# It answers within milliseconds: one that does not is given up, long before the supervisor's leases are over.
ANSWER_S = 2.0
MADE_MAX_S = 60.0
RETRY_FIRST_S, RETRY_MAX_S = 10.0, 300.0

_NOT_TOLD = 255  # no child of this process, which is not to be

log = logging.getLogger("mqadmin.supervisor")


class Forked:
    """A process that was forked, in the place of `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return its exit code as `subprocess` has it, None while it runs."""
        if self._code is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                self._code = _NOT_TOLD
            else:
                self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code


class _Lost(OSError):
    """It ended, hangs or does not make sense."""


class Warmed:
    """Used from the supervisor's thread alone. What goes wrong is logged, and consumers go without it.

    `with_handlers`: it imports the modules of `settings.MQADMIN_HANDLERS` too.
    """

    def __init__(self, supervisor: str, *, with_handlers: bool = False) -> None:
        self._supervisor = supervisor
        self._modules = "handlers" if with_handlers else "ours"
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._is_ready = False
        self._waited_since: float | None = None  # monotonic seconds: since when starts wait for it
        self._begun = self._retry_at = 0.0
        self._retry_s = RETRY_FIRST_S
        self._said = ""
        self._unsure = ""
        self._is_adopting = False

    def descriptors(self) -> list[int]:
        """Return what turns readable when it has something to say."""
        return [] if self._control is None or self._is_ready else [self._control.fileno()]

    def keep(self, *, wanted: bool) -> None:
        """Have it there while it is `wanted`, and hear what it says."""
        if not wanted:
            self.close()
        elif self._process is None:
            if time.monotonic() >= self._retry_at:
                self._begin()
        elif not self._is_ready:
            self._hear()
            if not self._is_ready and self._process and time.monotonic() - self._begun > MADE_MAX_S:
                self._fail("it hangs while it is made")
        elif self._process.poll() is not None:
            log.info("the process that consumers are forked from is gone: another one is made")
            self._begin()

    def is_worth_waiting(self, *, alone: bool = True) -> bool:
        """Whether what is to be started should wait for it: it is being made, or made anew for changed code.

        Unless `alone` another host would start it, if it had to wait for long.
        """
        if self._process is None:
            return False
        if self._is_ready and not self._is_current():
            self._begin()
        if self._process is None or self._is_ready:
            return False
        now = time.monotonic()
        self._waited_since = self._waited_since or now
        return now - self._waited_since < (WARM_MAX_S if alone else WARM_AMONG_OTHERS_S)

    def fork(self, arguments: Sequence[str], process_id: int) -> Forked | None:
        """Start a process as `spawn.start` does; None when it has to be started in that way. Raises OSError."""
        if not self._is_ready:
            return None
        descriptor = output.writer(process_id)
        ours, theirs = socket.socketpair()
        asked = {
            "arguments": list(arguments),
            "variable": spawn.MARK,
            "mark": spawn.mark(self._supervisor, process_id, is_padded=True),
        }
        try:
            with ours:
                with theirs:
                    if not self._ask(asked, [descriptor, theirs.fileno()]).get("forked"):
                        raise _Lost("the machine has no room for another process")
                ours.settimeout(ANSWER_S)
                pid = int(ours.recv(32))
                ours.send(GO)
        except (OSError, ValueError) as error:
            self._fail(f"nothing can be forked: {error}")
            return None
        finally:
            os.close(descriptor)
        self._waited_since = None
        return Forked(pid)

    def reap(self, known: Collection[int]) -> None:
        """Let go of what ended and is not `known`: what a consumer that is gone had started."""
        if self._is_adopting:
            kernel.reap({*known, *([self._process.pid] if self._process else [])})

    def close(self) -> None:
        """End it. What was forked from it goes on."""
        process, control = self._process, self._control
        self._process, self._control, self._is_ready = None, None, False
        if control is not None:
            control.close()
        if process is not None:
            process.kill()
            with suppress(subprocess.TimeoutExpired):  # stuck in the kernel: `reap` lets go of it
                process.wait(ANSWER_S)

    def _begin(self) -> None:
        self.close()
        self._begun = time.monotonic()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        module = place.module("consumers.supervisor.forking.parent")
        facts = [str(theirs.fileno()), str(os.getpid()), str(time.time_ns()), self._modules]
        try:
            kernel.adopt_orphans()
            self._is_adopting = True
            self._process = subprocess.Popen(
                [*module, *facts, " " * PADDING],
                cwd=place.WORK,
                env=spawn.environ("-" * len(os.fsencode(spawn.mark(self._supervisor, 0, is_padded=True)))),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            self._fail(f"it cannot be started: {error}")
        else:
            ours.settimeout(ANSWER_S)
            self._control = ours
        finally:
            theirs.close()

    def _hear(self) -> None:
        """Hear its first words, if it has said them."""
        if self._control is None:
            return
        try:
            self._control.setblocking(False)
            said = json.loads(self._control.recv(MESSAGE_MAX) or b'{"unfit": "it ended while it was made"}')
            self._control.settimeout(ANSWER_S)
        except BlockingIOError:
            return
        except (OSError, ValueError) as error:
            said = {"unfit": str(error)}
        unsure = said.get("unsure", "")
        if unsure and unsure != self._unsure:
            log.info("%s was changed while it was loaded: once more", unsure)
            self._unsure = unsure
            self._begin()
            return
        if unsure or said["unfit"]:
            self._fail(said["unfit"] or f"{unsure} is changed again and again, or its time lies ahead")
            return
        self._is_ready, self._said, self._unsure = True, "", ""
        self._retry_s = RETRY_FIRST_S

    def _is_current(self) -> bool:
        """Whether it is still made of what is on the disk."""
        try:
            said = self._ask({}, [])
        except (OSError, ValueError) as error:
            log.warning("the process that consumers are forked from does not answer: %s", error)
            return False
        if said.get("unfit"):
            self._fail(said["unfit"])
            return True
        if said.get("changed"):
            log.info("%s was changed: consumers are forked from a process made anew", said["changed"])
        return not said.get("changed")

    def _ask(self, asked: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        if self._control is None:
            raise _Lost("it is not there")
        socket.send_fds(self._control, [json.dumps(asked).encode()], descriptors)
        said = self._control.recv(MESSAGE_MAX)
        if not said:
            raise _Lost("it ended")
        answer: dict[str, Any] = json.loads(said)
        return answer

    def _fail(self, why: str) -> None:
        """Go without it, say why once, and try again later."""
        self.close()
        self._retry_at = time.monotonic() + self._retry_s
        self._retry_s = min(RETRY_MAX_S, self._retry_s * 2)
        if why != self._said:
            log.warning("consumers are not forked, each is started by itself: %s", why)
        self._said = why
