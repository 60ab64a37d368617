"""Signs of life of processes that have no row of their own: beat, and who answers pages. A lease says it."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone

from mqadmin.core.acts import leases
from mqadmin.core.models import Lease

log = logging.getLogger(__name__)

BEAT, WEB = "beat", "web"
EVERY_S, SILENT_S = 15.0, 60.0  # how often it is said, and after how long a process counts as silent
LOOKS = 5  # so often in that time one that is not well yet is looked at


class Sign:
    """Says in a thread of its own that a process is there, every `every` seconds in which `is_well`.

    Several processes of a name share one row: it says that there is one of them. A database that is away is
    waited for in silence: whoever needs it says so.
    """

    def __init__(self, name: str, is_well: Callable[[], bool] = lambda: True, every: float = EVERY_S) -> None:
        self.name = name
        self._is_well = is_well
        self._every = every
        self._holder = f"{socket.gethostname()[:60]}:{os.getpid()}"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"sign-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it. Its last word stays."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            was_well = self._is_well()
            try:
                if was_well:
                    leases.beat(self.name, self._holder, SILENT_S)
            except (DatabaseError, InterfaceError) as error:
                log.debug("%s: its sign of life was not written: %s", self.name, error)
            finally:
                connections.close_all()  # of this thread
            if self._stop.wait(self._every if was_well else self._every / LOOKS):
                return


def silent(now: datetime | None = None) -> dict[str, datetime]:
    """Return who was there and has been silent for a minute, and when it was last heard. One query.

    Who was never there is not missed. Raises django.db.Error.
    """
    late = (now or timezone.now()) - timedelta(seconds=SILENT_S)
    rows = Lease.objects.filter(name__in=(BEAT, WEB), renewed_at__lt=late)
    return {row.name: row.renewed_at for row in rows.order_by("name") if row.renewed_at}
