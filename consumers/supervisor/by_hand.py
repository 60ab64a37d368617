"""Processes that no supervisor started, where one has a part in them all the same. All raise django.db.Error."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from consumers.models import ConsumerProcess
from consumers.supervisor import rows
from consumers.supervisor.machine import spawn, states

SILENT = timedelta(seconds=60)
"""A process that no supervisor watches and that has been silent for so long is over, as far as rows go."""
WITHOUT_A_WORD = "ended without a word: killed, or its machine went away"


def kill_as_asked(host: str) -> None:
    """Kill those of this host that a person wants killed."""
    for row in rows.by_hand_to_kill(host):
        found = spawn.find(row.pid, row.pid_created)
        if found is not None:
            spawn.kill(found.pid)
        rows.event(row.pk, "killed", f"Process {row.pid} was killed, as asked")
        rows.ended(row.pk, states.STOPPED, "killed, as asked")


def close_silent() -> None:
    """Close the rows of those that ended without a word; else their consumer would be shown as lost for ever.

    One that was only cut off from the database opens its row again with its next report.
    """
    since = timezone.now() - SILENT
    silent = Q(heartbeat_at__lt=since) | Q(heartbeat_at=None, started_at__lt=since)
    left = ConsumerProcess.objects.filter(silent, supervisor="", ended_at=None)
    for process_id in left.values_list("pk", flat=True):
        rows.ended(process_id, states.STOPPED, WITHOUT_A_WORD)
