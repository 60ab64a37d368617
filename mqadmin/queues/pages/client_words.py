"""What is wrong with a broker's clients, exchanges and definitions, in words: the codes of `monitor.cluster`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import number
from mqadmin.queues.pages import deprecated
from mqadmin.queues.pages.node_words import Told
from mqadmin.queues.pages.sentences import Params, per_second

NAMED = 3


def _some(names: list[str], count: int) -> str:
    more = count - len(names)
    return prose.listed(names) + (_(" and %(n)s more") % {"n": number(more)} if more > 0 else "")


def _publishers_blocked(params: Params) -> Told:
    names, count = params["names"], params["count"]
    title = ngettext("%(n)d publisher is blocked", "%(n)d publishers are blocked", count) % {"n": count}
    waiting = params["waiting"]
    more = ngettext(
        "%(n)s more connection is blocked once it publishes.",
        "%(n)s more connections are blocked once they publish.",
        waiting,
    )
    said = (prose.ended(_some(names, count)), more % {"n": number(waiting)} if waiting else "")
    return Told(
        title,
        prose.paragraph(said),
        _("They go on by themselves when the alarm is gone: cure that."),
        "connection-blocked",
    )


def _publishers_slowed(params: Params) -> Told:
    count = params["count"]
    title = ngettext("%(n)d publisher is slowed down", "%(n)d publishers are slowed down", count)
    return Told(
        title % {"n": count},
        _("%(names)s: the broker reads from them only as fast as it can write.")
        % {"names": _some(params["names"], count)},
        _(
            "They publish faster than queues and disks take it: spread them over more queues, or over more nodes."
        ),
        "flow-control",
        "-publish_rate",
    )


def _many_channels(params: Params) -> Told:
    count, limit, others = params["channels"], params["limit"], params["others"]
    title = _("%(connection)s has too many channels") % params
    where = _("User %(user)s, virtual host %(vhost)s.") % params
    numbers = {"n": number(count), "limit": number(limit)}
    may = (_("%(n)s of the %(limit)s that it may.") if limit else _("%(n)s, and no limit.")) % numbers
    more = ngettext("%(n)s more connection is like it.", "%(n)s more connections are like it.", others)
    return Told(
        title,
        prose.paragraph((may, where, more % {"n": number(others)} if others else "")),
        _("Its client opens channels and does not close them: have it keep one for each thread."),
        "channels",
    )


def _growing(title: str) -> Told:
    return Told(
        title,
        "",
        _(
            "Something opens them and does not close them: have each client keep one connection, and one channel "
            "for each thread."
        ),
        "connections",
    )


def _connections_growing(params: Params) -> Told:
    return replace(_growing(_("Connections become more and more")), evidence=_from_to(params))


def _channels_growing(params: Params) -> Told:
    return replace(_growing(_("Channels become more and more")), evidence=_from_to(params))


def _from_to(params: Params) -> str:
    numbers = {"from": number(params["from"]), "to": number(params["to"])}
    return _("From %(from)s to %(to)s, and never fewer in between.") % numbers


def _connections_churn(params: Params) -> Told:
    return Told(
        _("Connections are opened and closed all the time"),
        _opened(params),
        _("Each costs the broker much: have clients keep theirs open. The broker's log says who connects."),
        "connections",
    )


def _channels_churn(params: Params) -> Told:
    return Told(
        _("Channels are opened and closed all the time"),
        _opened(params),
        _("Have clients keep a channel open, rather than take one for each message."),
        "channels",
    )


def _opened(params: Params) -> str:
    rates = {"opened": per_second(params["opened"]), "closed": per_second(params["closed"])}
    return _("%(opened)s are opened, %(closed)s closed.") % rates


def _dropped(params: Params) -> Told:
    return Told(
        _("Messages vanish: no queue takes them"),
        _unroutable(params),
        _(
            "Bind a queue for them, or correct their routing key. An alternate exchange would keep them, and with "
            "the flag mandatory publishers would be told."
        ),
        "publishers",
    )


def _returned(params: Params) -> Told:
    return Told(
        _("Messages come back to publishers: no queue takes them"),
        _unroutable(params),
        _(
            "Bind a queue for them, or correct their routing key. Whether they are lost is up to the publisher."
        ),
        "publishers",
    )


def _unroutable(params: Params) -> str:
    parts = [_("%(rate)s.") % {"rate": per_second(params["rate"])}]
    if params["exchanges"]:
        parts.append(_("Exchange: %(names)s.") % {"names": prose.listed(map(_exchange, params["exchanges"]))})
    if params["publishers"]:
        parts.append(_("Published by %(names)s.") % {"names": prose.listed(params["publishers"])})
    return prose.paragraph(parts)


def _exchange(item: Mapping[str, Any]) -> str:
    name = item["name"] or _("the default one, by the name of a queue that is not there")
    return f"{name} ({item['vhost']})"


def _statistics_off(_params: Params) -> Told:
    return Told(
        _("The broker's statistics are turned off"),
        _("Rates, and whether publishers are blocked, are not known."),
        _("They come back without management_agent.disable_metrics_collector in rabbitmq.conf."),
        "management",
    )


def _connections_unknown(params: Params) -> Told:
    whys = {
        "tag_missing": _("The broker's user lacks the tag “monitoring”."),
        "no_answer": _("The broker did not list them in time, or refused."),
    }
    return Told(
        _("Connections and channels cannot be seen"),
        prose.paragraph(
            (
                whys.get(params["why"], ""),
                _("Whether publishers are blocked, or clients leak channels, is not known."),
            )
        ),
    )


def _slow_listing(params: Params) -> Told:
    return Told(
        _("The broker takes long to list its queues"),
        _("%(seconds)s s for %(queues)s queues: they are sampled more seldom.")
        % {"seconds": params["seconds"], "queues": number(params["queues"])},
        _("It is busy, or has more queues than its management plugin bears."),
        "management",
    )


def _deprecated(params: Params) -> Told:
    title, advice = deprecated.words(params["feature"])
    names = params["queues"]
    return Told(
        _("Deprecated, and in use: %(feature)s") % {"feature": title},
        prose.ended(prose.listed(names[:NAMED]) + (_(" and more") if len(names) > NAMED else ""))
        if names
        else "",
        prose.paragraph((advice, _("A later RabbitMQ refuses it, and may not start with it."))),
        "deprecated-features",
    )


WORDS: dict[str, Callable[[Params], Told]] = {
    "publishers_blocked": _publishers_blocked,
    "publishers_slowed": _publishers_slowed,
    "many_channels": _many_channels,
    "connections_growing": _connections_growing,
    "channels_growing": _channels_growing,
    "connections_churn": _connections_churn,
    "channels_churn": _channels_churn,
    "unroutable_dropped": _dropped,
    "unroutable_returned": _returned,
    "slow_listing": _slow_listing,
    "statistics_off": _statistics_off,
    "connections_unknown": _connections_unknown,
    "deprecated": _deprecated,
}
