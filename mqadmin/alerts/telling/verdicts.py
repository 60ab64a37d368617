"""Reasons of verdicts in a message: the words of the pages, what many queues have in common, and what helps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.core import unseen
from mqadmin.core.pages.formats import number
from mqadmin.queues.pages import wording

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
    return in_line(" ".join(map(_sentence, reasons)))


def _sentence(reason: Reason) -> str:
    """Return a reason in words; its code where it is of another version, which must not keep a message back."""
    try:
        return " ".join(wording.sentences([reason]))
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
    return in_line(" ".join(f"{words.title}. {words.evidence}".strip() for words in found))


def advice(reason: Reason, about: str) -> str:
    """Return what helps against a reason, "" where nothing is known. `about`: "queue" or "broker"."""
    code = str(reason.get("code"))
    told = _of_brokers(reason).advice if about == "broker" else getattr(_TABLE.get(code), "advice", "")
    return in_line(str(told or _ADVICE.get(code, "")))


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
    code = str(reason.get("code"))
    if _BROKER_WORDS is not None:
        try:
            told = _BROKER_WORDS.told(reason)
            return _Words(told.title, told.evidence, told.advice)
        except (KeyError, TypeError, ValueError):
            return _Words(code.replace("_", " "))
    if code == "alarm":
        params = {key: reason.get("params", {}).get(key, "?") for key in ("node", "resource")}
        title = _("%(node)s raised its %(resource)s alarm") % params
        return _Words(title, _("Publishers are blocked on all nodes."), str(_ADVICE["alarm"]))
    return _Words(code.replace("_", " "))


def _optional(name: str) -> Any:
    """Return a module, None where this version has none."""
    return import_module(name) if find_spec(name) is not None else None


_BROKER_WORDS = _optional("mqadmin.queues.pages.broker_wording")
_TABLE: Mapping[str, Any] = getattr(wording, "TABLE", {})
_MANY = {
    "down": gettext_lazy("%(n)s queues are down"),
    "members_away": gettext_lazy("%(n)s queues lack a member"),
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
_ADVICE = {
    "down": gettext_lazy("Bring its nodes back; until then nobody can publish to it or consume."),
    "members_away": gettext_lazy("Bring the missing nodes back, or grow the queue onto others."),
    "dead_letters_lost": gettext_lazy("Make the dead-letter exchange, or bind a queue to it."),
    "nearly_full": gettext_lazy("Add consumers, or raise its limit before it is full."),
    "full": gettext_lazy("Add consumers, raise its limit, or purge what is worthless."),
    "blocked": gettext_lazy("Free memory or disk on the node that raised the alarm."),
    "no_consumers": gettext_lazy(
        "Start its consumers; look at why they left: a deployment, a crash, a refused login."
    ),
    "no_collector": gettext_lazy("Look at its collector on the page of consumers."),
    "never_consumed": gettext_lazy("Start a consumer, or delete the queue if nobody needs it."),
    "growing": gettext_lazy("Add consumers, or find out why they are slower than usual."),
    "stalled": gettext_lazy(
        "Its consumers hold messages and ack none: look for a stuck handler, restart it."
    ),
    "redelivered": gettext_lazy("Look for the message that fails again and again, and dead-letter it."),
    "alarm": gettext_lazy("Free memory or disk on that node; consumers go on, publishers wait."),
    "lag": gettext_lazy("Look at its consumers: are there enough, and do they ack?"),
    "letters": gettext_lazy("Look at the causes in the dead letters; stop or pause what produces them."),
    "new_cause": gettext_lazy("Look at one of its letters: what was deployed lately?"),
    "broker_away": gettext_lazy("Is RabbitMQ up, and reachable from mqadmin's host?"),
    "process_away": gettext_lazy("Look at mqadmin's processes on that host, and at their logs."),
    "consumer": gettext_lazy("Look at its last lines on the consumer's page, mend the cause, start it."),
}
