"""What an evaluation decided, written in one transaction: alerts, incidents, and the messages about them.

Rows that others changed meanwhile end it: nothing is written, and the next evaluation sees them as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F

from mqadmin.alerts.engine import telling_now
from mqadmin.alerts.engine.grouping import Group, state
from mqadmin.alerts.engine.planning import Plan
from mqadmin.alerts.engine.telling_now import Wanted
from mqadmin.alerts.models import Alert, Delivery, Incident

CHUNK = 500
State = Alert.State


class Raced(Exception):
    """Somebody changed a row between reading and writing."""


def write(plan: Plan, groups: Sequence[Group], wanted: Sequence[Wanted], now: datetime) -> int:
    """Write it all, or nothing; returns how many messages. Raises Raced, django.db.Error."""
    try:
        with transaction.atomic():
            for group in groups:
                _incident(group)
            _alerts(plan, groups, now)
            deliveries = telling_now.written(wanted, now)
            Delivery.objects.bulk_create(deliveries, batch_size=CHUNK)
            return len(deliveries)
    except IntegrityError as error:
        raise Raced(str(error)) from error


def _incident(group: Group) -> None:
    incident = group.incident
    if group.before is None:
        incident.save(force_insert=True)
        return
    now = state(incident)
    changed = {name: value for name, value in now.items() if value != group.before[name]}
    if not changed:
        return
    still = Incident.objects.filter(pk=incident.pk, version=incident.version, resolved_at=None)
    if not still.update(version=F("version") + 1, **changed):
        raise Raced(f"incident {incident.pk}")


def _alerts(plan: Plan, groups: Sequence[Group], now: datetime) -> None:
    _change(plan.fine, State.FIRING, fine_since=now)
    _change(plan.again, State.FIRING, fine_since=None)
    _change(plan.resolve, State.FIRING, state=State.RESOLVED, resolved_at=now)
    for chunk in _chunks(plan.drop):
        Alert.objects.filter(pk__in=[alert.pk for alert in chunk], state=State.PENDING).delete()
    Alert.objects.bulk_create(plan.begin, batch_size=CHUNK)
    for group in groups:
        waited = [alert for alert in group.new if alert.pk is not None]
        fresh = [alert for alert in group.new if alert.pk is None]
        # What they are said to fire for is the evidence with which they began to wait.
        _change(waited, State.PENDING, state=State.FIRING, firing_at=now, incident=group.incident)
        for alert in fresh:
            alert.incident = group.incident
        Alert.objects.bulk_create(fresh, batch_size=CHUNK)


def _change(alerts: Sequence[Alert], still: str, **values: object) -> None:
    for chunk in _chunks(alerts):
        rows = Alert.objects.filter(pk__in=[alert.pk for alert in chunk], state=still)
        if rows.update(**values) != len(chunk):
            raise Raced("an alert")


def _chunks(alerts: Sequence[Alert]) -> list[Sequence[Alert]]:
    return [alerts[at : at + CHUNK] for at in range(0, len(alerts), CHUNK)]
