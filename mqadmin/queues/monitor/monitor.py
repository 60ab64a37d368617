"""The monitor: one thread per broker, one sample per interval, one monitor per broker in the installation."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import replace

from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from mqadmin.core import brokers
from mqadmin.core.acts import leases
from mqadmin.queues.monitor.sampling import Sampler
from mqadmin.rabbit.errors import RabbitError
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.stack import with_room

log = logging.getLogger(__name__)

LEASE_S = 60.0
# A listing of 10,000 queues takes seconds on a busy broker: that is slow, not gone.
LISTING_S = 30.0
DATABASE_WAIT_S = 2.0
# The broker lists for no more than a fifth of the time; but samples stay so close that pages do not call them stale
# (`broker_status.stale_after`), nor history a gap (`steps.gap`).
LIST_TIMES, LONGEST_S = 5.0, 15.0


class BrokerSampler:
    """Samples one broker every `interval` seconds until `stop` is set, while it holds the broker's lease.

    `run` is the body of its thread. Nothing that happens to a broker or to the database ends it: a fault of
    the broker is written to its row, a lost database is waited for.
    """

    def __init__(self, slug: str, interval: float, stop: threading.Event) -> None:
        self.slug = slug
        self.interval = interval
        self.samples = 0
        self._stop = stop
        config = brokers.config(slug)
        patient = replace(config, timeout_s=max(config.timeout_s, LISTING_S))
        self._sampler = Sampler(slug, ManagementClient(patient))
        self._holder = f"{socket.gethostname()[:60]}:{os.getpid()}"
        self._leading = False
        self._fault = ""

    @property
    def lease(self) -> str:
        return f"monitor:{self.slug}"

    @property
    def pace(self) -> float:
        """The seconds from one sample to the next: more than the interval where the broker takes long to list."""
        return max(self.interval, min(LIST_TIMES * self._sampler.listing_s, LONGEST_S))

    def run(self) -> None:
        """Sample until told to stop; then give the lease back, so that another monitor begins at once."""
        while not self._stop.is_set():
            began = time.monotonic()
            wait = self._turn()
            took = time.monotonic() - began
            # A broker that is slow to list gets a rest between two samples, not the next call at once.
            self._stop.wait(max(wait - took, took / 3))
        self._resign()
        connections.close_all()

    def _turn(self) -> float:
        """Take one sample if this monitor leads; return the seconds from its beginning to the next one."""
        try:
            close_old_connections()
            if self._leads():
                self._sample()
            return self.pace
        except (DatabaseError, InterfaceError) as error:
            log.warning("broker %s: not sampled, waiting for the database: %s", self.slug, error)
            self._sampler.forget()
            connections.close_all()
            return max(self.interval, DATABASE_WAIT_S)
        except Exception:
            # A bug in judging one queue must not end the sampling of all others.
            log.exception("broker %s: the sample failed", self.slug)
            return self.interval

    def _leads(self) -> bool:
        leading = leases.acquire(self.lease, self._holder, max(LEASE_S, 4 * self.interval))
        if leading != self._leading:
            log.info("broker %s: %s", self.slug, "sampling" if leading else "another monitor samples it")
            self._sampler.forget()
        self._leading = leading
        return leading

    def _sample(self) -> None:
        try:
            result = self._sampler.sample()
        except RabbitError as error:
            self._sampler.fail(error)
            if self._fault != str(error):
                log.warning("broker %s: %s", self.slug, error)
            self._fault = str(error)
            return
        if self._fault:
            log.info("broker %s answers again", self.slug)
        self._fault = ""
        self.samples += 1
        log.debug("broker %s: %s", self.slug, result)

    def _resign(self) -> None:
        if not self._leading:
            return
        try:
            self._sampler.rest()
            leases.release(self.lease, self._holder)
        except (DatabaseError, InterfaceError) as error:
            log.warning("broker %s: the lease could not be given back: %s", self.slug, error)


def start(slugs: Iterable[str], interval: float, stop: threading.Event) -> list[threading.Thread]:
    """Start to sample each broker in a thread of its own and return the threads.

    A slow or dead broker delays only its own. They end soon after `stop` is set; a call to the broker that
    hangs may take its timeout first, hence daemon threads. Raises ConfigurationError.
    """
    samplers = [BrokerSampler(slug, interval, stop) for slug in slugs]
    threads = [
        threading.Thread(target=with_room(sampler.run), name=f"monitor-{sampler.slug}", daemon=True)
        for sampler in samplers
    ]
    for thread in threads:
        thread.start()
    return threads
