"""What a change would do, in sentences: those of `rabbit.effects.effect`, one for each code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import duration, number, size
from mqadmin.core.tones import Tone
from mqadmin.rabbit.effects.effect import ORDER, Level, Statement

TONES: dict[Level, Tone] = {"loses": "red", "stops": "amber", "unknown": "amber", "tells": "grey"}
MOST = 25  # sentences of one level
_NAMED = 5  # names in one sentence
T = TypeVar("T")


def sentence(item: Statement) -> str:
    """Return a statement in words, names whole."""
    return _WORDS[item.code]({"queue": item.queue, **item.params})


def level(item: Level) -> str:
    """Return the heading of what is of one level."""
    return {
        "loses": _("Lost"),
        "stops": _("Stops"),
        "unknown": _("Cannot be told"),
        "tells": _("To be known"),
    }[item]


def levels(said: Iterable[tuple[Level, T]], say: Callable[[T], str]) -> list[dict[str, Any]]:
    """Return what templates draw of statements: the sentences of each level, the worst first, so many of each."""
    by_level: dict[Level, list[T]] = {}
    for one, item in said:
        by_level.setdefault(one, []).append(item)
    return [
        {
            "title": level(one),
            "tone": TONES[one],
            "sentences": [say(item) for item in by_level[one][:MOST]],
            "more": max(0, len(by_level[one]) - MOST),
        }
        for one in ORDER
        if one in by_level
    ]


def names(found: Iterable[str]) -> str:
    """Return names as a list in a sentence, the first few of many."""
    known = list(found)
    shown = prose.listed(f"“{name}”" for name in known[:_NAMED])
    more = len(known) - _NAMED
    return shown if more <= 0 else _("%(names)s and %(n)s more") % {"names": shown, "n": number(more)}


def exchange(name: str) -> str:
    """Return an exchange as sentences call it."""
    return _("“%(name)s”") % {"name": name} if name else _("the default exchange")


def messages(count: int | None) -> str:
    """Return a number of messages in words."""
    if count is None:
        return _("an unknown number of messages")
    return ngettext("%(n)s message", "%(n)s messages", count) % {"n": number(count)}


_Told = Mapping[str, Any]
_Says = Callable[[_Told], str]


def _plain(text: Callable[[], str]) -> _Says:
    return lambda told: text() % told


def _where(told: _Told) -> dict[str, Any]:
    key = told["routing_key"]
    which = _("any other routing key") if key is None else _("the routing key “%(key)s”") % {"key": key}
    return {**told, "exchange": exchange(told["exchange"]), "which": which}


def _routed(sure: Callable[[], str], perhaps: Callable[[], str]) -> _Says:
    return lambda told: (sure() if told.get("sure", True) else perhaps()) % _where(told)


def _refused(told: _Told) -> str:
    named = [key for key in told["keys"] if key is not None]
    values = {"exchange": exchange(told["exchange"]), "n": number(len(named))}
    if not named:
        return _("Who publishes to %(exchange)s is refused and loses the channel.") % values
    text = ngettext(
        "Who publishes to %(exchange)s is refused and loses the channel, whatever the routing key: with %(n)s a "
        "message reaches a queue now.",
        "Who publishes to %(exchange)s is refused and loses the channel, whatever the routing key: with %(n)s of "
        "them a message reaches a queue now.",
        len(named),
    )
    return text % values


def _limit(told: _Told) -> str:
    return size(told["limit"]) if told["in_bytes"] else messages(told["limit"])


def _at_once(told: _Told) -> dict[str, Any]:
    count = messages(told["count"])
    some = _("about %(count)s") % {"count": count} if told["about"] else count
    return {"queue": told["queue"], "some": some, "limit": _limit(told)}


def _dropped(told: _Told) -> str:
    text = _("“%(queue)s” is to hold at most %(limit)s: its oldest go at once and are lost: %(some)s.")
    return text % _at_once(told)


def _dead_lettered(told: _Told) -> str:
    text = _(
        "“%(queue)s” is to hold at most %(limit)s: its oldest are dead-lettered at once to %(to)s: %(some)s."
    )
    return text % {**_at_once(told), "to": names(told["to"])}


def _perhaps_dropped(told: _Told) -> str:
    text = _("“%(queue)s” may drop its oldest at once: at most %(some)s.")
    return text % {"queue": told["queue"], "some": messages(told["count"])}


def _deleted(told: _Told) -> str:
    if told["messages"] == 0:
        return _("“%(queue)s” is deleted. It is empty.") % told
    text = _("“%(queue)s” is deleted, with %(some)s. None of them is dead-lettered.")
    return text % {"queue": told["queue"], "some": messages(told["messages"])}


def _purged(told: _Told) -> str:
    text = _("%(some)s of “%(queue)s” are dropped. None of them is dead-lettered.")
    return text % {"queue": told["queue"], "some": messages(told["messages"])}


def _consumers(told: _Told) -> str:
    text = ngettext(
        "%(n)s consumer of “%(queue)s” is cut.", "%(n)s consumers of “%(queue)s” are cut.", told["count"]
    )
    return text % {"n": number(told["count"]), "queue": told["queue"]}


def _expires(told: _Told) -> str:
    values = {"queue": told["queue"], "time": duration(told["ms"] / 1000), "some": messages(told["messages"])}
    if told["in_use"]:
        return (
            _("“%(queue)s” is deleted once nobody has used it for %(time)s. It has a consumer now.") % values
        )
    return (
        _("“%(queue)s” is deleted in %(time)s with all that is in it (%(some)s), unless somebody uses it.")
        % values
    )


def _ttl_shorter(told: _Told) -> str:
    values = {"queue": told["queue"], "time": duration(told["ms"] / 1000)}
    if told["exchange"] is None:
        text = _(
            "What comes to “%(queue)s” from now on is lost after %(time)s. What is in it keeps its time."
        )
    else:
        text = _(
            "What comes to “%(queue)s” from now on is dead-lettered after %(time)s. What is in it keeps its time."
        )
    return text % values


def _ttl_longer(told: _Told) -> str:
    values = {"queue": told["queue"], "some": messages(told["messages"])}
    if told["ms"] is None:
        text = _("What comes to “%(queue)s” from now on has no TTL. What is in it keeps its time (%(some)s).")
        return text % values
    text = _(
        "What comes to “%(queue)s” from now on may wait %(time)s. What is in it keeps its time (%(some)s)."
    )
    return text % {**values, "time": duration(told["ms"] / 1000)}


def _letters_lost(told: _Told) -> str:
    if told["why"] == "missing":
        text = _("Dead letters of “%(queue)s” are lost from now on: there is no exchange %(exchange)s.")
    else:
        text = _("Dead letters of “%(queue)s” are lost from now on: %(exchange)s leads them to no queue.")
    return text % {**told, "exchange": exchange(told["exchange"])}


def _letters_go(told: _Told) -> str:
    text = _("Dead letters of “%(queue)s” go to %(after)s from now on, not to %(before)s.")
    if not told["before"]:
        text = _("Dead letters of “%(queue)s” go to %(after)s from now on.")
    elif not told["after"]:
        text = _("Dead letters of “%(queue)s” may go nowhere from now on, not to %(before)s.")
    return text % {"queue": told["queue"], "after": names(told["after"]), "before": names(told["before"])}


def _no_letters(told: _Told) -> str:
    text = _(
        "What dies in “%(queue)s” is lost from now on: it is not dead-lettered to %(exchange)s any more."
    )
    return text % {**told, "exchange": exchange(told["exchange"])}


def _delivery_limit(told: _Told) -> str:
    text = _(
        "“%(queue)s” gives up what was returned more than %(after)s times: how much of what is in it that is, "
        "the broker does not tell."
    )
    return text % {"queue": told["queue"], "after": number(told["after"])}


def _vhost_gone(told: _Told) -> str:
    queues = ngettext("%(n)s queue", "%(n)s queues", told["queues"]) % {"n": number(told["queues"])}
    text = _("The virtual host goes with %(queues)s and %(some)s in them. All its connections are closed.")
    return text % {"queues": queues, "some": messages(told["messages"])}


def _kinds(told: _Told) -> dict[str, Any]:
    kinds = {
        "queue": _("queue"),
        "exchange": _("exchange"),
        "binding": _("binding"),
        "policy": _("policy"),
    }
    return {**told, "kind": kinds[told["kind"]]}


def _hidden(told: _Told) -> str:
    what = {
        "policies": _("policies"),
        "operator_policies": _("operator policies"),
        "limits": _("limits of the virtual host"),
    }
    return _("The account may not read this: %(what)s. They are left out here.") % {
        "what": what[told["what"]]
    }


def _counted(text: Callable[[], str]) -> _Says:
    return lambda told: text() % {"limit": number(told["limit"]), "count": number(told["count"])}


_WORDS: dict[str, _Says] = {
    "vhost_gone": _vhost_gone,
    "queues_full": _counted(
        lambda: _(
            "No queue can be declared any more: there are %(count)s, and the limit is %(limit)s. Those stay."
        )
    ),
    "queues_open": _counted(lambda: _("Queues can be declared again: there are %(count)s.")),
    "connections_full": _counted(
        lambda: _(
            "No connection is let in any more: there are %(count)s, and the limit is %(limit)s. Those stay."
        )
    ),
    "connections_open": _counted(lambda: _("Connections are let in again: there are %(count)s.")),
    "hidden": _hidden,
    "exists": lambda told: (
        _("There is such a thing already (%(kind)s “%(name)s”): nothing changes.") % _kinds(told)
    ),
    "differs": lambda told: _("There is another %(kind)s “%(name)s”: the broker will refuse.") % _kinds(told),
    "no_room": lambda told: (
        _("The virtual host has as many queues as it may (%(limit)s): the broker will refuse.")
        % {"limit": number(told["limit"])}
    ),
    "missing": lambda told: _("There is no %(kind)s “%(name)s”: the broker will refuse.") % _kinds(told),
    "exchange_deleted": _plain(lambda: _("The exchange “%(exchange)s” is deleted, with its bindings.")),
    "exchange_goes_along": _plain(
        lambda: _("The exchange “%(exchange)s” goes along: it is auto-delete, and its last binding goes.")
    ),
    "refused": _refused,
    "unroutable": _routed(
        lambda: _("What is published to %(exchange)s with %(which)s reaches no queue any more."),
        lambda: _("What is published to %(exchange)s with %(which)s may reach no queue any more."),
    ),
    "stops_getting": _routed(
        lambda: _("“%(queue)s” gets nothing more that is published to %(exchange)s with %(which)s."),
        lambda: _("“%(queue)s” may get nothing more that is published to %(exchange)s with %(which)s."),
    ),
    "starts_getting": _routed(
        lambda: _("“%(queue)s” gets what is published to %(exchange)s with %(which)s from now on."),
        lambda: _("“%(queue)s” may get what is published to %(exchange)s with %(which)s from now on."),
    ),
    "deleted": _deleted,
    "purged": _purged,
    "consumers_cut": _consumers,
    "dropped": _dropped,
    "dead_lettered": _dead_lettered,
    "perhaps_dropped": _perhaps_dropped,
    "queue_expires": _expires,
    "ttl_shorter": _ttl_shorter,
    "ttl_longer": _ttl_longer,
    "full": _plain(lambda: _("“%(queue)s” is full from now on, and refuses what comes.")),
    "letters_lost": _letters_lost,
    "letters_go": _letters_go,
    "no_letters": _no_letters,
    "delivery_limit": _delivery_limit,
    "retention": _plain(
        lambda: _("“%(queue)s” is a stream: which of its oldest messages go, and when, cannot be told.")
    ),
    "unclear": lambda told: (
        _("Which policy applies to “%(queue)s” cannot be told: %(policies)s or none.")
        % {"queue": told["queue"], "policies": names(told["policies"])}
    ),
    "passed_over": lambda told: (
        _(
            "“%(queue)s” passes the policy “%(policy)s” over as a whole: %(keys)s is not for queues of its type."
        )
        % {"queue": told["queue"], "policy": told["policy"], "keys": names(told["keys"])}
    ),
}
