"""The monitor's thread that watches over taps: it starts the process that holds them, ends those whose process
died, and switches off every firehose that nobody needs."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import threading
import time

from django.db import InterfaceError, OperationalError, close_old_connections, connections
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin import place
from mqadmin.core.acts import leases
from mqadmin.passing.models import Firehose, Tap
from mqadmin.passing.tapping import firehose, process, running

log = logging.getLogger(__name__)

LEASE, LEASE_SECONDS = "taps", 20.0
TURN_S = 1.0
SWEEP_S = 5.0
STOP_S = 6.0


class TapsThread:
    """Watches over all taps of the installation while it holds the lease; `run` is its body."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._holder = f"{socket.gethostname()[:60]}:{os.getpid()}"
        self._child: subprocess.Popen[bytes] | None = None
        self._swept = float("-inf")
        self._leading = False
        self._fault = ""

    def run(self) -> None:
        """Go on until told to stop; then end the process, and with it the taps."""
        while not self._stop.is_set():
            self.turn()
            self._stop.wait(TURN_S)
        self._end_child()
        try:
            if self._leading:
                leases.release(LEASE, self._holder)
        except (OperationalError, InterfaceError) as error:
            log.warning("taps: the lease could not be given back: %s", error)
        connections.close_all()

    def turn(self) -> None:
        """Look after what is open. Raises nothing."""
        try:
            close_old_connections()
            self._leading = leases.acquire(LEASE, self._holder, LEASE_SECONDS)
            if self._leading:
                self._look_after()
            self._fault = ""
        except (OperationalError, InterfaceError) as error:
            log.warning("taps wait for the database: %s", error)
            connections.close_all()
        except Exception as error:
            if str(error) != self._fault:
                log.exception("taps: the look failed")
            self._fault = str(error)

    def _look_after(self) -> None:
        ended = self._end_of_child() + end_lost()
        if Tap.objects.filter(state=Tap.State.WAITING).exists():
            self._start_child()
        if ended or time.monotonic() - self._swept > SWEEP_S:
            self._swept = time.monotonic()
            if Firehose.objects.exists():
                firehose.sweep()

    def _end_of_child(self) -> int:
        """End what the process held, once it is seen to have died: no lease need run out for that."""
        if self._child is None or self._child.poll() is None:
            return 0
        holder, self._child = process.holder(self._child.pid), None
        return _end_all(Tap.objects.filter(state=Tap.State.RUNNING, holder=holder))

    def _start_child(self) -> None:
        if self._child is not None:
            return
        command = place.manage("run_taps", "--parent", str(os.getpid()))
        # In its own session: what ends the monitor alone must not reach it before it has said that it ends.
        self._child = subprocess.Popen(
            command, cwd=place.WORK, stdin=subprocess.DEVNULL, start_new_session=True
        )

    def _end_child(self) -> None:
        if self._child is None or self._child.poll() is not None:
            return
        self._child.terminate()
        try:
            self._child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


def end_lost() -> int:
    """End the taps whose process is gone, or that none took in time. Returns how many. Raises django.db.Error."""
    now = timezone.now()
    lost = Tap.objects.filter(Q(state=Tap.State.RUNNING, lease_until__lt=now))
    late = Tap.objects.filter(Q(ends_at__lt=now) | Q(is_stopping=True), state=Tap.State.WAITING)
    return _end_all(lost) + sum(running.end(tap, "") for tap in late)


def _end_all(taps: QuerySet[Tap]) -> int:
    words = _("The process that held it is gone.")
    return sum(running.end(tap, words) for tap in taps)


def start(stop: threading.Event) -> threading.Thread:
    """Start the thread, and return it."""
    thread = threading.Thread(target=TapsThread(stop).run, name="taps", daemon=True)
    thread.start()
    return thread
