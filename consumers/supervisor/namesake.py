"""Two supervisors of one name on two machines: each would take the other's processes for its own, and for dead.

The lock on a file (`lock`) keeps them apart on one machine alone. Containers and cloned machines may share a name.
"""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

from consumers.models import SupervisorHost
from consumers.supervisor import rows
from consumers.supervisor.machine.lock import AlreadySupervised

WATCH_S = 5.0  # more than two heartbeats of the other

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def mark(pid: int, started_at: datetime) -> str:
    """Return what tells one run of a supervisor from all others, also from those in a clone of this machine."""
    try:
        boot = _BOOT_ID.read_text().strip()
    except OSError:
        boot = ""
    return f"{pid} {started_at.isoformat()} {boot}"


class Namesake:
    """Finds out whether a supervisor of this name is at work elsewhere. For one thread.

    `before`: the mark that the last holder of the lock on this machine left: it has ended, since the lock is free.
    """

    def __init__(self, name: str, before: str) -> None:
        self._name = name
        self._before = before
        self._since = 0.0
        self._seen: datetime | None = None  # its heartbeat at the first look

    def is_gone(self) -> bool:
        """Whether nobody else is at work under this name; to be asked again while it is not known.

        Raises AlreadySupervised when somebody is; django.db.Error.
        """
        fresh = rows.database_now() - rows.SUPERVISOR_SILENT
        row = SupervisorHost.objects.filter(name=self._name, heartbeat_at__gte=fresh).first()
        if row is None or mark(row.pid, row.started_at) == self._before:
            return True
        if self._seen is None:
            self._seen, self._since = row.heartbeat_at, time.monotonic()
        if row.heartbeat_at != self._seen:
            raise AlreadySupervised(words(self._name, row.machine, row.pid))
        return time.monotonic() - self._since > WATCH_S


def words(name: str, machine: str, pid: int) -> str:
    """Say that two have one name, and what to do."""
    return (
        f"Another supervisor named {name} works on this database (machine {machine or 'unknown'}, pid {pid}). "
        "Each must have a name of its own: give this one another --name."
    )
