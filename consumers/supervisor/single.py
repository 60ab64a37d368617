"""Who runs a consumer that must never run twice, and whether it may be started beside that."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta

from consumers.models import Consumer, ConsumerProcess
from consumers.supervisor.machine import spawn

HEARD = timedelta(seconds=10)  # so long after its last sign a process without a supervisor counts as there


def holder(consumer: Consumer, now: datetime) -> ConsumerProcess | None:
    """Return the process that has `consumer`, which is `single`; None when none does.

    `now`: by the clock of the database. Raises django.db.Error.
    """
    open_rows = ConsumerProcess.objects.filter(consumer=consumer, ended_at=None)
    return next((row for row in open_rows if _has_it(row, now)), None)


def is_held_by_hand(consumer: Consumer, now: datetime) -> bool:
    """Whether a process has it that no supervisor started. Raises django.db.Error."""
    found = holder(consumer, now)
    return found is not None and not found.supervisor


def words(row: ConsumerProcess) -> str:
    """Say who has it."""
    return f"it may run once only, and process {row.pid or '?'} on {row.host} has it"


def _has_it(row: ConsumerProcess, now: datetime) -> bool:
    if row.supervisor:  # in backoff too: its supervisor starts it again
        return row.state != ConsumerProcess.State.FAILED and (
            row.lease_until is None or row.lease_until > now
        )
    heard = max((at for at in (row.heartbeat_at, row.started_at) if at is not None), default=None)
    if heard is None or now - heard > HEARD:
        return False
    # Its own machine knows better: what crashed there a moment ago is gone.
    return row.host != socket.gethostname() or spawn.find(row.pid, row.pid_created) is not None
