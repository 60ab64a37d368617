"""The threads in the monitor that listen to event exchanges: one for each broker, one of the installation leads
it."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connections
from django.utils import timezone

from mqadmin.core import brokers
from mqadmin.core.acts import leases
from mqadmin.definitions.keeping import asking, events, versions
from mqadmin.definitions.keeping.events import Heard
from mqadmin.definitions.keeping.thread import REST
from mqadmin.definitions.listening.line import Line, opened
from mqadmin.definitions.listening.reading import Reader
from mqadmin.definitions.models import Watch
from mqadmin.rabbit.errors import RabbitError

log = logging.getLogger(__name__)

LEASE_S, TURN_S = 30.0, 5.0
RETRY_S, NO_PLUGIN_S = 15.0, 120.0  # until it is tried again
EAGER_S = 10.0  # between two looks that events ask for, at least
MISSING = "plugin_missing"


class EventsThread:
    """Listens to one broker's event exchange while it holds the lease; `run` is its body.

    What is heard has the definitions looked at soon, not at the end of the minute. Nothing that broker or
    database do ends it.
    """

    def __init__(self, slug: str, stop: threading.Event) -> None:
        self.slug, self._stop = slug, stop
        self._holder = f"{socket.gethostname()[:60]}:{os.getpid()}"
        self._wanted_at = -EAGER_S
        self._fault = ""

    @property
    def lease(self) -> str:
        return f"events:{self.slug}"

    def run(self) -> None:
        """Go on until told to stop; then give the lease back."""
        while not self._stop.is_set():
            self._stop.wait(self.turn())
        try:
            leases.release(self.lease, self._holder)
        except (DatabaseError, InterfaceError) as error:
            log.warning("events of %s: the lease could not be given back: %s", self.slug, error)
        connections.close_all()

    def turn(self) -> float:
        """Listen as long as it goes; return in how many seconds to try again."""
        try:
            close_old_connections()
            if not self._leads():
                return TURN_S
            vhost = asking.client(self.slug).event_vhost()
            if vhost is None:
                self._deaf(MISSING, "")
                return NO_PLUGIN_S
            self._listen(vhost)
        except RabbitError as error:
            self._try_deaf(error.code, str(error))
        except (DatabaseError, InterfaceError) as error:
            self._say(f"waiting for the database: {error}")
            connections.close_all()
        except Exception:
            log.exception("events of %s: listening failed", self.slug)
        return RETRY_S

    def _leads(self) -> bool:
        return leases.acquire(self.lease, self._holder, LEASE_S)

    def _listen(self, vhost: str) -> None:
        with opened(brokers.config(self.slug), vhost) as line:
            Watch.objects.update_or_create(
                broker=self.slug,
                defaults={"listening_since": timezone.now(), "deaf": "", "deaf_text": ""},
            )
            self._say("")
            self._take(line)
        Watch.objects.filter(broker=self.slug).update(listening_since=None)

    def _take(self, line: Line) -> None:
        reader = Reader()
        while not self._stop.is_set() and self._leads():
            came = line.take(TURN_S, self._stop.is_set)
            read = (reader.read(item.name, item.headers, item.at) for item in came)
            heard = [item for item in read if item is not None]
            if heard:
                self._keep(heard)
            line.settle()

    def _keep(self, heard: list[Heard]) -> None:
        events.write(self.slug, heard)
        versions.name_again(self.slug, min(item.at for item in heard))
        watch = Watch.objects.filter(broker=self.slug).first()
        rest = max(EAGER_S, REST * watch.took_s) if watch is not None else EAGER_S
        if time.monotonic() - self._wanted_at >= rest:
            self._wanted_at = time.monotonic()
            asking.want(self.slug)

    def _try_deaf(self, code: str, text: str) -> None:
        try:
            self._deaf(code, text)
        except (DatabaseError, InterfaceError):
            connections.close_all()

    def _deaf(self, code: str, text: str) -> None:
        """Write down why nothing is heard."""
        Watch.objects.update_or_create(
            broker=self.slug,
            defaults={"listening_since": None, "deaf": code[:40], "deaf_text": text[:1000]},
        )
        if code != MISSING:
            self._say(text)

    def _say(self, fault: str) -> None:
        if fault and fault != self._fault:
            log.warning("events of %s: %s", self.slug, fault)
        elif self._fault and not fault:
            log.info("events of %s: heard again", self.slug)
        self._fault = fault


def start(stop: threading.Event) -> threading.Thread | None:
    """Start a thread for each broker; return one that ends when all of them have. None where nothing is kept.

    Raises ConfigurationError.
    """
    if not settings.MQADMIN_DEFINITIONS_SECONDS:
        return None
    bodies = [EventsThread(slug, stop) for slug in brokers.configs()]
    threads = [threading.Thread(target=body.run, name=f"events-{body.slug}", daemon=True) for body in bodies]
    for thread in threads:
        thread.start()
    whole = threading.Thread(target=_wait, args=(threads,), name="events", daemon=True)
    whole.start()
    return whole


def _wait(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join()
