"""What is wrong with a queue, in a sentence for each code; `wording` has the table. Params are those of the reason,
and its `since`. Rows written before a number was there must still read well."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any

from django.utils import timezone

from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import duration, number, size
from mqadmin.core.pages.formats import moment as moment_words
from mqadmin.core.rights import naming
from mqadmin.core.translating import gettext as _
from mqadmin.core.translating import language, ngettext, zone

Params = Mapping[str, Any]
_NEAR_S = 20 * 3600  # it goes without its day


def since(epoch: float) -> str:
    """Return "13:42" for today, "21 Nov 13:42" for another day, in the user's time zone."""
    is_near = time.time() - epoch < _NEAR_S
    return _clock(int(epoch // 60), zone(), "" if is_near else language())


@lru_cache(maxsize=5_000)  # of most queues the same minute is told with each sample
def _clock(minute: int, zone: tzinfo, language: str | None) -> str:
    """Return the time of a minute since 1970, with its day where a language is given."""
    moment = datetime.fromtimestamp(minute * 60, tz=zone)
    day = "" if language == "" else f"{moment_words(moment, 'j M')} "
    return f"{day}{moment:%H:%M}"


def per_second(rate: float) -> str:
    """Return a rate with as many digits as it deserves: "0.4/s", "177/s"."""
    return _("%(rate)s/s") % {"rate": number(round(rate)) if rate >= 10 else f"{rate:.1f}"}


def _since(params: Params) -> str:
    """Return " since 13:42", "" where that is not known."""
    moment = params.get("since")
    return "" if moment is None else _(" since %(since)s") % {"since": since(moment)}


def _limit(params: Params) -> str:
    return size(params["limit"]) if params.get("unit") == "bytes" else number(params["limit"])


def _messages(count: int, one: str, many: str) -> str:
    return ngettext(one, many, count) % {"count": number(count)}


def down(params: Params) -> str:
    if away := params.get("away"):
        text = _("%(away)s of its %(members)s members are away (%(names)s): it serves nobody.")
        return text % {"away": len(away), "members": params["members"], "names": prose.listed(away)}
    states = {
        "minority": _("Most of its replicas are unreachable: it serves nobody."),
        "stopped": _("Stopped with its virtual host: it serves nobody."),
        "crashed": _("Crashed: it serves nobody."),
    }
    known = states.get(params["state"])
    return known or _("The broker says it is %(state)s: it serves nobody.") % {"state": params["state"]}


def members_away(params: Params) -> str:
    away, members, spare = params["away"], params["members"], params["spare"]
    text = ngettext(
        "A member is away: %(names)s. %(here)s of %(members)s members are there,",
        "Members are away: %(names)s. %(here)s of %(members)s members are there,",
        len(away),
    ) % {"names": prose.listed(away), "here": members - len(away), "members": members}
    needed = _("as few as it needs: without another it serves nobody.")
    bears = ngettext("and it bears the loss of %(n)s more.", "and it bears the loss of %(n)s more.", spare)
    return prose.paragraph((text, bears % {"n": spare} if spare else needed))


def members_behind(params: Params) -> str:
    behind, members, spare = params["behind"], params["members"], params["spare"]
    text = ngettext(
        "A member lags%(since)s: %(names)s. %(here)s of %(members)s members know everything,",
        "Members lag%(since)s: %(names)s. %(here)s of %(members)s members know everything,",
        len(behind),
    ) % {
        "names": prose.listed(node for node, _entries in behind),
        "here": members - len(behind),
        "members": members,
        "since": _since(params),
    }
    needed = _("as few as it needs: if another fails now, it waits for who lags.")
    bears = ngettext("and it bears the loss of %(n)s more.", "and it bears the loss of %(n)s more.", spare)
    return prose.paragraph((text, bears % {"n": spare} if spare else needed))


def dead_letters_lost(params: Params) -> str:
    faults = {
        "exchange_missing": _("Its dead-letter exchange does not exist: dead messages vanish."),
        "routes_nowhere": _("Its dead-letter exchange routes to no queue: dead messages vanish."),
    }
    return faults.get(params["fault"], _("Its dead letters reach no queue: dead messages vanish."))


def nearly_full(params: Params) -> str:
    words = {"percent": params["percent"], "limit": _limit(params)}
    return _("%(percent)s %% of its limit of %(limit)s.") % words


def full(params: Params) -> str:
    if params["refuses"]:
        text = _("Full at its limit of %(limit)s: publishers are refused.")
    else:
        text = _("Full at its limit of %(limit)s: each new message pushes the oldest out.")
    return text % {"limit": _limit(params)}


def losing(params: Params) -> str:
    """Say how messages are lost before anybody took them, how many, and how sure that is."""
    hows = {
        "expired": _("%(rate)s expire before anybody takes them: %(percent)s %% of what arrives."),
        "dropped": _("%(rate)s are dropped at its limit: %(percent)s %% of what arrives."),
        "refused": _("%(rate)s are refused, since it is full: %(percent)s %% of what is sent."),
        "unknown": _("%(rate)s vanish before anybody takes them: %(percent)s %% of what arrives."),
    }
    rate = per_second(params["rate"])
    if params["at_least"]:
        rate = _("At least %(rate)s") % {"rate": rate}
    text = hows.get(params["how"], hows["unknown"]) % {"rate": rate, "percent": params["percent"]}
    if params["how"] == "refused":
        return text
    return prose.paragraph(
        (text, _("They go on as dead letters.") if params["kept"] else _("They are lost."))
    )


def blocked(params: Params) -> str:
    if "disk" in params["alarms"]:
        return _("The broker's disk alarm blocks its publishers.")
    return _("The broker's memory alarm blocks its publishers.")


def no_consumers(params: Params) -> str:
    waiting = _messages(params["waiting"], "%(count)s message waits.", "%(count)s messages wait.")
    text = ngettext(
        "No consumers%(since)s (there was %(had)s):",
        "No consumers%(since)s (there were %(had)s):",
        params["had"],
    )
    return prose.paragraph((text % {"since": _since(params), "had": number(params["had"])}, waiting))


def no_collector(params: Params) -> str:
    text = _("Not captured%(since)s.") % {"since": _since(params)}
    waiting = _messages(params["waiting"], "%(count)s letter waits.", "%(count)s letters wait.")
    return prose.paragraph((text, waiting))


def never_consumed(params: Params) -> str:
    return _messages(
        params["waiting"],
        "%(count)s message waits and nobody consumes.",
        "%(count)s messages wait and nobody consumes.",
    )


def few_consumers(params: Params) -> str:
    return _("%(consumers)s of at least %(wanted)s consumers%(since)s.") % {
        "consumers": number(params["consumers"]),
        "wanted": number(params["wanted"]),
        "since": _since(params),
    }


def growing(params: Params) -> str:
    text = _("Backlog growing %(rate)s%(since)s.") % {
        "rate": per_second(params["rate"]),
        "since": _since(params),
    }
    if "full_at" in params:
        full = _("Full at %(time)s, at its limit of %(limit)s.")
        return prose.paragraph((text, full % {"time": since(params["full_at"]), "limit": _limit(params)}))
    if "full_in" in params:
        full = _("Full in %(time)s at its limit of %(limit)s.")
        return prose.paragraph((text, full % {"time": duration(params["full_in"]), "limit": _limit(params)}))
    return text


def stalled(params: Params) -> str:
    return _("Nothing acked%(since)s: consumers hold %(unacked)s.") % {
        "since": _since(params),
        "unacked": number(params["unacked"]),
    }


def full_prefetch(params: Params) -> str:
    """Say what versions before told of consumers without room."""
    return _messages(
        params["consumers"],
        "Its consumer has a full prefetch and acks slowly.",
        "All %(count)s consumers have a full prefetch and ack slowly.",
    )


def no_room(params: Params) -> str:
    text = _messages(
        params["consumers"],
        "Its consumer has no room: its prefetch is full, though its handler is not busy.",
        "All %(count)s consumers have no room: their prefetch is full, though their handlers are not busy.",
    )
    if "busy" not in params:
        text = _messages(
            params["consumers"],
            "Its consumer has no room: it holds all that its prefetch lets it.",
            "All %(count)s consumers have no room: they hold all that their prefetch lets them.",
        )
    return text


def slow_consumers(params: Params) -> str:
    text = _messages(params["consumers"], "Its consumer is too slow", "Its %(count)s consumers are too slow")
    if "ms" in params:
        text += _(", %(time)s for each message") % {"time": duration(params["ms"] / 1000)}
    if "more" not in params:
        return prose.ended(text)
    more = ngettext("needs %(n)s more consumer.", "needs %(n)s more consumers.", params["more"])
    return prose.labelled(text, more % {"n": number(params["more"])})


def hoarding(params: Params) -> str:
    return _("Its consumers take all and ack too little: they hold %(unacked)s, %(rate)s more.") % {
        "unacked": number(params["unacked"]),
        "rate": per_second(params["rate"]),
    }


def readers_behind(params: Params) -> str:
    return _("Its readers fall behind by %(rate)s%(since)s: each takes %(each)s.") % {
        "rate": per_second(params["rate"]),
        "each": per_second(params["each"]),
        "since": _since(params),
    }


def too_many_ready(params: Params) -> str:
    words = {"count": number(params["ready"]), "limit": number(params["limit"]), "since": _since(params)}
    return _("%(count)s are ready, more than the %(limit)s set for it%(since)s.") % words


def too_many_unacked(params: Params) -> str:
    words = {"count": number(params["unacked"]), "limit": number(params["limit"]), "since": _since(params)}
    return _("%(count)s are unacked, more than the %(limit)s set for it%(since)s.") % words


def silent(params: Params) -> str:
    text = _("Nothing arrived%(since)s") % {"since": _since(params)}
    if "own" in params:
        return _("%(text)s: more than the %(time)s set for it.") % {
            "text": text,
            "time": duration(params["own"]),
        }
    usual = _("%(text)s: at this hour a pause is usually %(time)s at most.")
    return usual % {"text": text, "time": duration(max(params["usual"], 60))}


def producer_stopped(params: Params) -> str:
    return _("Nothing arrived%(since)s, after %(steady)s without a pause: its producer stopped.") % {
        "since": _since(params),
        "steady": duration(params["steady"] // 60 * 60),
    }


def leader_moved(params: Params) -> str:
    words = {"now": params["now"], "before": params["before"], "since": _since(params)}
    return _("Led from %(now)s%(since)s, from %(before)s before.") % words


def made_anew(params: Params) -> str:
    """Say that the name stands for another queue than before."""
    hows = {
        "came_back": _("It was gone, and is there again%(since)s."),
        "type": _("Made anew%(since)s, as a queue of another type."),
        "arguments": _("Made anew%(since)s, with other arguments."),
        "counters": _("Deleted and made anew%(since)s: its counters begin again."),
    }
    return hows.get(params["by"], _("Made anew%(since)s.")) % {"since": _since(params)}


def draining(params: Params) -> str:
    return _("Clear in %(time)s.") % {"time": duration(params["seconds"])}


def clears_late(params: Params) -> str:
    return _("At this rate the backlog is gone in %(time)s.") % {"time": duration(params["seconds"])}


def waits_long(params: Params) -> str:
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


def redelivered(params: Params) -> str:
    return (
        _(
            "%(percent)s %% of deliveries are redeliveries: a handler keeps failing, or takes longer than "
            "RabbitMQ waits."
        )
        % params
    )


def letters_arriving(params: Params) -> str:
    text = _messages(
        params["count"],
        "Dead letters arriving: %(count)s in the last hour",
        "Dead letters arriving: %(count)s in the last hour",
    )
    return prose.sentence_of((text, *_from(params)))


def letters_waiting(params: Params) -> str:
    text = _messages(params["waiting"], "%(count)s dead letter waits", "%(count)s dead letters wait")
    return prose.sentence_of((text, *_from(params)))


def _from(params: Params) -> Iterator[str]:
    """Yield which queue they come from, where that is known, and may be told."""
    source = params.get("source")
    if source and naming.is_seen_anywhere(source):
        yield _("from %(queue)s") % {"queue": source}


def delay(params: Params) -> str:
    if params["ms"] is None:
        return _("Delay queue: holds messages until they expire back.")
    return _("Delay queue: holds retries for %(time)s.") % {"time": duration(params["ms"] / 1000)}


def delayed(params: Params) -> str:
    return _messages(
        params["count"],
        "%(count)s returned message waits for a delayed retry.",
        "%(count)s returned messages wait for a delayed retry.",
    )


def idle(params: Params) -> str:
    return _("Idle%(since)s.") % {"since": _since(params)}
