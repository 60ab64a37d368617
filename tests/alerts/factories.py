"""Rows of alerts, in one line each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from mqadmin.alerts.models import Alert, Channel, Incident, Rule, Severity, Silence


def make_rule(**values: Any) -> Rule:
    """Return a rule of a person's own: more than 1,000 ready."""
    given = {"name": "too long", "about": "number", "field": "ready", "value": 1000.0, "changed_by": "ann"}
    return Rule.objects.create(**given | values)


def make_channel(**values: Any) -> Channel:
    """Return a channel whose variable nobody has set."""
    return Channel.objects.create(**{"name": "ops", "variable": "MQADMIN_ALERT_NOT_SET"} | values)


def make_incident(**values: Any) -> Incident:
    """Return an incident that fires and nobody looks after."""
    given = {
        "broker": "default",
        "kind": "verdict:no_consumers",
        "severity": Severity.CRITICAL,
        "title": "orders has nobody listening",
        "firing": 1,
        "most": 1,
        "opened_at": timezone.now() - timedelta(minutes=5),
    }
    return Incident.objects.create(**given | values)


def make_alert(incident: Incident | None, rule: Rule, **values: Any) -> Alert:
    """Return what fires about the queue `orders`."""
    given = {
        "state": Alert.State.FIRING,
        "subject": Alert.Subject.QUEUE,
        "broker": "default",
        "vhost": "/",
        "name": "orders",
        "value": 5000.0,
        "since": timezone.now() - timedelta(minutes=6),
    }
    return Alert.objects.create(rule=rule, incident=incident, **given | values)


def make_silence(**values: Any) -> Silence:
    """Return a silence of everything that lasts an hour yet."""
    now = timezone.now()
    given = {
        "reason": "new disks",
        "begins_at": now - timedelta(hours=1),
        "ends_at": now + timedelta(hours=1),
        "by": "ann",
    }
    return Silence.objects.create(**given | values)
