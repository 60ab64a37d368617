"""What became of an incident, oldest first: opened, told to whom, handled by whom, resolved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.alerts.models import Delivery, Incident
from mqadmin.alerts.pages import tones
from mqadmin.core import permissions
from mqadmin.core.models import AuditEntry
from mqadmin.core.pages import prose
from mqadmin.core.tones import Tone

MOST = 200
ACTS = ("incident.acknowledge", "incident.reopen", "incident.snooze", "incident.wake")


@dataclass(frozen=True)
class Step:
    """One thing that happened. `text` may hold what a service answered: from outside, never markup."""

    at: datetime
    title: str
    text: str = ""
    tone: Tone = "grey"

    @property
    def is_today(self) -> bool:
        return timezone.localtime(self.at).date() == timezone.localdate()


def steps(incident: Incident) -> list[Step]:
    """Return the newest `MOST` steps of an incident. Two indexed reads."""
    # Messages, and their answers, tell of all that is in it.
    deliveries = incident.deliveries.order_by("-id")[:MOST] if permissions.allows(incident.broker) else ()
    acts = AuditEntry.objects.filter(
        action__in=ACTS,
        broker=incident.broker,
        detail__incident=incident.pk,
        outcome=AuditEntry.Outcome.DONE,
        at__gte=incident.opened_at,
        at__lte=incident.resolved_at or timezone.now(),
    )[:MOST]
    return made(incident, deliveries, acts)


def made(incident: Incident, deliveries: Iterable[Delivery], acts: Iterable[AuditEntry]) -> list[Step]:
    """Return the steps in the order of time. Pure."""
    tone = tones.SEVERITY[incident.severity]
    found = [Step(incident.opened_at, _("Opened"), incident.get_severity_display(), tone)]
    found += map(_told, deliveries)
    noted = list(map(_act, acts))
    found += noted
    by_hand = any(step.title == _("Acknowledged") for step in noted)
    if incident.acknowledged_at and not by_hand:
        found.append(Step(incident.acknowledged_at, _("Acknowledged"), incident.acknowledged_by, "blue"))
    if incident.resolved_at:
        found.append(
            Step(incident.resolved_at, _("Resolved"), _("by itself: nothing fires any more"), "green")
        )
    return sorted(found, key=lambda step: step.at)


def _told(delivery: Delivery) -> Step:
    what, channel = delivery.get_what_display(), delivery.channel_name
    words = {
        Delivery.State.SENT: _("%(channel)s was told: %(what)s"),
        Delivery.State.FAILED: _("%(channel)s could not be told: %(what)s"),
    }
    title = words.get(Delivery.State(delivery.state), _("%(channel)s is to be told: %(what)s"))
    tries = _("Tried %(n)s times.") % {"n": delivery.attempts} if delivery.attempts > 1 else ""
    text = prose.paragraph((delivery.answer, tries))
    return Step(
        delivery.ended_at or delivery.made_at,
        title % {"channel": channel, "what": what},
        text,
        tones.DELIVERY[delivery.state],
    )


def _act(entry: AuditEntry) -> Step:
    titles = {
        "incident.acknowledge": _("Acknowledged"),
        "incident.reopen": _("Acknowledgement taken back"),
        "incident.snooze": _("Snoozed"),
        "incident.wake": _("Woken"),
    }
    return Step(entry.at, titles[entry.action], entry.actor, "blue")
