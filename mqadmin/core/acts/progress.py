"""How fast an operation goes, and when it will be through."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from mqadmin.core.models import Operation

Status = Operation.Status


def rate(operation: Operation, now: datetime | None = None) -> float | None:
    """Return how many items a second: while it runs, since the worker took it; once ended, over all of it.

    None while it waits or is paused.
    """
    if operation.started_at is None or operation.status in (Status.PENDING, Status.PAUSED):
        return None
    begun, handled = operation.started_at.timestamp(), operation.done + operation.failed
    if operation.status == Status.RUNNING and "run" in operation.params:
        begun, handled = operation.params["run"]["at"], handled - operation.params["run"]["handled"]
    seconds = (operation.finished_at or now or timezone.now()).timestamp() - begun
    return handled / seconds if seconds > 0 else None


def eta_seconds(operation: Operation, now: datetime | None = None) -> float | None:
    """Return the seconds left at that rate; None unless it is running and the rate is known."""
    speed = rate(operation, now)
    if operation.status != Status.RUNNING or not speed:
        return None
    return max(0.0, operation.total - operation.done - operation.failed) / speed
