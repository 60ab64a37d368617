"""Reasons in words. The database keeps codes and numbers (`health.judge`); people read sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from mqadmin.core.pages.formats import duration, number

Params = Mapping[str, Any]


def sentences(reasons: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return one plain-text sentence per reason; a code from a newer version is shown as it is."""
    found = []
    for reason in reasons:
        word = _WORDS.get(str(reason["code"]))
        found.append(word(reason.get("params", {})) if word else str(reason["code"]))
    return found


def since(epoch: float) -> str:
    """Return "13:42" for today, "21 Nov 13:42" for another day, in the user's time zone."""
    moment = timezone.localtime(datetime.fromtimestamp(epoch, tz=timezone.get_current_timezone()))
    if timezone.localtime() - moment < timedelta(hours=20):
        return date_format(moment, "H:i")
    return date_format(moment, "j M H:i")


def per_second(rate: float) -> str:
    """Return a rate with as many digits as it deserves: "0.4/s", "177/s"."""
    return _("%(rate)s/s") % {"rate": number(round(rate)) if rate >= 10 else f"{rate:.1f}"}


def _messages(count: int, one: str, many: str) -> str:
    return ngettext(one, many, count) % {"count": number(count)}


def _down(params: Params) -> str:
    if away := params.get("away"):
        text = _("%(away)s of its %(members)s members are away (%(names)s): it serves nobody.")
        return text % {"away": len(away), "members": params["members"], "names": ", ".join(away)}
    states = {
        "minority": _("Most of its replicas are unreachable: it serves nobody."),
        "stopped": _("Stopped with its virtual host: it serves nobody."),
        "crashed": _("Crashed: it serves nobody."),
    }
    known = states.get(params["state"])
    return known or _("The broker says it is %(state)s: it serves nobody.") % {"state": params["state"]}


def _members_away(params: Params) -> str:
    away, members, spare = params["away"], params["members"], params["spare"]
    text = ngettext(
        "A member is away: %(names)s. %(here)s of %(members)s members are there,",
        "Members are away: %(names)s. %(here)s of %(members)s members are there,",
        len(away),
    ) % {"names": ", ".join(away), "here": members - len(away), "members": members}
    needed = _("as few as it needs: without another it serves nobody.")
    bears = ngettext("and it bears the loss of %(n)s more.", "and it bears the loss of %(n)s more.", spare)
    return f"{text} {bears % {'n': spare} if spare else needed}"


def _dead_letters_lost(params: Params) -> str:
    faults = {
        "exchange_missing": _("Its dead-letter exchange does not exist: dead messages vanish."),
        "routes_nowhere": _("Its dead-letter exchange routes to no queue: dead messages vanish."),
    }
    return faults.get(params["fault"], _("Its dead letters reach no queue: dead messages vanish."))


def _nearly_full(params: Params) -> str:
    return _("%(percent)s %% of its limit of %(limit)s.") % {
        "percent": params["percent"],
        "limit": number(params["limit"]),
    }


def _full(params: Params) -> str:
    if params["refuses"]:
        text = _("Full at its limit of %(limit)s: publishers are refused.")
    else:
        text = _("Full at its limit of %(limit)s: each new message pushes the oldest out.")
    return text % {"limit": number(params["limit"])}


def _blocked(params: Params) -> str:
    if "disk" in params["alarms"]:
        return _("The broker's disk alarm blocks its publishers.")
    return _("The broker's memory alarm blocks its publishers.")


def _no_consumers(params: Params) -> str:
    waiting = _messages(params["waiting"], "%(count)s message waits.", "%(count)s messages wait.")
    text = ngettext(
        "No consumers since %(since)s (there was %(had)s):",
        "No consumers since %(since)s (there were %(had)s):",
        params["had"],
    )
    return f"{text % {'since': since(params['since']), 'had': number(params['had'])}} {waiting}"


def _no_collector(params: Params) -> str:
    text = _("Not captured since %(since)s.") % {"since": since(params["since"])}
    return f"{text} {_messages(params['waiting'], '%(count)s letter waits.', '%(count)s letters wait.')}"


def _never_consumed(params: Params) -> str:
    return _messages(
        params["waiting"],
        "%(count)s message waits and nobody consumes.",
        "%(count)s messages wait and nobody consumes.",
    )


def _growing(params: Params) -> str:
    text = _("Backlog growing %(rate)s since %(since)s.") % {
        "rate": per_second(params["rate"]),
        "since": since(params["since"]),
    }
    if "full_in" not in params:
        return text
    full = _("Full in %(time)s at its limit of %(limit)s.")
    return f"{text} {full % {'time': duration(params['full_in']), 'limit': number(params['limit'])}}"


def _stalled(params: Params) -> str:
    return _("Nothing acked since %(since)s: consumers hold %(unacked)s.") % {
        "since": since(params["since"]),
        "unacked": number(params["unacked"]),
    }


def _full_prefetch(params: Params) -> str:
    return _messages(
        params["consumers"],
        "Its consumer has a full prefetch and acks slowly.",
        "All %(count)s consumers have a full prefetch and ack slowly.",
    )


