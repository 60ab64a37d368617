"""Reasons for people. The database keeps codes and numbers (`health.judging`); one table has all that is said of
each: the sentence, the headline, what shows it, what to do, and the acts that cure it (`cures`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from mqadmin.core.hooks import Link
from mqadmin.core.rights import naming
from mqadmin.core.tones import Tone
from mqadmin.core.translating import gettext as _
from mqadmin.queues.models import Queue
from mqadmin.queues.pages import cures, evidence, tones
from mqadmin.queues.pages import sentences as say
from mqadmin.queues.pages.sentences import Params

Text = Promise | str


@dataclass(frozen=True)
class Word:
    """What is said of one code. `shown_by` returns the evidence, from the row as it was sampled."""

    sentence: Callable[[Params], str]
    headline: Text = ""
    advice: Text = ""
    cures: tuple[str, ...] = ()
    shown_by: Callable[[Params, Queue], str] | None = None


TABLE: dict[str, Word] = {
    # --- whether it is there
    "down": Word(
        say.down,
        gettext_lazy("%(queue)s is down"),
        gettext_lazy("Start the nodes that are away. What it holds is kept there."),
        ("nodes",),
        evidence.state,
    ),
    "members_away": Word(
        say.members_away,
        gettext_lazy("%(queue)s lacks a member"),
        gettext_lazy("Start the node; if it is gone for good, remove its member and add one elsewhere."),
        ("nodes",),
    ),
    "members_behind": Word(
        say.members_behind,
        gettext_lazy("%(queue)s has a member that lags"),
        gettext_lazy(
            "It catches up by itself; if it does not, look at the disk, network and load of its node."
        ),
        ("nodes",),
        evidence.behind,
    ),
    "leader_moved": Word(
        say.leader_moved,
        advice=gettext_lazy("Nothing is to be done, unless it happens again: then look at the node it left."),
        cures=("nodes",),
    ),
    "made_anew": Word(
        say.made_anew,
        advice=gettext_lazy("What it held before is gone. Its bindings may be others too: see below."),
    ),
    "not_reported": Word(lambda _params: _("The broker has not counted this queue yet.")),
    "unseen": Word(
        lambda _params: _("mqadmin's user has no permission on its virtual host: nothing is known of it.")
    ),
    "blocked": Word(
        say.blocked,
        gettext_lazy("%(queue)s gets nothing new"),
        gettext_lazy("Free memory or disk on that node: publishers wait until the alarm is over."),
        ("nodes",),
        evidence.traffic,
    ),
    # --- who consumes
    "no_consumers": Word(
        say.no_consumers,
        gettext_lazy("%(queue)s has nobody listening"),
        gettext_lazy("Start its consumers again, or move what waits."),
        ("consume", "move"),
        evidence.traffic,
    ),
    "no_collector": Word(
        say.no_collector,
        gettext_lazy("%(queue)s is not captured"),
        gettext_lazy("Its collector does not run: see whether a supervisor is there."),
        ("consumers",),
    ),
    "never_consumed": Word(
        say.never_consumed,
        gettext_lazy("%(queue)s has nobody listening"),
        gettext_lazy("Define a consumer; if nobody needs it, purge it and remove its bindings."),
        ("consume", "move", "purge"),
        evidence.traffic,
    ),
    "few_consumers": Word(
        say.few_consumers,
        gettext_lazy("%(queue)s has too few consumers"),
        gettext_lazy("Start the others again."),
        ("consume",),
        evidence.traffic,
    ),
    "no_room": Word(
        say.no_room,
        gettext_lazy("%(queue)s has consumers without room"),
        gettext_lazy("Raise their prefetch: handlers wait for the next message while they could work."),
        ("consumers",),
        evidence.room,
    ),
    "slow_consumers": Word(
        say.slow_consumers,
        gettext_lazy("%(queue)s has slow consumers"),
        gettext_lazy("Start more of them, or make the handler faster. A larger prefetch does not help."),
        ("consume", "consumers"),
        evidence.room,
    ),
    "full_prefetch": Word(say.full_prefetch, cures=("consumers",)),
    "hoarding": Word(
        say.hoarding,
        gettext_lazy("%(queue)s piles up in its consumers"),
        gettext_lazy(
            "Give its consumers a prefetch they can handle, and start more: what they hold is lost to "
            "the others, and comes again when one dies."
        ),
        ("consume", "consumers"),
        evidence.traffic,
    ),
    "redelivered": Word(
        say.redelivered,
        gettext_lazy("%(queue)s delivers the same again and again"),
        gettext_lazy("Look at what is at its head; give it a dead-letter exchange and a delivery limit."),
        ("map", "move"),
        evidence.redelivered,
    ),
    # --- what waits
    "growing": Word(
        say.growing,
        gettext_lazy("%(queue)s is falling behind"),
        gettext_lazy("Start more consumers, or slow down who publishes."),
        ("consume", "move"),
        evidence.traffic,
    ),
    "stalled": Word(
        say.stalled,
        gettext_lazy("%(queue)s stands still"),
        gettext_lazy(
            "A handler hangs, or waits for something. Restart the consumer: what it holds goes back."
        ),
        ("consumers",),
        evidence.traffic,
    ),
    "clears_late": Word(
        say.clears_late,
        gettext_lazy("%(queue)s takes long to clear"),
        gettext_lazy("Start more consumers if that is too late."),
        ("consume", "move"),
        evidence.traffic,
    ),
    "draining": Word(say.draining, shown_by=evidence.traffic),
    "waits_long": Word(
        say.waits_long,
        gettext_lazy("%(queue)s lets messages wait"),
        gettext_lazy("See below why it is stuck; more consumers shorten the wait."),
        ("consume",),
        evidence.traffic,
    ),
    "too_many_ready": Word(
        say.too_many_ready,
        gettext_lazy("%(queue)s holds too many"),
        gettext_lazy("Start more consumers, or move or purge what is not needed."),
        ("consume", "move", "purge"),
        evidence.traffic,
    ),
    "too_many_unacked": Word(
        say.too_many_unacked,
        gettext_lazy("%(queue)s has too many unacked"),
        gettext_lazy("See whether its handlers hang; a smaller prefetch leaves more to the others."),
        ("consumers",),
        evidence.traffic,
    ),
    "readers_behind": Word(
        say.readers_behind,
        gettext_lazy("%(queue)s has readers that fall behind"),
        gettext_lazy("Make them faster, or raise their credit. Readers that filter take less on purpose."),
        (),
        evidence.traffic,
    ),
    # --- what does not arrive, or not at the other end
    "silent": Word(
        say.silent,
        gettext_lazy("%(queue)s fell silent"),
        gettext_lazy("See whether its publishers run and still reach it; publish one to try."),
        ("publish",),
        evidence.traffic,
    ),
    "producer_stopped": Word(
        say.producer_stopped,
        gettext_lazy("%(queue)s gets nothing any more"),
        gettext_lazy("See whether its producer runs; publish one to see that its consumers do."),
        ("publish",),
        evidence.traffic,
    ),
    "losing": Word(
        say.losing,
        gettext_lazy("%(queue)s loses messages"),
        gettext_lazy(
            "Start more consumers, give messages longer or the queue more room, and a dead-letter "
            "exchange to what must not be lost."
        ),
        ("consume", "map"),
        evidence.losing,
    ),
    "nearly_full": Word(
        say.nearly_full,
        gettext_lazy("%(queue)s is nearly full"),
        gettext_lazy("Start more consumers, or raise its limit by a policy."),
        ("consume", "move", "purge"),
        evidence.traffic,
    ),
    "full": Word(
        say.full,
        gettext_lazy("%(queue)s is full"),
        gettext_lazy("Start more consumers, move or purge what waits, or raise its limit by a policy."),
        ("consume", "move", "purge"),
        evidence.traffic,
    ),
    "dead_letters_lost": Word(
        say.dead_letters_lost,
        gettext_lazy("%(queue)s loses its dead letters"),
        gettext_lazy("Declare that exchange, and bind a queue to it that keeps what dies."),
        ("map",),
        evidence.dead_letters,
    ),
    # --- dead letters, delays, and nothing
    "captured": Word(lambda _params: _("Its dead letters are captured in the inbox."), cures=("letters",)),
    "letters_arriving": Word(
        say.letters_arriving,
        gettext_lazy("Dead letters arrive in %(queue)s"),
        gettext_lazy("Track it: then the inbox says what failed and why, and requeues it."),
        ("track", "move"),
    ),
    "letters_waiting": Word(
        say.letters_waiting,
        gettext_lazy("Dead letters wait in %(queue)s"),
        gettext_lazy("Track it: then the inbox says what failed and why, and requeues it."),
        ("track", "move", "purge"),
    ),
    "delay": Word(say.delay),
    "delayed": Word(say.delayed),
    "stream": Word(lambda _params: _("Stream: messages stay after they are read.")),
    "idle": Word(say.idle),
}


def sentences(reasons: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return one plain-text sentence per reason; a code from a newer version is shown as it is."""
    return [_sentence(reason) for reason in reasons]


