"""Incidents as pages and API show them: what each is at, which come first, who was first to handle one."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.alerts.acts import incidents
from mqadmin.alerts.acts.incidents import State
from mqadmin.alerts.models import Alert, Incident, Severity
from mqadmin.alerts.pages import tones
from mqadmin.alerts.telling import members, messages
from mqadmin.core import permissions
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import formats
from mqadmin.core.rights import asking
from mqadmin.core.tones import Tone

MORNING = 8  # the hour that "until tomorrow" means, in the server's time zone
SPANS = {"15m": timedelta(minutes=15), "1h": timedelta(hours=1), "4h": timedelta(hours=4)}
TOMORROW = "tomorrow"
MOST_MINUTES = 60 * 24 * 366  # of a snooze as it is asked for; `incidents.snooze` says what is too long


@dataclass(frozen=True)
class Row:
    """One incident of a list. `seen`: until when it is snoozed, as an act on it says it back."""

    incident: Incident
    state: State
    words: list[str]

    @property
    def tone(self) -> Tone:
        return "green" if self.state == "resolved" else tones.SEVERITY[self.incident.severity]

    @property
    def severity_tone(self) -> Tone:
        return "grey" if self.state == "resolved" else tones.SEVERITY[self.incident.severity]

    @property
    def is_open(self) -> bool:
        return self.state != "resolved"

    @property
    def is_acknowledged(self) -> bool:
        return self.incident.acknowledged_at is not None

    @property
    def is_snoozed(self) -> bool:
        return self.state == "snoozed"

    @property
    def seen(self) -> str:
        until = self.incident.snoozed_until
        return until.isoformat() if until and self.is_snoozed else ""

    @property
    def snooze_query(self) -> str:
        return "?" + urlencode({"seen": self.seen}) if self.seen else ""

    @property
    def lasted(self) -> float:
        return ((self.incident.resolved_at or timezone.now()) - self.incident.opened_at).total_seconds()


def rows(found: Iterable[Incident]) -> list[Row]:
    """Return what a list shows of incidents."""
    now = timezone.now()
    return [row(incident, now) for incident in found]


def theirs(incident: Incident) -> Incident:
    """Return an incident as far as it is of things that who asks may see: the same where they see the whole broker.

    What is told of it else names queues of others, and counts them.
    """
    with asking.needing("view"):
        if permissions.allows(incident.broker):
            return incident
        alerts = list(Alert.objects.filter(incident=incident).select_related("rule"))
    firing = [members.of(item, item.rule) for item in alerts if item.state == Alert.State.FIRING]
    found = [members.of(item, item.rule) for item in alerts]
    shown = copy.copy(incident)
    shown.title = messages.incident_title(incident, firing or found)
    shown.severity = max((item.severity for item in firing or found), default=Severity.INFO)
    shown.firing, shown.most = len(members.subjects(firing)), len(members.subjects(found))
    shown.opened_at = min((item.firing_at or item.since for item in alerts), default=incident.opened_at)
    if not firing and incident.is_open:  # something of others goes on
        shown.resolved_at = max((item.resolved_at for item in alerts if item.resolved_at), default=None)
    return shown


def row(incident: Incident, now: datetime | None = None) -> Row:
    """Return what is shown of one."""
    incident = theirs(incident)
    state = incidents.state(incident, now)
    return Row(incident, state, _words(incident, state))


def _words(incident: Incident, state: State) -> list[str]:
    words = []
    if incident.acknowledged_at:
        values = {"who": incident.acknowledged_by, "at": clock(incident.acknowledged_at)}
        words.append(_("Acknowledged by %(who)s at %(at)s.") % values)
    if state == "snoozed":
        values = {"who": incident.snoozed_by, "until": clock(incident.snoozed_until)}
        words.append(_("Snoozed by %(who)s until %(until)s.") % values)
    if incident.is_silenced and state != "resolved":
        words.append(_("Silenced: nobody is told."))
    if state == "firing" and not incident.told_at:
        words.append(_("Nobody was told."))
    return words


def firing(broker: str = "") -> QuerySet[Incident]:
    """Return the open ones: what nobody looks after first, then the worst, then the newest."""
    handled = Q(acknowledged_at__isnull=False) | Q(snoozed_until__gt=timezone.now()) | Q(is_silenced=True)
    rank = Case(When(handled, then=Value(1)), default=Value(0), output_field=IntegerField())
    return incidents.open_now(broker).order_by(rank, "-severity", "-opened_at", "-id")


def unhandled(broker: str = "") -> QuerySet[Incident]:
    """Return the open ones that nobody acknowledged, snoozed or silenced."""
    found = incidents.open_now(broker).filter(acknowledged_at=None, is_silenced=False)
    return found.exclude(snoozed_until__gt=timezone.now())


def resolved(broker: str = "") -> QuerySet[Incident]:
    """Return those that are over, the last first."""
    found = Incident.objects.filter(resolved_at__isnull=False).order_by(F("resolved_at").desc(), "-id")
    return found.filter(broker=broker) if broker else found


def until(span: str, now: datetime) -> datetime | None:
    """Return the end of a snooze that is asked for as "15m", "1h", "4h", "tomorrow"; None for anything else."""
    if span == TOMORROW:
        morning = timezone.localtime(now) + timedelta(days=1)
        return morning.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    return now + SPANS[span] if span in SPANS else None


def spans() -> list[tuple[str, str]]:
    """Return the snoozes that are offered, as (value, words)."""
    return [
        ("15m", _("15 min")),
        ("1h", _("1 h")),
        ("4h", _("4 h")),
        (TOMORROW, _("until tomorrow, %(hour)02d:00") % {"hour": MORNING}),
    ]


def snooze(*, by: Actor, incident: Incident, ends: datetime | None, seen: datetime | None) -> Incident:
    """Snooze until `ends`. `seen`: until when it was snoozed when the person decided, None for not at all.

    Raises Refusal: 422 for no end, or none that is possible; 409 naming who snoozed it since.
    """
    if ends is None:
        raise Refusal(_("Say for how long."), "invalid", status=422, fields={"until": _("Say for how long.")})
    if row(incident).is_snoozed and not _is_same(incident.snoozed_until, seen):
        values = {"who": incident.snoozed_by, "until": clock(incident.snoozed_until)}
        raise Refusal(_("%(who)s was first: it is snoozed until %(until)s.") % values)
    return incidents.snooze(by=by, incident=incident, until=ends)


def _is_same(one: datetime | None, other: datetime | None) -> bool:
    """Whether two times are the same but for what a clock of another kind leaves out of a second."""
    return one is not None and other is not None and abs(one - other) < timedelta(seconds=1)


def seen(text: str) -> datetime | None:
    """Return the time of `Row.seen` as it comes back; None for what is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def clock(moment: datetime | None) -> str:
    """Return "14:20" for a time of about today, "30 Nov 08:00" for another, in the server's time zone."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    is_near = abs(local - timezone.localtime()) < timedelta(hours=12)
    return formats.moment(local, "H:i" if is_near else "j M H:i")
