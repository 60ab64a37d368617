"""What fires in an incident, or about a queue: whom it is about, why, since when, what helps."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.urls import reverse

from consumers.models import Consumer
from mqadmin.alerts.models import Alert, Incident, Rule
from mqadmin.alerts.pages import tones
from mqadmin.alerts.telling import members, verdicts, wording
from mqadmin.alerts.telling.members import Member
from mqadmin.core.pages import prose
from mqadmin.core.tones import Tone
from mqadmin.queues.models import Queue
from mqadmin.queues.pages import wording as queue_wording

_PLAIN = re.compile(r"[\w.-]+")
ADVICES = 3


@dataclass(frozen=True)
class Shown:
    """One alert. `title`: a name from outside; `why`: a sentence, names in it made visible; `href` "": nowhere."""

    title: str
    vhost: str
    href: str
    why: str
    rule: Rule
    since: datetime
    state: str
    tone: Tone
    is_over: bool
    incident_id: int | None


def of(incident: Incident) -> QuerySet[Alert]:
    """Return the alerts of an incident: what fires first, then the oldest."""
    last = Case(When(state=Alert.State.FIRING, then=Value(0)), default=Value(1), output_field=IntegerField())
    found = Alert.objects.filter(incident=incident).select_related("rule")
    return found.order_by(last, "-rule__severity", "since", "id")


def of_queue(queue: Queue) -> QuerySet[Alert]:
    """Return what fires about a queue, and what holds and does not fire yet, the worst first."""
    found = Alert.objects.filter(
        subject=Alert.Subject.QUEUE, broker=queue.broker.slug, vhost=queue.vhost, name=queue.name
    ).exclude(state=Alert.State.RESOLVED)
    return found.select_related("rule").order_by("-rule__severity", "since")


def shown(alerts: Iterable[Alert]) -> list[Shown]:
    """Return what a page shows of alerts; two reads, however many there are."""
    found = list(alerts)
    hrefs = _hrefs(found)
    return [_shown(alert, hrefs.get(alert.pk, "")) for alert in found]


def _shown(alert: Alert, href: str) -> Shown:
    member = members.of(alert, alert.rule)
    is_over = alert.state == Alert.State.RESOLVED
    is_firing = alert.state == Alert.State.FIRING
    is_named = alert.subject in (Alert.Subject.QUEUE, Alert.Subject.CONSUMER)
    sentence = why(member)
    return Shown(
        title=alert.name if is_named else wording.title("", [member]),
        vhost=alert.vhost if alert.subject == Alert.Subject.QUEUE and alert.vhost != "/" else "",
        href=href,
        why=sentence or (wording.title("", [member]) if is_named else ""),
        rule=alert.rule,
        since=alert.since,
        state=alert.get_state_display(),
        tone=tones.SEVERITY[alert.rule.severity] if is_firing else "grey",
        is_over=is_over,
        incident_id=alert.incident_id,
    )


def why(member: Member) -> str:
    """Return the evidence as a page says it. Of a queue's verdict in the words of the queue's own page."""
    if member.rule.about != Rule.About.VERDICT:
        return wording.sentence(member)
    try:
        return prose.paragraph(queue_wording.sentences(member.params.get("reasons", ())))
    except (KeyError, TypeError, ValueError):  # reasons of another version
        return wording.sentence(member)


def advice(incident: Incident, alerts: Iterable[Alert]) -> list[str]:
    """Return what helps, the likeliest first; [] where nothing is known. Pure."""
    found = [
        verdicts.advice(reason, alert.subject)
        for alert in alerts
        for reason in alert.params.get("reasons", ())[:1]
    ]
    found.append(verdicts.general_advice(incident.kind.partition(":")[0]))
    return list(dict.fromkeys(filter(None, found)))[:ADVICES]


def _hrefs(alerts: list[Alert]) -> dict[int, str]:
    """Return where each leads that leads to something that is still there."""
    kind = Alert.Subject
    ids = {alert.row_id for alert in alerts if alert.subject == kind.QUEUE and alert.row_id is not None}
    names = {alert.name for alert in alerts if alert.subject == kind.CONSUMER}
    queues = set(Queue.objects.filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()
    consumers = (
        set(Consumer.objects.filter(name__in=names).values_list("name", flat=True)) if names else set()
    )
    found = {}
    for alert in alerts:
        if alert.subject == kind.QUEUE and alert.row_id in queues:
            found[alert.pk] = reverse("queue_detail", args=[alert.row_id])
        elif alert.subject == kind.CONSUMER and alert.name in consumers:
            found[alert.pk] = reverse("consumer_detail", args=[alert.name])
        elif alert.subject == kind.CAUSE:
            query = urlencode({"broker": alert.broker, "group": alert.name})
            found[alert.pk] = f"{reverse('letter_list')}?{query}"
        elif alert.subject == kind.APPROVAL and alert.row_id is not None:
            found[alert.pk] = reverse("approval_detail", args=[alert.row_id])
        elif alert.subject == kind.BROKER:
            found[alert.pk] = f"{reverse('overview')}?{urlencode({'broker': alert.broker})}"
    return found


def silence_query(incident: Incident, alerts: Iterable[Alert]) -> str:
    """Return what a silence of what is like this begins with, as the query of an address. Pure."""
    found = list(alerts)
    values = {"broker": incident.broker, "reason": ""}
    rules = {alert.rule_id for alert in found}
    names = {alert.name for alert in found if alert.subject == Alert.Subject.QUEUE}
    if len(rules) == 1:
        values["rule"] = str(rules.pop())
    if len(names) == 1 and _PLAIN.fullmatch(name := names.pop()):
        values["queues"] = name
    return "?" + urlencode({key: value for key, value in values.items() if value})
