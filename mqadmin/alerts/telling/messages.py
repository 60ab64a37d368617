"""What is written into the outbox: a short subject, plain text, and the same as a table for webhooks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec

from django.conf import settings
from django.utils.translation import gettext as _

from mqadmin.alerts.models import Channel, Delivery, Incident, Severity
from mqadmin.alerts.telling import links, verdicts, wording
from mqadmin.alerts.telling.members import Member, subjects
from mqadmin.alerts.telling.services import Message
from mqadmin.core import translating
from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import duration, number
from mqadmin.core.wording import worded

log = logging.getLogger(__name__)

SHOWN = 10  # subjects in a message; the rest is a number
IN_PAYLOAD = 50
What = Delivery.What
Given = ParamSpec("Given")


def _in_the_language_of_messages(function: Callable[Given, Delivery]) -> Callable[Given, Delivery]:
    """Have it word what it returns in the language of what is sent: nobody asks for it, in any language."""

    @wraps(function)
    def inner(*args: Given.args, **kwargs: Given.kwargs) -> Delivery:
        with translating.speaking(settings.MQADMIN_LANGUAGE):
            return function(*args, **kwargs)

    return inner


def incident_title(incident: Incident, members: Sequence[Member]) -> str:
    """Return an incident's title, of the worst that fires in it."""
    try:
        return wording.title(incident.kind, subjects(list(members)))[:300]
    except Exception:
        log.exception("alerts: no words for %s", incident.kind)
        return incident.kind


def bare(
    incident: Incident, *, what: str, channel: Channel, severity: int, count: int, now: datetime
) -> Delivery:
    """Return a message that needs no evidence in words, unsaved: where these fail, people are told all the same."""
    found = about(incident, (), what=what, channel=channel, now=now, count=count)
    found.severity = severity
    return found


def of(delivery: Delivery) -> Message:
    """Return a delivery as what is sent."""
    return Message(
        title=delivery.title,
        text=delivery.text,
        severity=delivery.severity,
        number=delivery.pk,
        is_good=delivery.what == What.RESOLVED,
        payload=delivery.payload | {"delivery": delivery.pk},
    )


@_in_the_language_of_messages
def about(
    incident: Incident,
    members: Sequence[Member],
    *,
    what: str,
    channel: Channel,
    now: datetime,
    count: int | None = None,
    not_before: datetime | None = None,
) -> Delivery:
    """Return a message about `members` of an incident, unsaved. The incident must have an id: links need it.

    `count`: how many subjects there are, where `members` are not all of them.
    """
    ordered = subjects(list(members))
    severity = max((member.severity for member in ordered), default=int(incident.severity))
    total = len(ordered) if count is None else count
    # More than are listed may not have their evidence at hand: the incident's own title speaks of all.
    headline = (
        wording.title(incident.kind, ordered) if ordered and total == len(ordered) else worded(incident.title)
    )
    words = str(Severity(severity).label)
    where = wording.name(incident.broker) if incident.broker else "mqadmin"
    first = _("resolved") if what == What.RESOLVED else words
    subject = f"[{first}] {prose.labelled(where, headline)}"
    if what in (What.REPEATED, What.ESCALATED, What.GROWN):
        subject += f" ({Delivery.What(what).label})"
    text = _text(incident, ordered, headline, words, where, what, now, total)
    return Delivery(
        incident=incident,
        channel=channel,
        channel_name=channel.name,
        what=what,
        severity=severity,
        alerts=total,
        title=subject[:300],
        text=text,
        payload=_payload(incident, ordered, headline, what, severity, now, total),
        made_at=now,
        next_at=not_before or now,
    )


@_in_the_language_of_messages
def test(channel: Channel, by: str, now: datetime) -> Delivery:
    """Return a test message, unsaved."""
    text = _("A test of mqadmin's channel “%(channel)s”, asked for by %(who)s. Nothing is wrong.") % {
        "channel": wording.name(channel.name),
        "who": wording.name(by),
    }
    payload = {"event": What.TEST, "at": now.isoformat(), "title": text, "link": links.base()}
    return Delivery(
        channel=channel,
        channel_name=channel.name,
        what=What.TEST,
        severity=Severity.INFO,
        title=_("[test] mqadmin"),
        text="\n\n".join(filter(None, (text, links.base()))),
        payload=payload,
        made_at=now,
    )


def _text(
    incident: Incident,
    members: Sequence[Member],
    headline: str,
    severity: str,
    where: str,
    what: str,
    now: datetime,
    total: int,
) -> str:
    began = min([member.since for member in members], default=incident.opened_at)
    values = {"where": where, "severity": severity, "since": wording.when(began)}
    values["for"] = duration((now - began).total_seconds())
    if incident.broker:
        values["where"] = _("Broker %(broker)s") % {"broker": where}
    if what == What.RESOLVED:
        state = _("%(where)s · resolved. It began %(since)s and lasted %(for)s.") % values
    else:
        state = _("%(where)s · %(severity)s · since %(since)s (%(for)s)") % values
    parts = [headline, state, "\n".join(_lines(members, total))]
    if what != What.RESOLVED:
        parts.append("\n".join(_advice(incident, members)))
        parts.append(_rules(members))
    parts.append("\n".join(_links(incident, what)))
    return "\n\n".join(filter(None, parts)) + "\n"


def _lines(members: Sequence[Member], total: int) -> list[str]:
    lines = []
    for member in members[:SHOWN]:
        sentence = wording.sentence(member)
        lines.append(f"- {prose.labelled(wording.subject(member), sentence)}")
    if total > len(lines):
        lines.append(_("and %(n)s more") % {"n": number(total - len(lines))})
    return lines


def _advice(incident: Incident, members: Sequence[Member]) -> list[str]:
    found = [
        verdicts.advice(reason, member.subject.kind)
        for member in members[:SHOWN]
        for reason in member.params.get("reasons", ())[:1]
    ]
    found.append(verdicts.general_advice(incident.kind.partition(":")[0]))
    words = list(dict.fromkeys(filter(None, found)))
    return [_("What helps: %(words)s") % {"words": text} for text in words[:3]]


def _rules(members: Sequence[Member]) -> str:
    names = list(dict.fromkeys(wording.name(member.rule.name) for member in members))
    return _("Rule: %(names)s") % {"names": prose.listed(names[:3])} if names else ""


def _links(incident: Incident, what: str) -> list[str]:
    page = links.incident(incident)
    if not page:
        return []
    if what == What.RESOLVED:
        return [page]
    return [
        _("Look at it: %(link)s") % {"link": page},
        _("Acknowledge or snooze: %(link)s") % {"link": links.acting(incident)},
    ]


def _payload(
    incident: Incident,
    members: Sequence[Member],
    headline: str,
    what: str,
    severity: int,
    now: datetime,
    total: int,
) -> dict[str, Any]:
    return {
        "event": str(what),
        "at": now.isoformat(),
        "incident": incident.pk,
        "broker": incident.broker,
        "kind": incident.kind,
        "severity": Severity(severity).name.lower(),
        "title": headline,
        "opened_at": incident.opened_at.isoformat(),
        "resolved_at": incident.resolved_at.isoformat() if incident.resolved_at else None,
        "count": total,
        "alerts": [
            {
                "subject": member.subject.kind,
                "vhost": member.subject.vhost,
                "name": member.subject.name,
                "since": member.since.isoformat(),
                "rule": member.rule.name,
                "why": wording.sentence(member),
            }
            for member in members[:IN_PAYLOAD]
        ],
        "advice": _advice(incident, members),
        "link": links.incident(incident),
        "acknowledge": links.acting(incident) if what != What.RESOLVED else "",
    }
