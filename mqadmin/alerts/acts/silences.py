"""Silences and maintenance windows: while they last, nothing is told of what they cover."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.alerts.models import Rule, Silence
from mqadmin.alerts.rules import checking
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal

LONGEST = timedelta(days=90)


def begin(
    *,
    by: Actor,
    reason: str,
    ends_at: datetime,
    begins_at: datetime | None = None,
    broker: str = "",
    queues: str = "",
    rule: Rule | None = None,
) -> Silence:
    """Make a silence, from now on or from a time to come. Raises Refusal (422) with the faults by field."""
    now = timezone.now()
    start = begins_at or now
    faults = checking.where(broker, queues)
    if not reason.strip():
        faults["reason"] = _("Say why: others will ask.")
    if ends_at <= max(start, now):
        faults["ends_at"] = _("It must end after it begins, and not before now.")
    elif ends_at - start > LONGEST:
        faults["ends_at"] = _("90 days at most.")
    if faults:
        raise Refusal(next(iter(faults.values())), "invalid", status=422, fields=faults)
    detail = {"queues": queues, "rule": rule.name if rule else "", "begins_at": start.isoformat()}
    detail["ends_at"] = ends_at.isoformat()
    with audit.act(by=by, action="silence.begin", broker=broker, target=reason.strip(), detail=detail):
        return Silence.objects.create(
            broker=broker,
            queues=queues.strip(),
            rule=rule,
            begins_at=start,
            ends_at=ends_at,
            reason=reason.strip()[:300],
            by=by.name,
        )


def end(*, by: Actor, silence: Silence) -> None:
    """End a silence now; one that has not begun goes altogether. Raises Refusal for one that is over."""
    now = timezone.now()
    with audit.act(by=by, action="silence.end", broker=silence.broker, target=silence.reason):
        if Silence.objects.filter(pk=silence.pk, begins_at__gt=now).delete()[0]:
            return
        if not Silence.objects.filter(pk=silence.pk, ends_at__gt=now).update(ends_at=now):
            raise Refusal(_("It is over already."))


def current(now: datetime | None = None) -> QuerySet[Silence]:
    """Return those that last now."""
    moment = now or timezone.now()
    return Silence.objects.filter(begins_at__lte=moment, ends_at__gt=moment).select_related("rule")


def coming(now: datetime | None = None) -> QuerySet[Silence]:
    """Return those that begin later, the next first."""
    found = Silence.objects.filter(begins_at__gt=now or timezone.now())
    return found.select_related("rule").order_by("begins_at")
