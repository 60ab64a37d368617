"""The way of messages in and out of a queue, as `queues/_flow.html` draws it: a few of each, and how many more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import number, rate
from mqadmin.core.tones import Tone
from mqadmin.queues.why.facts import Facts, Holder
from mqadmin.queues.why.upstream import Publisher, Upstream

SHOWN = 10
KEYS = 3
NOTHING = Upstream()


@dataclass(frozen=True)
class Stop:
    """One box of the drawing. `name` came from strangers; `text`: what is told of it; `marks`: names under it."""

    name: str
    text: str = ""
    href: str = ""
    marks: Sequence[str] = ()
    more: str = ""
    tone: Tone = "grey"


@dataclass(frozen=True)
class Lane:
    """The boxes that stand side by side at one place of the way. `more`: how many were left out, in words."""

    title: str
    stops: Sequence[Stop]
    empty: str = ""
    more: str = ""


@dataclass(frozen=True)
class Way:
    sources: Lane
    passing: Lane | None  # exchanges that pass messages on to exchanges
    exchanges: Lane
    consumers: Lane
    dead: Lane


def way(facts: Facts, *, sources: Sequence[Stop], dead: Sequence[Stop], upstream: Upstream = NOTHING) -> Way:
    """Return the drawing. `sources`: queues whose dead letters arrive here, `dead`: those where its own go."""
    return Way(
        _sources(facts, sources, upstream),
        _passing(upstream),
        _exchanges(facts),
        _consumers(facts),
        _dead(facts, dead),
    )


def _sources(facts: Facts, queues: Sequence[Stop], upstream: Upstream) -> Lane:
    came = facts.info.publish_rate
    count = facts.detail.publishers if facts.detail else None
    text = _("%(rate)s/s") % {"rate": rate(came)} if came is not None else _("rate not known")
    if count is not None:
        known = ngettext("%(n)s channel", "%(n)s channels", count) % {"n": number(count)}
        text = prose.clause((known, text))
    more = ""
    if not upstream.tells_publishers:
        more = _("not told by name: RabbitMQ keeps that with management.rates_mode = detailed")
    publishers = Stop(_("Publishers"), text, more=more, tone="green" if came else "grey")
    named = [_publisher(item) for item in upstream.publishers]
    return _lane(_("Come from"), [publishers, *queues, *named])


def _publisher(item: Publisher) -> Stop:
    """Return a client that publishes to an exchange on the way: perhaps what goes elsewhere."""
    count = ngettext("%(n)s channel", "%(n)s channels", item.channels) % {"n": number(item.channels)}
    total = [one for one in item.rates.values() if one is not None]
    text = prose.clause((count, _("%(rate)s/s") % {"rate": rate(sum(total))} if total else ""))
    marks = [f"→ {name or _('default exchange')}" for name in item.rates]
    return Stop(
        item.name, text, marks=marks[:KEYS], more=_more(len(marks)), tone="green" if sum(total) else "grey"
    )


def _more(count: int) -> str:
    return _("and %(n)s more") % {"n": number(count - KEYS)} if count > KEYS else ""


def _passing(upstream: Upstream) -> Lane | None:
    """Return the exchanges that are bound to exchanges, or have one as their alternate, each with where it passes
    messages on to."""
    if not upstream.passing:
        return None
    stops = []
    for item in upstream.passing:
        marks = [f"{key} → {name}" for name, keys in item.onto.items() for key in keys]
        marks += [_("unroutable → %(name)s") % {"name": name} for name in item.rest]
        stops.append(Stop(item.name, marks=marks[:KEYS], more=_more(len(marks))))
    lane = _lane(_("Passed on by"), stops)
    if upstream.is_cut and not lane.more:
        return replace(lane, more=_("perhaps by more: not followed further"))
    return lane


def _exchanges(facts: Facts) -> Lane:
    if facts.bindings is None:
        return _lane(_("Through"), [], empty=_("not known: the broker does not tell its bindings now"))
    by_source: dict[str, list[str]] = defaultdict(list)
    for binding in facts.bindings:
        by_source[binding.source].append(binding.routing_key)
    incoming = facts.detail.incoming if facts.detail else {}
    stops = [_exchange(name, keys, incoming.get(name)) for name, keys in sorted(by_source.items())]
    stops.append(_exchange("", [facts.info.name], incoming.get("")))
    return _lane(_("Through"), stops)


def _exchange(name: str, keys: Sequence[str], came: float | None) -> Stop:
    shown = sorted(set(keys))
    more = len(shown) - KEYS
    return Stop(
        name or _("default exchange"),
        _("%(rate)s/s") % {"rate": rate(came)} if came is not None else "",
        "#queue-bindings",
        shown[:KEYS] if name else (),
        ngettext("and %(n)s more key", "and %(n)s more keys", more) % {"n": number(more)} if more > 0 else "",
        "green" if came else "grey",
    )


def _consumers(facts: Facts) -> Lane:
    if facts.seen != "live":
        return _lane(_("Go to"), [], empty=_("not known: the broker does not tell its consumers now"))
    ours: dict[str, list[Holder]] = defaultdict(list)
    others: dict[str, list[Holder]] = defaultdict(list)
    for holder in facts.holders:
        if holder.reader is not None:
            ours[holder.reader.name].append(holder)
        else:
            others[holder.host or holder.consumer.tag].append(holder)
    stops = []
    for name, group in sorted(ours.items()):
        reader = group[0].reader
        if reader is not None:
            stops.append(Stop(name, _held(group, _("ours")), reader.href, tone=reader.tone))
    stops += [
        Stop(name, _held(group, ""), "#queue-readers", tone="green") for name, group in sorted(others.items())
    ]
    return _lane(_("Go to"), stops, empty=_("nobody"))


def _held(group: Sequence[Holder], first: str) -> str:
    parts = [first, ngettext("%(n)s consumer", "%(n)s consumers", len(group)) % {"n": number(len(group))}]
    unacked = {holder.consumer.channel: holder.unacked for holder in group if holder.unacked is not None}
    if unacked:
        parts.append(_("%(n)s unacked") % {"n": number(sum(unacked.values()))})
    return prose.clause(parts)


def _dead(facts: Facts, dead: Sequence[Stop]) -> Lane:
    empty = _("no dead-letter exchange: rejected and expired messages are dropped")
    if facts.dead_letter_fault:
        empty = _("nowhere: what is rejected or expires is lost")
    return _lane(_("Dead letters go to"), dead, empty=empty)


def _lane(title: str, stops: Iterable[Stop], empty: str = "") -> Lane:
    found = list(stops)
    more = len(found) - SHOWN
    return Lane(title, found[:SHOWN], empty, _("and %(n)s more") % {"n": number(more)} if more > 0 else "")
