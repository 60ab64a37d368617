"""What alerts show on pages of the apps below: attention on the overview, the badge, a queue's panel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from django.db.models import Count, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.alerts.acts import silences
from mqadmin.alerts.models import Alert, Incident, Rule, Severity, Silence
from mqadmin.alerts.pages import channels, incidents, subjects
from mqadmin.alerts.rules import queues_of
from mqadmin.core.hooks import Attention, Badge, Link, Panel
from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import number
from mqadmin.core.permissions import User
from mqadmin.core.rights import asking
from mqadmin.core.rows.prepared import Prepared
from mqadmin.core.tones import Tone
from mqadmin.queues.health.facts import RANK
from mqadmin.queues.models import Queue
from mqadmin.queues.search.language import BadQuery

MOST = 5
# The overview has a line of its own for what these are about: they are told together, in one line.
_TOLD_ELSEWHERE = ("verdict:", "lag", "broker_away", "broker", "letters", "new_cause")
_SAID_ABOVE = (Rule.About.VERDICT, Rule.About.LAG)


def attention(broker: str, user: User) -> Iterable[Attention]:  # noqa: ARG001
    """Name what fires and nobody looks after, and what keeps messages from leaving.

    A queue that is broken has its own line: here stands only that it fires, and that nobody took it up.
    """
    if asking.limited() is None:  # the channels are everybody's
        yield from channels.notes()
    found = [incidents.theirs(item) for item in incidents.unhandled(broker)[: MOST * 4]]
    alone = [item for item in found if not item.kind.startswith(_TOLD_ELSEWHERE)]
    yield from (_one(incident) for incident in alone[:MOST])
    rest = [item for item in found if item not in alone[:MOST]]
    if rest:
        yield _together(rest)


def _one(incident: Incident) -> Attention:
    look = Link(_("Look at it"), reverse("incident_detail", args=[incident.pk]))
    take = Link(
        _("Acknowledge"), reverse("incident_acknowledge", args=[incident.pk]), post=True, needs="operate"
    )
    text = _("Nobody acknowledged it.")
    return Attention(
        _level(incident), incident.title, text, [look, take], incident.opened_at, is_ours=not incident.broker
    )


def _together(found: list[Incident]) -> Attention:
    title = ngettext(
        "%(n)s alert fires that nobody acknowledged", "%(n)s alerts fire that nobody acknowledged", len(found)
    )
    worst = max(found, key=lambda item: item.severity)
    titles = prose.clauses(item.title for item in found[:3])
    text = f"{titles} …" if len(found) > 3 else prose.ended(titles)
    look = Link(_("Look at the alerts"), reverse("incident_list"))
    since = min(item.opened_at for item in found)
    told = all(_has_a_line(item) for item in found)
    return Attention(_level(worst), title % {"n": number(len(found))}, text, [look], since, is_repeat=told)


def _has_a_line(incident: Incident) -> bool:
    """Whether the page tells by itself of all that the incident is about: of a lag only where a verdict does."""
    if not incident.kind.startswith("lag"):
        return incident.kind.startswith(_TOLD_ELSEWHERE)
    alerts = incident.alerts.filter(state=Alert.State.FIRING, subject=Alert.Subject.QUEUE)
    wanted = {(alert.vhost, alert.name) for alert in alerts}
    bad = Queue.objects.filter(broker__slug=incident.broker, health_rank__gte=RANK["watch"], gone_at=None)
    named = bad.filter(name__in={name for _vhost, name in wanted}, muted_until=None)
    return wanted <= set(named.values_list("vhost", "name"))


def _level(incident: Incident) -> Literal["broken", "watch"]:
    return "broken" if incident.severity == Severity.CRITICAL else "watch"


def badge(_broker: str) -> Badge | None:
    """Return how many fire, on all brokers; red where something critical waits, grey where nothing does."""
    firing = next((count for (count,) in _firing.rows()), 0)
    if not firing:
        return None
    waiting = list(incidents.unhandled().order_by("-severity").values_list("severity", flat=True)[:1])
    tone: Tone = "grey" if not waiting else "red" if waiting[0] == Severity.CRITICAL else "amber"
    return Badge(number(firing), tone)


_firing: Prepared[Incident] = Prepared(
    lambda: (
        incidents.firing()
        .order_by()
        .annotate(of=Value(1))
        .values("of")
        .annotate(n=Count("pk"))
        .values_list("n")
    )
)


def queue_panel(queue: Queue, request: HttpRequest) -> Panel | None:  # noqa: ARG001
    """Tell of a queue what fires about it, and which silences cover it."""
    found = subjects.shown(subjects.of_queue(queue))
    covering = [item for item in silences.current() if covers(item, queue)]
    if not found and not covering:
        return None
    ids = {item.incident_id for item in found if item.incident_id}
    at = {pk: incidents.row(incident) for pk, incident in Incident.objects.in_bulk(ids).items()}
    # The verdict, and how long messages wait, stand right above.
    lines = [
        Line(item, "" if item.rule.about in _SAID_ABOVE else item.why, at.get(item.incident_id or 0))
        for item in found
    ]
    return Panel("alerts/_queue_panel.html", {"lines": lines, "silences": covering}, is_first=True)


@dataclass(frozen=True)
class Line:
    """What is said of one alert on its queue's page. `incident`: who looks after it; None before it fires."""

    item: subjects.Shown
    why: str
    incident: incidents.Row | None


def covers(silence: Silence, queue: Queue) -> bool:
    """Whether a silence is about a queue."""
    if silence.broker not in ("", queue.broker.slug):
        return False
    try:
        return queues_of.matching(silence.queues, Queue.objects.filter(pk=queue.pk)).exists()
    except BadQuery:  # it silences nothing then: `engine.grouping.covers`
        return False
