"""Reasons of verdicts in a message: the words of the pages, what many queues have in common, and what helps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.core import unseen
from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import number
from mqadmin.queues.pages import broker_wording, wording

Reason = Mapping[str, Any]
_BREAKS = re.compile(r"[\r\n\t]+")


def in_line(text: str) -> str:
    """Return a sentence as it may stand in a message: in a line, hidden signs of names in it written out."""
    return unseen.lines(_BREAKS.sub(" ", text), isolate=True)


def headline(queue: str, reasons: Iterable[Reason]) -> str:
    """Return the worst reason as a headline; `queue` as it is to stand there."""
    return wording.headline(queue, reasons)


def sentences(reasons: Iterable[Reason]) -> str:
    """Return the reasons in a line; what a name in them hides is written out."""
    return in_line(prose.paragraph(map(_sentence, reasons)))


def _sentence(reason: Reason) -> str:
    """Return a reason in words; its code where it is of another version, which must not keep a message back."""
    try:
        return prose.paragraph(wording.sentences([reason]))
    except (KeyError, TypeError, ValueError):
        return str(reason.get("code", "?"))


def many(code: str, count: int, first: str) -> str:
    """Return what so many queues have in common; `first`: the headline of one of them."""
    if code in _MANY:
        return str(_MANY[code]) % {"n": number(count)}
    return _("%(first)s; %(n)s more queues like it") % {"first": first, "n": number(count - 1)}


def broker_headline(broker: str, reasons: Iterable[Reason]) -> str:
    """Return what is wrong with a broker."""
    first = next(iter(reasons), None)
    found = _of_brokers(first).title if first is not None else ""
    return in_line(found) or _("%(broker)s needs a look") % {"broker": broker}


def broker_sentences(reasons: Iterable[Reason]) -> str:
    """Return the reasons of a broker's verdict in a line."""
    found = [_of_brokers(reason) for reason in reasons]
    return in_line(
        prose.paragraph(text for words in found for text in (prose.ended(words.title), words.evidence))
    )


def advice(reason: Reason, about: str) -> str:
    """Return what helps against a reason, "" where nothing is known. `about`: "queue" or "broker"."""
    code = str(reason.get("code"))
    word = wording.TABLE.get(code)
    told = _of_brokers(reason).advice if about == "broker" else word.advice if word else ""
    return in_line(str(told))


def general_advice(kind: str) -> str:
    """Return what helps against a kind of incident that has no reasons."""
    return str(_ADVICE.get(kind, ""))


@dataclass(frozen=True)
class _Words:
    title: str
    evidence: str = ""
    advice: str = ""


def _of_brokers(reason: Reason) -> _Words:
    """Return a reason of a broker's verdict in the words of its pages."""
    try:
        told = broker_wording.told(reason)
    except (KeyError, TypeError, ValueError):
        return _Words(str(reason.get("code")).replace("_", " "))
    return _Words(told.title, told.evidence, told.advice)


_MANY = {
    "down": gettext_lazy("%(n)s queues are down"),
    "members_away": gettext_lazy("%(n)s queues lack a member"),
    "members_behind": gettext_lazy("%(n)s queues have members that lag"),
    "dead_letters_lost": gettext_lazy("%(n)s queues lose their dead letters"),
    "nearly_full": gettext_lazy("%(n)s queues are nearly full"),
    "full": gettext_lazy("%(n)s queues are full"),
    "blocked": gettext_lazy("%(n)s queues get nothing new"),
    "no_consumers": gettext_lazy("%(n)s queues have nobody listening"),
    "no_collector": gettext_lazy("%(n)s dead-letter queues are not captured"),
    "never_consumed": gettext_lazy("%(n)s queues have nobody listening"),
    "losing": gettext_lazy("%(n)s queues lose messages"),
    "few_consumers": gettext_lazy("%(n)s queues have too few consumers"),
    "slow_consumers": gettext_lazy("%(n)s queues have slow consumers"),
    "silent": gettext_lazy("%(n)s queues fell silent"),
    "producer_stopped": gettext_lazy("%(n)s queues get nothing any more"),
    "growing": gettext_lazy("%(n)s queues are falling behind"),
    "stalled": gettext_lazy("%(n)s queues stand still"),
    "clears_late": gettext_lazy("%(n)s queues take long to clear"),
    "redelivered": gettext_lazy("%(n)s queues deliver the same again and again"),
    "letters_arriving": gettext_lazy("Dead letters arrive in %(n)s queues"),
    "letters_waiting": gettext_lazy("Dead letters wait in %(n)s queues"),
}
_ADVICE = {  # by kind of incident
    "lag": gettext_lazy("Look at its consumers: are there enough, and do they ack?"),
    "letters": gettext_lazy("Look at the causes in the dead letters; stop or pause what produces them."),
    "new_cause": gettext_lazy("Look at one of its letters: what was deployed lately?"),
    "broker_away": gettext_lazy("Is RabbitMQ up, and reachable from mqadmin's host?"),
    "process_away": gettext_lazy("Look at mqadmin's processes on that host, and at their logs."),
    "approval_waits": gettext_lazy("Look at what it would do, under Approvals, and agree or say why not."),
    "approval_alone": gettext_lazy("Ask who did it: it stands in the audit log, with the reason."),
    "consumer": gettext_lazy("Look at its last lines on the consumer's page, mend the cause, start it."),
}
