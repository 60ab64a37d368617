"""What shows that a reason is true: the numbers of the sample behind it, in a few words."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import duration, number
from mqadmin.queues.models import Queue
from mqadmin.queues.pages.sentences import Params, per_second


def traffic(_params: Params, queue: Queue) -> str:
    """Return what waits, what comes and goes, and who takes it; what the broker does not say is left out."""
    rates = (
        (queue.publish_rate, _("%(rate)s in")),
        (queue.deliver_rate, _("%(rate)s delivered")),
        (queue.ack_rate, _("%(rate)s acked")),
    )
    parts = []
    if queue.ready is not None:
        parts.append(_("%(n)s ready") % {"n": number(queue.ready)})
    if queue.unacked:
        parts.append(_("%(n)s unacked") % {"n": number(queue.unacked)})
    parts += [text % {"rate": per_second(rate)} for rate, text in rates if rate is not None]
    if queue.consumers is not None:
        words = ngettext("%(n)s consumer", "%(n)s consumers", queue.consumers)
        parts.append(words % {"n": number(queue.consumers)})
    return prose.sentence_of(parts) if parts else ""


def room(params: Params, queue: Queue) -> str:
    """Return how much consumers hold, how long that takes, and how often one could take more."""
    consumers = params["consumers"] or 1
    parts = [_("%(n)s held by each") % {"n": number(round(params["unacked"] / consumers))}]
    if queue.ack_rate:
        held = params["unacked"] / queue.ack_rate
        parts.append(_("for %(time)s on average") % {"time": duration(held)})
    if "busy" in params:
        parts.append(_("handlers work %(percent)s %% of the time (measured)") % {"percent": params["busy"]})
    if "room" in params:
        parts.append(_("room for another in %(percent)s %% of the time") % {"percent": params["room"]})
    return prose.sentence_of(parts)


def redelivered(_params: Params, queue: Queue) -> str:
    if queue.redeliver_rate is None or queue.deliver_rate is None:
        return ""
    return _("%(again)s of %(all)s delivered came again.") % {
        "again": per_second(queue.redeliver_rate),
        "all": per_second(queue.deliver_rate),
    }


def behind(params: Params, _queue: Queue) -> str:
    """Return how much of the log each member lacks."""
    words = [
        ngettext(
            "%(node)s: %(n)s entry of the log behind", "%(node)s: %(n)s entries of the log behind", entries
        )
        % {"node": node, "n": number(entries)}
        for node, entries in params["behind"]
    ]
    return prose.sentence_of(words)


def losing(params: Params, _queue: Queue) -> str:
    """Return how the loss was counted, and what is not sure of it."""
    said = [_("Counted over some minutes: what was published, less what is there and what was delivered.")]
    if params["at_least"]:
        said.append(_("Dead letters of other queues arrive too, uncounted: it may be more."))
    if params["how"] == "unknown":
        said.append(
            _("No limit of the queue explains it: the messages' own expiration, or a purge by a program.")
        )
    return prose.paragraph(said)


def state(params: Params, queue: Queue) -> str:
    return _("%(node)s: %(state)s.") % {"node": queue.node or "–", "state": params["state"]}


def dead_letters(_params: Params, queue: Queue) -> str:
    """Return which exchange it is."""
    own = queue.arguments.get("x-dead-letter-exchange", queue.effective_policy.get("dead-letter-exchange"))
    if own is None:
        return ""
    return _("Its dead-letter exchange is “%(name)s”.") % {"name": own}
