"""The process that holds taps (`manage.py run_taps`): a thread each, and an end when nobody needs it any more."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time

from django.db import InterfaceError, OperationalError, close_old_connections, connections

from mqadmin.passing.models import Tap
from mqadmin.passing.tapping import running

log = logging.getLogger(__name__)

TURN_S = 0.25
IDLE_S = 20.0  # without a tap; then it ends, and is started again for the next one
STOP_S = 5.0


def holder(pid: int) -> str:
    """Return what a process of this host is called in the rows of its taps."""
    return f"{socket.gethostname()[:60]}:{pid}"


class Process:
    """Runs what waits. It ends with its parent, if it has one: nothing holds a tap that nobody watches over."""

    def __init__(self, stop: threading.Event, *, parent: int | None = None, idle_s: float = IDLE_S) -> None:
        self._stop, self._parent, self._idle_s = stop, parent, idle_s
        self._threads: list[threading.Thread] = []
        self._fault = ""
        self.holder = holder(os.getpid())

    def run(self) -> None:
        """Go on until told to stop, orphaned, or idle; then end all taps."""
        busy = time.monotonic()
        while not self._stop.is_set() and not self._is_orphan():
            self._turn()
            if self._threads:
                busy = time.monotonic()
            elif time.monotonic() - busy > self._idle_s:
                break
            self._stop.wait(TURN_S)
        self._stop.set()
        until = time.monotonic() + STOP_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        connections.close_all()

    def _is_orphan(self) -> bool:
        return self._parent is not None and os.getppid() != self._parent

    def _turn(self) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        try:
            close_old_connections()
            for tap in Tap.objects.filter(state=Tap.State.WAITING, is_stopping=False).order_by("pk"):
                thread = running.start(tap, self.holder, self._stop.is_set)
                if thread is not None:
                    self._threads.append(thread)
        except (OperationalError, InterfaceError) as error:
            log.warning("taps wait for the database: %s", error)
            connections.close_all()
        except Exception as error:  # one that cannot be begun takes no other with it: the monitor ends it
            if str(error) != self._fault:
                log.exception("a tap could not be begun")
            self._fault = str(error)
