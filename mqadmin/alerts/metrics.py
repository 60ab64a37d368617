"""Incidents, the outbox and the engine as metrics: four small queries."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count

from mqadmin.alerts.acts import state
from mqadmin.alerts.models import Alert, Delivery, Incident, Severity
from mqadmin.core.exposition import Family, labels


def families() -> Iterator[Family]:
    """Return what is open now, what waits to be sent, and whether rules are evaluated."""
    rows = Incident.objects.filter(resolved_at=None).order_by().values_list("broker", "severity")
    yield Family(
        "mqadmin_incidents_open",
        "gauge",
        "Incidents that are not resolved, by broker (empty: mqadmin itself) and severity.",
        [
            (labels(broker=broker, severity=Severity(severity).name.lower()), count)
            for broker, severity, count in sorted(rows.annotate(count=Count("pk")))
        ],
    )
    yield Family(
        "mqadmin_alerts_firing",
        "gauge",
        "Alerts that fire: rules by what they speak of.",
        [("", Alert.objects.filter(state=Alert.State.FIRING).count())],
    )
    yield Family(
        "mqadmin_alert_messages_waiting",
        "gauge",
        "Messages that were not sent yet.",
        [("", Delivery.objects.filter(state__in=Delivery.OPEN).count())],
    )
    yield Family(
        "mqadmin_alerts_evaluated",
        "gauge",
        "Whether a monitor evaluates the rules.",
        [("", int(state.engine().is_on))],
    )