def _sentence(reason: Mapping[str, Any]) -> str:
    word = TABLE.get(str(reason["code"]))
    return word.sentence(_params(reason)) if word else str(reason["code"])


def _params(reason: Mapping[str, Any]) -> dict[str, Any]:
    """Return the params with `since`, wherever it stands: older rows have it among them."""
    params = dict(reason.get("params", {}))
    if "since" in reason:
        params["since"] = reason["since"]
    return params


def _shown(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the params as programs are told them: no queue by name that may not be seen."""
    if naming.is_seen_anywhere(params.get("source") or ""):
        return params
    return {name: value for name, value in params.items() if name != "source"}


def headline(name: str, reasons: Iterable[Mapping[str, Any]]) -> str:
    """Return the worst reason as a headline about the queue `name`."""
    first = next(iter(reasons), None)
    word = TABLE.get(str(first["code"])) if first else None
    return str((word and word.headline) or _("%(queue)s needs a look")) % {"queue": name}


@dataclass(frozen=True)
class Told:
    """One reason for people. `since`: in words, "" where the sentence says it or nobody knows; `since_at`: epoch
    seconds."""

    code: str
    level: str
    tone: Tone
    sentence: str
    since: str
    evidence: str
    advice: str
    since_at: float | None
    params: Mapping[str, Any]
    links: list[Link]


def told(queue: Queue, *, on_page: bool = False) -> list[Told]:
    """Return all that is said of a queue's reasons, the worst first; evidence and buttons once each.

    `on_page`: for the queue's own page. It has buttons, which cost queries, and its traffic in figures.
    """
    found: list[Told] = []
    for reason in queue.health_reasons:
        item = _told(queue, reason, on_page)
        is_said = any(item.evidence == before.evidence for before in found)
        offered = [link for before in found for link in before.links]
        links = [link for link in item.links if link not in offered]
        found.append(replace(item, evidence="" if is_said else item.evidence, links=links))
    return found


def _told(queue: Queue, reason: Mapping[str, Any], on_page: bool) -> Told:
    code, level = str(reason["code"]), str(reason.get("level", queue.health))
    word, params = TABLE.get(code), _params(reason)
    sentence, moment = _sentence(reason), params.get("since")
    since = "" if moment is None else say.since(moment)
    shown_by = word.shown_by if word else None
    if on_page and shown_by is evidence.traffic:
        shown_by = None
    return Told(
        code=code,
        level=level,
        tone=tones.HEALTH.get(level, "grey"),
        sentence=sentence,
        since="" if since in sentence else since,
        evidence=shown_by(params, queue) if shown_by else "",
        advice=str(word.advice) if word else "",
        since_at=moment,
        params=_shown(reason.get("params", {})),
        links=cures.links(queue, word.cures) if word and on_page else [],
    )


def choice(name: str) -> str:
    """Return the words before the queues of a `Route` that a message may reach; "" where it reaches all of them."""
    return {
        "one": _("one of"),
        "matching": _("each that matches:"),
        "some": _("depending on the message:"),
    }.get(name, "")
