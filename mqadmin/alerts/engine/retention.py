"""Incidents that are over, what was sent of them, and silences: deleted when they are old, a few at a time."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from mqadmin.alerts.models import Alert, Delivery, Incident, Silence
from mqadmin.core.rows.deleting import Steps

STEP_SECONDS = 10.0


def forget() -> str:
    """Delete what is older than MQADMIN_ALERTS_DAYS (0: nothing is); returns what went, in words."""
    if not settings.MQADMIN_ALERTS_DAYS:
        return ""
    before = timezone.now() - timedelta(days=settings.MQADMIN_ALERTS_DAYS)
    steps = Steps(STEP_SECONDS)
    old = Incident.objects.filter(resolved_at__lt=before).order_by("id")
    gone = 0
    while steps.goes_on and (ids := list(old.values_list("pk", flat=True)[:100])):
        # Their alerts may be thousands: they go first, in steps.
        if _delete(Alert.objects.filter(incident__in=ids), steps):
            Delivery.objects.filter(incident__in=ids).delete()
            gone += Incident.objects.filter(pk__in=ids).delete()[0]
    Delivery.objects.filter(incident=None, made_at__lt=before).exclude(state__in=Delivery.OPEN).delete()
    Silence.objects.filter(ends_at__lt=before).delete()
    return f"{gone} incidents" if gone else ""


def _delete(alerts: QuerySet[Alert], steps: Steps) -> bool:
    """Delete alerts; returns whether there was time for all of them."""
    while ids := list(alerts.order_by("pk").values_list("pk", flat=True)[: steps.size]):
        if not steps.goes_on:
            return False
        steps.delete(Alert.objects.filter(pk__in=ids))
    return True
