"""Alerts in words: a title for what fires together, a sentence for each of it. Plain text, names made visible."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.alerts.models import Rule
from mqadmin.alerts.rules import fields
from mqadmin.alerts.telling import verdicts
from mqadmin.alerts.telling.members import Member
from mqadmin.core import unseen
from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import duration, number, rate
from mqadmin.core.wording import worded
from mqadmin.queues.pages import broker_status

LONGEST_NAME = 80
NODES_NAMED = 3  # of a cluster, in a title


def name(text: object) -> str:
    """Return a name as it may stand in a message: hidden signs written out, isolated, not too long."""
    shown = unseen.plain(str(text)[: LONGEST_NAME + 1], isolate=True)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"


def when(moment: datetime) -> str:
    """Return "2026-11-29 13:42 UTC": a message is read later, and elsewhere."""
    return date_format(timezone.localtime(moment), "Y-m-d H:i T")


def title(kind: str, members: Sequence[Member]) -> str:
    """Return what is wrong with all of these in a few words; `kind`: of the incident."""
    if len(members) == 1:
        return _alone(members[0])
    if kind.startswith("broker:"):
        return _of_nodes(members)
    values: dict[str, Any] = {"n": number(len(members)), "rule": name(members[0].rule.name)}
    if kind.startswith("verdict:"):
        return verdicts.many(kind.removeprefix("verdict:"), len(members), _alone(members[0]))
    if kind.startswith("consumer:"):
        values["state"] = worded(members[0].params.get("label", kind.removeprefix("consumer:")))
        return _("%(n)s consumers: %(state)s") % values
    form = _MANY.get(kind, gettext_lazy("%(rule)s: %(n)s times"))
    return str(form) % values


_MANY = {
    "lag": gettext_lazy("In %(n)s queues messages wait too long"),
    "new_cause": gettext_lazy("Messages die of %(n)s new causes"),
    "process_away": gettext_lazy("%(n)s parts of mqadmin are away"),
    "approval_waits": gettext_lazy("%(n)s acts wait for a second person"),
    "approval_alone": gettext_lazy("%(n)s acts went ahead without a second person"),
}


def _of_nodes(members: Sequence[Member]) -> str:
    """Return what is wrong with each of a few nodes, and how many more there are."""
    titles = prose.clauses(dict.fromkeys(_alone(member) for member in members[:NODES_NAMED]))
    more = len(members) - NODES_NAMED
    return _("%(titles)s; and %(n)s more") % {"titles": titles, "n": number(more)} if more > 0 else titles


def sentence(member: Member) -> str:
    """Return the evidence against one subject; "" where the title says it all."""
    return _SENTENCES[member.rule.about](member)


def subject(member: Member) -> str:
    """Return whom a line of a message is about: "orders (virtual host shop)"."""
    found = member.subject
    if found.kind == "queue" and found.vhost != "/":
        return _("%(queue)s (virtual host %(vhost)s)") % {
            "queue": name(found.name),
            "vhost": name(found.vhost),
        }
    if found.kind in ("process", "approval"):
        return _alone(member)
    if found.kind == "broker":
        return name(found.broker)
    return name(found.name or found.broker)


def _alone(member: Member) -> str:
    return _TITLES[member.rule.about](member)


def _verdict_title(member: Member) -> str:
    return verdicts.headline(name(member.subject.name), member.params.get("reasons", ()))


def _compared_title(member: Member) -> str:
    # No value: the title is kept while the value goes up and down.
    field = fields.ALL.get(member.rule.field)
    values = {"queue": name(member.subject.name), "what": field.label if field else member.rule.field}
    values["limit"] = _limit(member.rule)
    if member.rule.operator == Rule.Operator.BELOW:
        return _("%(queue)s: %(what)s below %(limit)s") % values
    return _("%(queue)s: %(what)s above %(limit)s") % values


def _limit(rule: Rule) -> str:
    if rule.about == Rule.About.RATE:
        return f"{rate(rule.value)}/s"
    return duration(rule.value) if rule.field == "clears_in" else number(rule.value)


def _amount(member: Member) -> str:
    if member.value is None:
        return "–"
    if member.rule.about == Rule.About.RATE:
        return f"{rate(member.value)}/s"
    return duration(member.value) if member.rule.field == "clears_in" else number(member.value)


def _compared(member: Member) -> str:
    field = fields.ALL.get(member.rule.field)
    values: dict[str, Any] = {"what": field.label if field else member.rule.field, "value": _amount(member)}
    values["limit"] = _limit(member.rule)
    if member.rule.operator == Rule.Operator.BELOW:
        return _("%(what)s: %(value)s, the rule wants %(limit)s at least.") % values
    return _("%(what)s: %(value)s, the rule allows %(limit)s.") % values


def _lag_title(member: Member) -> str:
    return _("Messages wait too long in %(queue)s") % {"queue": name(member.subject.name)}


def _lag(member: Member) -> str:
    oldest = member.params.get("oldest_at")
    if not isinstance(oldest, int | float):
        return ""
    values = {"since": when(datetime.fromtimestamp(oldest, UTC)), "time": duration(member.value)}
    values["ready"] = number(member.params.get("ready"))
    if member.params.get("at_least"):
        return (
            _("The oldest message has waited since %(since)s or longer (%(time)s); %(ready)s are ready.")
            % values
        )
    return _("The oldest message has waited since about %(since)s (%(time)s); %(ready)s are ready.") % values


def _letters_title(member: Member) -> str:
    return _("Dead letters arrive: more than %(n)s in %(time)s") % _allowed(member.rule)


def _cause_title(member: Member) -> str:
    values = {"error": _error(member)} | _allowed(member.rule)
    return _("Messages die of %(error)s: more than %(n)s in %(time)s") % values


def _allowed(rule: Rule) -> dict[str, str]:
    return {"n": number(rule.value), "time": duration(rule.window_s)}


def _letters(member: Member) -> str:
    queues = prose.listed(name(queue) for queue in member.params.get("queues", ()) if queue)
    values = {"n": _count(member.params), "time": duration(member.rule.window_s), "queues": queues}
    found = (_("%(n)s in %(time)s, from %(queues)s.") if queues else _("%(n)s in %(time)s.")) % values
    died = member.params.get("error_type")
    last = _("The last one died of %(error)s.") % {"error": _error(member)} if died else ""
    return prose.paragraph((found, last))


def _new_cause_title(member: Member) -> str:
    return _("Messages die of a new cause: %(error)s") % {"error": _error(member)}


def _new_cause(member: Member) -> str:
    return prose.paragraph((prose.ended(_error(member)), _letters(member)))


def _error(member: Member) -> str:
    return name(member.params.get("error_type") or _("an unnamed error"))


def _count(params: Mapping[str, Any]) -> str:
    count = number(params.get("count"))
    return _("%(n)s or more") % {"n": count} if params.get("at_least") else count


def _consumer_title(member: Member) -> str:
    values = {"name": name(member.subject.name), "state": worded(member.params.get("label", ""))}
    return _("Consumer %(name)s: %(state)s") % values


def _consumer(member: Member) -> str:
    return verdicts.in_line(worded(str(member.params.get("words") or "")))


def _away_title(member: Member) -> str:
    title, _text = broker_status.fault(str(member.params.get("code", "")))
    return title


def _away(member: Member) -> str:
    _title, text = broker_status.fault(str(member.params.get("code", "")))
    return prose.paragraph((text, _ended(member.params.get("error", "")), _seen(member)))


def _broker_title(member: Member) -> str:
    return verdicts.broker_headline(name(member.subject.broker), member.params.get("reasons", ()))


def _process_title(member: Member) -> str:
    what, _colon, called = member.subject.name.partition(":")
    forms = {
        "sampling": _("%(name)s is not sampled any more"),
        "supervisor": _("The supervisor on %(name)s is silent"),
        "worker": _("No worker takes up operations"),
        "beat": _("Beat sends nothing: scheduled work stands still"),
        "web": _("No web process answers"),
        "heartbeat": _("The heartbeat address does not answer"),
    }
    return forms.get(what, "%(name)s") % {"name": name(called)}


def _process(member: Member) -> str:
    return prose.paragraph((_seen(member), _ended(member.params.get("error", ""))))


def _approval_title(member: Member) -> str:
    values = {"who": name(member.params.get("who")), "what": name(member.params.get("what"))}
    if member.params.get("code") == "approval_alone":
        return _("%(who)s went ahead alone: %(what)s") % values
    return _("%(who)s waits for a second person: %(what)s") % values


def _approval(member: Member) -> str:
    values = {"size": member.params.get("size"), "broker": name(member.subject.broker)}
    if member.params.get("code") == "approval_alone":
        values["why"] = _ended(member.params.get("reason", ""))
        return _("%(size)s on %(broker)s. Why: %(why)s") % values
    values["until"] = when(datetime.fromisoformat(str(member.params.get("until"))))
    return _("%(size)s on %(broker)s; it expires at %(until)s.") % values


def _ended(text: str) -> str:
    """Return what somebody else said as a sentence."""
    said = verdicts.in_line(str(text)).strip()
    return said if not said or said[-1] in ".!?" else f"{said}."


def _seen(member: Member) -> str:
    seen = member.params.get("seen")
    if not seen:
        return ""
    return _("Last well at %(time)s.") % {"time": when(datetime.fromisoformat(str(seen)))}


_A = Rule.About
_TITLES: dict[str, Callable[[Member], str]] = {
    _A.VERDICT: _verdict_title,
    _A.NUMBER: _compared_title,
    _A.RATE: _compared_title,
    _A.LAG: _lag_title,
    _A.LETTERS: _letters_title,
    _A.CAUSE: _cause_title,
    _A.NEW_CAUSE: _new_cause_title,
    _A.CONSUMER: _consumer_title,
    _A.BROKER_AWAY: _away_title,
    _A.BROKER_REASON: _broker_title,
    _A.PROCESS_AWAY: _process_title,
    _A.APPROVAL: _approval_title,
}
_SENTENCES: dict[str, Callable[[Member], str]] = {
    _A.VERDICT: lambda member: verdicts.sentences(member.params.get("reasons", ())),
    _A.NUMBER: _compared,
    _A.RATE: _compared,
    _A.LAG: _lag,
    _A.LETTERS: _letters,
    _A.CAUSE: _letters,
    _A.NEW_CAUSE: _new_cause,
    _A.CONSUMER: _consumer,
    _A.BROKER_AWAY: _away,
    _A.BROKER_REASON: lambda member: verdicts.broker_sentences(member.params.get("reasons", ())),
    _A.PROCESS_AWAY: _process,
    _A.APPROVAL: _approval,
}
