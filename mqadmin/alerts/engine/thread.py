"""The thread in the monitor that evaluates rules and has messages sent: one in the installation leads."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connections
from django.utils import timezone

from mqadmin.alerts.acts.state import LEASE
from mqadmin.alerts.engine.evaluation import Evaluator
from mqadmin.alerts.rules import built_in
from mqadmin.alerts.telling.heartbeat import Heartbeat
from mqadmin.alerts.telling.senders import Senders
from mqadmin.core.acts import leases
from mqadmin.stack import with_room

log = logging.getLogger(__name__)

DATABASE_WAIT_S = 2.0
LEASE_TURNS, CLAIM_TURNS = (
    4,
    8,
)  # in intervals: how long a lease, and a claim on a message, outlives its holder
LEAST_LEASE_S, LEAST_CLAIM_S = 2.0, 3.0
REST, LONGEST_REST_TURNS = 4, 2  # times what an evaluation took; in intervals
SENT_WITHIN_S = 4.0  # what is being sent when the monitor is told to stop


class AlertThread:
    """Evaluates every `interval` seconds until `stop` is set, while it holds the lease. `run` is its body."""

    def __init__(self, stop: threading.Event, interval: float) -> None:
        self._stop = stop
        self._interval = interval
        self._holder = f"{socket.gethostname()[:60]}:{os.getpid()}"
        self.evaluator = Evaluator()
        self._senders = Senders(self._holder, max(LEAST_CLAIM_S, CLAIM_TURNS * interval), stop)
        self._heartbeat = Heartbeat(settings.MQADMIN_HEARTBEAT_URL)
        self._leading = False
        self._fault = ""

    def run(self) -> None:
        """Go on until told to stop, whatever happens to the database or to a rule."""
        while not self._stop.is_set():
            began = time.monotonic()
            wait = self.turn()
            took = time.monotonic() - began
            # A slow evaluation rests for a while, within the lease.
            self._stop.wait(max(wait - took, min(REST * took, LONGEST_REST_TURNS * self._interval)))
        self.end()
        connections.close_all()

    def end(self) -> None:
        """Wait for what is being sent, and give the lease back."""
        self._senders.join(SENT_WITHIN_S)
        self._resign()

    def turn(self) -> float:
        """Evaluate and have sent what is due, if this monitor leads; return the seconds to the next one."""
        try:
            close_old_connections()
            if self._leads():
                self._evaluate()
                self._senders.look()
            self._well()
            return self._interval
        except (DatabaseError, InterfaceError) as error:
            self._unwell(f"waiting for the database: {error}")
            connections.close_all()
            return max(self._interval, DATABASE_WAIT_S)
        except Exception:
            log.exception("alerts: an evaluation failed")
            return self._interval

    def _evaluate(self) -> None:
        try:
            self.evaluator.evaluate(timezone.now(), heartbeat=self._heartbeat.fault)
            self._heartbeat.beat()
        except (DatabaseError, InterfaceError):
            raise
        except Exception:
            # What was decided before is sent all the same; the heartbeat stays away, which tells people.
            log.exception("alerts: the rules could not be evaluated")

    def _leads(self) -> bool:
        seconds = max(LEAST_LEASE_S, LEASE_TURNS * self._interval)
        leading = leases.acquire(LEASE, self._holder, seconds)
        if leading and not self._leading:
            made = built_in.ensure()
            log.info("alerts: evaluating the rules%s", f", {made} of them made anew" if made else "")
        elif self._leading and not leading:
            log.info("alerts: another monitor evaluates the rules")
        self._leading = leading
        return leading

    def _well(self) -> None:
        if self._fault:
            log.info("alerts: going on")
        self._fault = ""

    def _unwell(self, fault: str) -> None:
        if self._fault != fault:
            log.warning("alerts: %s", fault)
        self._fault = fault

    def _resign(self) -> None:
        if not self._leading:
            return
        try:
            leases.release(LEASE, self._holder)
        except (DatabaseError, InterfaceError) as error:
            log.warning("alerts: the lease could not be given back: %s", error)


def start(stop: threading.Event) -> threading.Thread:
    """Start the thread and return it."""
    body = AlertThread(stop, settings.MQADMIN_ALERTS_SECONDS)
    thread = threading.Thread(target=with_room(body.run), name="alerts", daemon=True)
    thread.start()
    return thread
