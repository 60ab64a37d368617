"""A restore while it goes on and after: how far it is, its objects in the order in which one wants to see them."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, Count, IntegerField, QuerySet, Value, When
from django.utils import timezone

from mqadmin.core import tones
from mqadmin.core.acts import progress
from mqadmin.core.models import Operation
from mqadmin.definitions.models import RestoreStep

Outcome = RestoreStep.Outcome


def rows(operation: Operation) -> QuerySet[RestoreStep]:
    """Return the objects: what failed first, then what was left alone, what is done, what waits."""
    order = (Outcome.FAILED, Outcome.CHANGED, Outcome.DONE, Outcome.SENT)
    place = Case(
        *(When(outcome=outcome, then=Value(at)) for at, outcome in enumerate(order)),
        default=Value(len(order)),
        output_field=IntegerField(),
    )
    return RestoreStep.objects.filter(operation=operation).order_by(place, "number")


def state(operation: Operation) -> dict[str, Any]:
    """Return what the head of the page shows: counts by outcome, speed, what may be done with it."""
    found = RestoreStep.objects.filter(operation=operation).order_by().values_list("outcome")
    counts = dict(found.annotate(n=Count("pk")))
    is_open = operation.status in Operation.OPEN
    return {
        "operation": operation,
        "broker": operation.broker,
        "tone": tones.OPERATION[operation.status],
        "handled": operation.done + operation.failed,
        "is_open": is_open,
        "left": counts.get(Outcome.PENDING, 0),
        "changed": counts.get(Outcome.CHANGED, 0),
        "unread": counts.get(Outcome.SENT, 0),
        "is_kept": bool(counts),
        "rate": progress.rate(operation),
        "eta": progress.eta_seconds(operation),
        "seconds": _seconds(operation),
    }


def _seconds(operation: Operation) -> float | None:
    if operation.started_at is None:
        return None
    return ((operation.finished_at or timezone.now()) - operation.started_at).total_seconds()
