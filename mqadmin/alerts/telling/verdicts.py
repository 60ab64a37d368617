"""Reasons of verdicts in a message: the words of the pages, what many queues have in common, and what helps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.core import unseen
from mqadmin.queues.pages import wording

Reason = Mapping[str, Any]


def headline(queue: str, reasons: Iterable[Reason]) -> str:
    """Return the worst reason as a headline; `queue` as it is to stand there."""
    return wording.headline(queue, reasons)


def sentences(reasons: Iterable[Reason]) -> str:
    """Return the reasons in a line; what a name in them hides is written out."""
    return unseen.line(" ".join(wording.sentences(reasons)))


def many(code: str, count: str) -> str:
    """Return what many queues have in common."""
    return str(_MANY.get(code, gettext_lazy("%(n)s queues need a look"))) % {"n": count}


def broker_headline(broker: str, reasons: Iterable[Reason]) -> str:
    """Return what is wrong with a broker."""
    first = next(iter(reasons), None)
    if first is not None and first.get("code") == "alarm":
        return _("%(node)s raised its %(resource)s alarm") % _shown(first)
    return _("%(broker)s needs a look") % {"broker": broker}


def broker_sentences(reasons: Iterable[Reason]) -> str:
    """Return the reasons of a broker's verdict in a line."""
    found = []
    for reason in reasons:
        if reason.get("code") == "alarm":
            found.append(
                _("%(node)s raised its %(resource)s alarm: publishers are blocked.") % _shown(reason)
            )
        else:
            found.extend(wording.sentences([reason]))
    return unseen.line(" ".join(found))


def advice(code: str) -> str:
    """Return what helps against a reason, "" where nothing is known."""
    return str(_ADVICE.get(code, ""))


def _shown(reason: Reason) -> dict[str, str]:
    params = reason.get("params", {})
    return {key: unseen.plain(params.get(key, "?")) for key in ("node", "resource")}


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
