"""A host that cannot reach the database must let go in time: others take its consumers over."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from consumers.supervisor.machine import spawn

LEASE_S = 10.0
"""How long a claim on a replica holds without being renewed, by the database's clock."""
STRICT_WAIT_S = 2.0
"""So much longer another host waits before it starts what must never run twice."""
ASK_S = 6.0  # after so long without a renewal a consumer that must not run twice is asked to stop
KILL_S = LEASE_S - 0.5  # and killed: before its lease is over, whatever it does
_LOOK_S = 0.2

log = logging.getLogger("mqadmin.supervisor")


@dataclass(frozen=True)
class Fenced:
    """A process of this host. `strict`: it must be gone before another host may start one in its place."""

    pid: int
    created: float
    strict: bool


class Fence(threading.Thread):
    """Stops this host's processes when its leases were not renewed in time.

    A thread of its own: the supervisor's own loop may hang in a call to the database that is the trouble. What
    must not run twice is asked at ASK_S and killed at KILL_S, counted from before the last renewal that
    succeeded was sent. The others are asked to stop once others may take them over, where there are others.
    """

    def __init__(self) -> None:
        super().__init__(name="fence", daemon=True)
        self._renewed_at = time.monotonic()
        self._guarded: Mapping[int, Fenced] = {}
        self._others = False
        self._asked: set[int] = set()
        self._ended = threading.Event()
        self.acted = False

    def renewed(self, began: float, guarded: Mapping[int, Fenced], *, others: bool) -> None:
        """The leases of `guarded` (by row id) hold from `began`, monotonic seconds before they were renewed.

        `others`: whether another supervisor may take over what this one loses. Supervisor's thread.
        """
        self._guarded = dict(guarded)
        self._others = others
        self._renewed_at = began
        self._asked = set()
        self.acted = False

    def close(self) -> None:
        """End the thread."""
        self._ended.set()

    def run(self) -> None:
        while not self._ended.wait(_LOOK_S):
            self.look(time.monotonic())

    def look(self, now: float) -> None:
        """Do what is due at `now`, monotonic seconds."""
        silent = now - self._renewed_at
        if silent < ASK_S:
            return
        for process_id, fenced in self._guarded.items():
            if not fenced.strict and not (self._others and silent >= LEASE_S):
                continue
            found = spawn.find(fenced.pid, fenced.created)
            if found is None:
                continue
            if process_id not in self._asked:
                self._asked.add(process_id)
                self.acted = True
                log.warning("no contact with the database for %.0f s: asking %d to stop", silent, found.pid)
                spawn.terminate(found.pid)
            elif fenced.strict and silent >= KILL_S:
                log.warning("no contact with the database for %.0f s: killing %d", silent, found.pid)
                spawn.kill(found.pid)
