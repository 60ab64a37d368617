"""Incidents: acknowledged, snoozed, and found by the link in a message."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Literal

from django.core import signing
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.alerts.models import Alert, Incident
from mqadmin.alerts.telling import links
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.core.rights import asking

LONGEST_SNOOZE = timedelta(days=30)
State = Literal["firing", "acknowledged", "snoozed", "silenced", "resolved"]


def state(incident: Incident, now: datetime | None = None) -> State:
    """Return what an incident is at, in one word."""
    if incident.resolved_at is not None:
        return "resolved"
    if incident.snoozed_until is not None and incident.snoozed_until > (now or timezone.now()):
        return "snoozed"
    if incident.acknowledged_at is not None:
        return "acknowledged"
    return "silenced" if incident.is_silenced else "firing"


def open_now(broker: str = "") -> QuerySet[Incident]:
    """Return the open incidents, the worst and newest first; of one broker and of mqadmin itself, or all."""
    found = Incident.objects.filter(resolved_at=None).order_by("-severity", "-opened_at", "-id")
    if asking.limited() is not None:  # else one that goes on with things of others alone would be among them
        found = found.filter(pk__in=Alert.objects.filter(state=Alert.State.FIRING).values("incident_id"))
    return found.filter(broker__in=(broker, "")) if broker else found


def acknowledge(*, by: Actor, incident: Incident) -> Incident:
    """Note that somebody looks after it: it is not repeated or escalated. Raises Refusal when it is over."""
    with _act(by, "incident.acknowledge", incident):
        _change(
            incident, acknowledged_at=None, to={"acknowledged_at": timezone.now(), "acknowledged_by": by.name}
        )
    return incident


def reopen(*, by: Actor, incident: Incident) -> Incident:
    """Take the acknowledgement back. Raises Refusal when it is over."""
    with _act(by, "incident.reopen", incident):
        _change(incident, acknowledged_at__isnull=False, to={"acknowledged_at": None, "acknowledged_by": ""})
    return incident


def snooze(*, by: Actor, incident: Incident, until: datetime) -> Incident:
    """Have nothing told of it until then, unless it gets worse.

    Raises Refusal, also where somebody snoozed or woke it since `incident` was read: of two, one wins.
    """
    now = timezone.now()
    if not now < until <= now + LONGEST_SNOOZE:
        text = _("A time to come, within 30 days.")
        raise Refusal(text, "invalid", status=422, fields={"until": text})
    with _act(by, "incident.snooze", incident, until=until.isoformat()):
        seen = incident.snoozed_until
        _change(incident, snoozed_until=seen, to={"snoozed_until": until, "snoozed_by": by.name})
    return incident


def wake(*, by: Actor, incident: Incident) -> Incident:
    """End a snooze. Raises Refusal when it is over."""
    with _act(by, "incident.wake", incident):
        _change(incident, snoozed_until__isnull=False, to={"snoozed_until": None, "snoozed_by": ""})
    return incident


def by_link(token: str) -> Incident:
    """Return the incident of a link in a message. Raises Refusal: 404 for no link of ours, 410 for an old one."""
    try:
        found = Incident.objects.filter(pk=links.read(token)).first()
    except signing.BadSignature:
        raise Refusal(
            _("This link is not one of mqadmin's, or not the whole of it."), "not_found", status=404
        ) from None
    except links.Expired:
        text = _("This link has expired. Sign in and look for the incident there.")
        raise Refusal(text, "expired", status=410) from None
    if found is None:
        raise Refusal(_("This incident is not kept any more."), "not_found", status=404)
    return found


def _act(by: Actor, action: str, incident: Incident, **detail: str) -> AbstractContextManager[AuditEntry]:
    """Record an act. An incident's title follows what fires in it, so its number is noted too."""
    return audit.act(
        by=by,
        action=action,
        broker=incident.broker,
        target=incident.title,
        detail={"incident": incident.pk, **detail},
    )


def _change(incident: Incident, to: dict[str, Any], **still: Any) -> None:
    """Write while it is open and still as `still` says; then read it again."""
    open_ones = Incident.objects.filter(pk=incident.pk, resolved_at=None, **still)
    changed = open_ones.update(version=F("version") + 1, **to)
    incident.refresh_from_db()
    if not changed:
        raise Refusal(_already(incident, to))


def _already(incident: Incident, to: dict[str, Any]) -> str:
    if incident.resolved_at is not None:
        return _("It is resolved already.")
    if to.get("snoozed_by") and incident.snoozed_until is not None:
        return _("%(name)s snoozed it already.") % {"name": incident.snoozed_by}
    if to.get("acknowledged_by") and incident.acknowledged_at is not None:
        return _("%(name)s acknowledged it already.") % {"name": incident.acknowledged_by}
    return _("It is so no more: somebody else was first.")
