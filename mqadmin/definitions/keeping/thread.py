"""The threads in the monitor that look at definitions: one for each broker, one of the installation leads it."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from mqadmin.core import brokers
from mqadmin.core.acts import leases
from mqadmin.core.models import AuditEntry
from mqadmin.definitions.keeping import asking, who
from mqadmin.definitions.models import Watch
from mqadmin.rabbit.errors import RabbitError

log = logging.getLogger(__name__)

REST = 20  # times what the answer took: an export costs a broker with 10,000 queues about a second
TURN_S = 2.0  # how often it is asked whether something was changed here
LEASE_S = 60.0


class DefinitionsThread:
    """Looks at one broker's definitions every `interval` seconds, while it holds the lease; `run` is its body.

    It looks at once after an act here that may have changed them. Nothing that broker or database do ends it.
    """

    def __init__(self, slug: str, interval: float, stop: threading.Event) -> None:
        self.slug, self._interval, self._stop = slug, interval, stop
        self._holder = f"{socket.gethostname()[:60]}:{os.getpid()}"
        self._due = 0.0  # time.monotonic()
        self._seen = 0  # the newest entry of the audit log that was acted upon
        self._leading = False
        self._fault = ""

    @property
    def lease(self) -> str:
        return f"definitions:{self.slug}"

    def run(self) -> None:
        """Go on until told to stop; then give the lease back."""
        while not self._stop.is_set():
            self.turn()
            self._stop.wait(min(TURN_S, self._interval))
        if self._leading:
            try:
                leases.release(self.lease, self._holder)
            except (DatabaseError, InterfaceError) as error:
                log.warning("definitions of %s: the lease could not be given back: %s", self.slug, error)
        connections.close_all()

    def turn(self) -> bool:
        """Look where it is due or wanted, if this monitor leads; returns whether it did."""
        try:
            close_old_connections()
            self._leading = leases.acquire(self.lease, self._holder, max(LEASE_S, 4 * TURN_S))
            if not self._leading or not (self._is_wanted() or time.monotonic() >= self._due):
                return False
            self._look()
            return True
        except (DatabaseError, InterfaceError) as error:
            self._say(f"waiting for the database: {error}")
            connections.close_all()
        except Exception:
            self._due = time.monotonic() + self._interval
            log.exception("definitions of %s: the look failed", self.slug)
        return False

    def _look(self) -> None:
        began = time.monotonic()
        try:
            made = asking.look(self.slug)
            if made is not None:
                log.info("definitions of %s: version %s kept", self.slug, made.pk)
            self._say("")
        except RabbitError as error:
            self._say(str(error))
        took = time.monotonic() - began
        self._due = time.monotonic() + max(self._interval, REST * took)

    def _is_wanted(self) -> bool:
        """Whether somebody asks for a look, or did something here since the last one."""
        newest = AuditEntry.objects.filter(broker=self.slug, outcome=AuditEntry.Outcome.DONE).first()
        number = newest.pk if newest is not None else 0
        acted = number > self._seen and newest is not None and not who.is_quiet(newest.action)
        self._seen = number
        asked = Watch.objects.filter(broker=self.slug, wanted_at__isnull=False).update(wanted_at=None)
        return bool(asked) or acted

    def _say(self, fault: str) -> None:
        if fault and fault != self._fault:
            log.warning("definitions of %s: %s", self.slug, fault)
        elif self._fault and not fault:
            log.info("definitions of %s: they are told again", self.slug)
        self._fault = fault


def start(stop: threading.Event) -> threading.Thread | None:
    """Start a thread for each broker; return one that ends when all of them have. None where nothing is kept.

    Raises ConfigurationError.
    """
    if not settings.MQADMIN_DEFINITIONS_SECONDS:
        return None
    bodies = [
        DefinitionsThread(slug, settings.MQADMIN_DEFINITIONS_SECONDS, stop) for slug in brokers.configs()
    ]
    threads = [
        threading.Thread(target=body.run, name=f"definitions-{body.slug}", daemon=True) for body in bodies
    ]
    for thread in threads:
        thread.start()
    whole = threading.Thread(target=_wait, args=(threads,), name="definitions", daemon=True)
    whole.start()
    return whole


def _wait(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join()
