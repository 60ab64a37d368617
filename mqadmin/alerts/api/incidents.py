"""The API's calls for incidents: what fires, what is over, and who looks after it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from mqadmin.alerts.acts import incidents as acts
from mqadmin.alerts.api import severities
from mqadmin.alerts.models import Alert, Incident
from mqadmin.alerts.pages import incidents, subjects
from mqadmin.alerts.telling import members
from mqadmin.core.acts import audit
from mqadmin.core.api.paging import Page, paginate
from mqadmin.core.api.plumbing import OPERATE, VIEW, Body, PageQuery, one
from mqadmin.core.api.times import Moment

router = Router(tags=["alerts"], auth=VIEW.of("rows"))

SUBJECTS_SHOWN = 200


class IncidentOut(Schema):
    """Alerts of one broker and one kind of trouble, together. `broker` "": mqadmin itself.

    `firing`: for how many queues, consumers and so on now; `most`: at its worst. `told_at`: when a message about it
    was decided last, null for never.
    """

    id: int
    broker: str
    kind: str
    severity: severities.Name
    state: Literal["firing", "acknowledged", "snoozed", "silenced", "resolved"]
    title: str
    firing: int
    most: int
    silenced: bool
    opened_at: datetime
    resolved_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    snoozed_until: datetime | None
    snoozed_by: str
    told_at: datetime | None
    escalated_at: datetime | None

    @staticmethod
    def resolve_severity(obj: Incident) -> severities.Name:
        return severities.NAMES[obj.severity]

    @staticmethod
    def resolve_state(obj: Incident) -> str:
        return acts.state(obj)

    @staticmethod
    def resolve_silenced(obj: Incident) -> bool:
        return obj.is_silenced


class AlertOut(Schema):
    """One thing that fires, or fired. `subject`: what `name` is the name of; `queue_id`: of a queue."""

    subject: str
    vhost: str
    name: str
    queue_id: int | None
    rule_id: int
    state: str
    since: datetime
    resolved_at: datetime | None
    value: float | None
    why: str

    @staticmethod
    def resolve_queue_id(obj: Alert) -> int | None:
        return obj.row_id if obj.subject == Alert.Subject.QUEUE else None

    @staticmethod
    def resolve_why(obj: Alert) -> str:
        return subjects.why(members.of(obj, obj.rule))


class IncidentDetailOut(IncidentOut):
    """An incident with what fires in it, at most 200, and what helps."""

    alerts: list[AlertOut]
    advice: list[str]

    @staticmethod
    def resolve_alerts(obj: Incident) -> list[Alert]:
        return list(subjects.of(obj)[:SUBJECTS_SHOWN])

    @staticmethod
    def resolve_advice(obj: Incident) -> list[str]:
        return subjects.advice(obj, subjects.of(obj)[:SUBJECTS_SHOWN])


class IncidentList(Schema):
    items: list[IncidentOut]
    total: int
    next: str | None


class IncidentQuery(PageQuery):
    """Which incidents: those that fire, acknowledged or silenced ones too, those that are resolved, or both."""

    state: Literal["firing", "resolved"] | None = None
    broker: str | None = None


class SnoozeIn(Body):
    """For how many minutes, or until when. `seen_until`: until when you saw it snoozed; null: not at all."""

    minutes: int | None = Field(None, ge=1)
    until: Moment | None = None
    seen_until: Moment | None = None


@router.get("/alerts", response=IncidentList)
def incident_list(request: HttpRequest, wanted: Query[IncidentQuery]) -> Page:
    """List incidents: the newest first, of resolved ones those that ended last."""
    return found(wanted)


def found(wanted: IncidentQuery) -> Page:
    """Return a page of incidents."""
    rows, order = Incident.objects.all(), ["-opened_at", "-id"]
    if wanted.state == "firing":
        rows = acts.open_now()
    elif wanted.state == "resolved":
        rows, order = rows.filter(resolved_at__isnull=False), ["-resolved_at", "-id"]
    if wanted.broker is not None:
        rows = rows.filter(broker=wanted.broker)
    page = paginate(rows, limit=wanted.limit, cursor=wanted.cursor, order=order)
    page["items"] = [incidents.theirs(item) for item in page["items"]]
    return page


@router.get("/alerts/{int:incident_id}", response=IncidentDetailOut)
def incident_detail(request: HttpRequest, incident_id: int) -> Incident:
    """Show one incident: what fires in it and why, and what helps."""
    return incidents.theirs(the_incident(incident_id))


@router.post("/alerts/{int:incident_id}/acknowledge", response=IncidentOut, auth=OPERATE.of("rows"))
def incident_acknowledge(request: HttpRequest, incident_id: int) -> Incident:
    """Say that somebody looks after it: it is not repeated, not escalated. 409 names who did so before."""
    return incidents.theirs(acts.acknowledge(incident=the_incident(incident_id), by=audit.actor(request)))


@router.post("/alerts/{int:incident_id}/reopen", response=IncidentOut, auth=OPERATE.of("rows"))
def incident_reopen(request: HttpRequest, incident_id: int) -> Incident:
    """Take the acknowledgement back."""
    return incidents.theirs(acts.reopen(incident=the_incident(incident_id), by=audit.actor(request)))


@router.post("/alerts/{int:incident_id}/snooze", response=IncidentOut, auth=OPERATE.of("rows"))
def incident_snooze(request: HttpRequest, incident_id: int, wanted: SnoozeIn) -> Incident:
    """Have nobody told of it for a while, unless it gets worse. 409 names who snoozed it before."""
    incident = the_incident(incident_id)
    ends = wanted.until
    if wanted.minutes is not None:
        ends = timezone.now() + timedelta(minutes=min(wanted.minutes, incidents.MOST_MINUTES))
    by, seen = audit.actor(request), wanted.seen_until
    return incidents.theirs(incidents.snooze(by=by, incident=incident, ends=ends, seen=seen))


@router.post("/alerts/{int:incident_id}/wake", response=IncidentOut, auth=OPERATE.of("rows"))
def incident_wake(request: HttpRequest, incident_id: int) -> Incident:
    """End a snooze before its time."""
    return incidents.theirs(acts.wake(incident=the_incident(incident_id), by=audit.actor(request)))


def the_incident(pk: int) -> Incident:
    """Return one incident. Raises ApiError 404."""
    return one(Incident.objects.filter(pk=pk), _("There is no alert %(id)s.") % {"id": pk})
