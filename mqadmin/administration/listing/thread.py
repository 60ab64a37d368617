"""The part of the monitor that asks again for the lists somebody looks at: a thread for each broker."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, close_old_connections, connections
from django.utils import timezone

from mqadmin.administration.listing import asking, kinds
from mqadmin.administration.models import Listing
from mqadmin.core import brokers
from mqadmin.rabbit.management_api.client import ManagementClient

log = logging.getLogger(__name__)

WANTED_S = 30.0
LISTING_S = 30.0
STEP_S = 1.0
DATABASE_WAIT_S = 2.0
FORGOTTEN = timedelta(days=1)


class Asker:
    """Asks one broker for the lists that were wanted in the last 30 s. `run` is the body of a thread."""

    def __init__(self, broker: str, stop: threading.Event) -> None:
        self._broker = broker
        self._stop = stop
        config = brokers.config(broker)
        # A listing of 10,000 rows takes seconds on a busy broker: that is slow, not gone.
        self._client = ManagementClient(replace(config, timeout_s=max(config.timeout_s, LISTING_S)))

    def run(self) -> None:
        """Go on until told to stop, whatever happens to the broker or the database."""
        wait = STEP_S
        while not self._stop.wait(wait):
            try:
                close_old_connections()
                self.turn()
                wait = STEP_S
            except (DatabaseError, InterfaceError) as error:
                log.warning("lists of %s: waiting for the database: %s", self._broker, error)
                connections.close_all()
                wait = DATABASE_WAIT_S
            except Exception:
                log.exception("lists of %s: one could not be asked for", self._broker)
        connections.close_all()

    def turn(self) -> int:
        """Ask for what is due and return how many lists that were."""
        since = timezone.now() - timedelta(seconds=WANTED_S)
        asked = 0
        for listing in Listing.objects.filter(broker=self._broker, wanted_at__gte=since):
            kind = kinds.kind(listing.kind)
            every = asking.interval(listing)
            if kind is not None and asking.is_due(listing, timezone.now(), every):
                asking.ask(listing, kind, after=every, client=self._client)
                asked += 1
        return asked


def start(stop: threading.Event) -> threading.Thread:
    """Start a thread for each broker, and return one that ends when they have. Raises ConfigurationError."""
    threads = [
        threading.Thread(target=Asker(slug, stop).run, name=f"lists-{slug}", daemon=True)
        for slug in brokers.configs()
    ]
    for thread in threads:
        thread.start()
    whole = threading.Thread(target=_join, args=(threads,), name="lists", daemon=True)
    whole.start()
    return whole


def _join(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join()


def forget() -> str:
    """Delete lists that nobody looked at for a day, and of brokers that are not configured any more."""
    unused = Listing.objects.exclude(wanted_at__gte=timezone.now() - FORGOTTEN)
    count = unused.count()
    unused.delete()
    return f"{count} unused lists deleted" if count else ""