def _clears_late(params: Params) -> str:
    return _("At this rate the backlog is gone in %(time)s.") % {"time": duration(params["seconds"])}


def _waits_long(params: Params) -> str:
    waits = {"time": waited(timezone.now().timestamp() - params["oldest_at"])}
    if params["at_least"]:
        return _("The oldest message waits for %(time)s or longer.") % waits
    return _("The oldest message waits for about %(time)s.") % waits


def waited(seconds: float) -> str:
    """Return how long a message has waited, no finer than an estimate is: "14 min", "3 h"."""
    seconds = max(seconds, 0)
    unit = next((unit for unit in _UNITS if seconds >= unit), 1)
    return duration(seconds // unit * unit)


_UNITS = (86_400, 3_600, 60)


def _redelivered(params: Params) -> str:
    return (
        _(
            "%(percent)s %% of deliveries are redeliveries: a handler keeps failing, or takes longer than "
            "RabbitMQ waits."
        )
        % params
    )


def _letters_arriving(params: Params) -> str:
    text = _messages(
        params["count"],
        "Dead letters arriving: %(count)s in the last hour",
        "Dead letters arriving: %(count)s in the last hour",
    )
    if params.get("source"):
        return f"{text}, {_('from %(queue)s.') % {'queue': params['source']}}"
    return f"{text}."


def _letters_waiting(params: Params) -> str:
    text = _messages(params["waiting"], "%(count)s dead letter waits", "%(count)s dead letters wait")
    if params.get("source"):
        return f"{text}, {_('from %(queue)s.') % {'queue': params['source']}}"
    return f"{text}."


def _delay(params: Params) -> str:
    if params["ms"] is None:
        return _("Delay queue: holds messages until they expire back.")
    return _("Delay queue: holds retries for %(time)s.") % {"time": duration(params["ms"] / 1000)}


def _delayed(params: Params) -> str:
    return _messages(
        params["count"],
        "%(count)s returned message waits for a delayed retry.",
        "%(count)s returned messages wait for a delayed retry.",
    )


def choice(name: str) -> str:
    """Return the words before the queues of a `Route` that a message may reach; "" where it reaches all of them."""
    return {
        "one": _("one of"),
        "matching": _("each that matches:"),
        "some": _("depending on the message:"),
    }.get(name, "")


_WORDS: dict[str, Callable[[Params], str]] = {
    "down": _down,
    "members_away": _members_away,
    "not_reported": lambda _params: _("The broker has not counted this queue yet."),
    "unseen": lambda _params: _(
        "mqadmin's user has no permission on its virtual host: nothing is known of it."
    ),
    "dead_letters_lost": _dead_letters_lost,
    "nearly_full": _nearly_full,
    "full": _full,
    "blocked": _blocked,
    "no_consumers": _no_consumers,
    "no_collector": _no_collector,
    "never_consumed": _never_consumed,
    "growing": _growing,
    "stalled": _stalled,
    "full_prefetch": _full_prefetch,
    "clears_late": _clears_late,
    "redelivered": _redelivered,
    "waits_long": _waits_long,
    "captured": lambda _params: _("Its dead letters are captured in the inbox."),
    "letters_arriving": _letters_arriving,
    "letters_waiting": _letters_waiting,
    "delay": _delay,
    "delayed": _delayed,
    "stream": lambda _params: _("Stream: messages stay after they are read."),
    "idle": lambda params: _("Idle since %(since)s.") % {"since": since(params["since"])},
}


def headline(name: str, reasons: Iterable[Mapping[str, Any]]) -> str:
    """Return the worst reason as a headline about the queue `name`."""
    first = next(iter(reasons), None)
    form = _HEADLINES.get(str(first["code"])) if first else None
    return str(form or _("%(queue)s needs a look")) % {"queue": name}


_HEADLINES = {
    "down": gettext_lazy("%(queue)s is down"),
    "members_away": gettext_lazy("%(queue)s lacks a member"),
    "dead_letters_lost": gettext_lazy("%(queue)s loses its dead letters"),
    "nearly_full": gettext_lazy("%(queue)s is nearly full"),
    "full": gettext_lazy("%(queue)s is full"),
    "blocked": gettext_lazy("%(queue)s gets nothing new"),
    "no_consumers": gettext_lazy("%(queue)s has nobody listening"),
    "no_collector": gettext_lazy("%(queue)s is not captured"),
    "never_consumed": gettext_lazy("%(queue)s has nobody listening"),
    "growing": gettext_lazy("%(queue)s is falling behind"),
    "stalled": gettext_lazy("%(queue)s stands still"),
    "clears_late": gettext_lazy("%(queue)s takes long to clear"),
    "waits_long": gettext_lazy("%(queue)s lets messages wait"),
    "redelivered": gettext_lazy("%(queue)s delivers the same again and again"),
    "letters_arriving": gettext_lazy("Dead letters arrive in %(queue)s"),
    "letters_waiting": gettext_lazy("Dead letters wait in %(queue)s"),
}
