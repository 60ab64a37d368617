"""Which clients a change of rights, or of a user's limits, shuts out: for the dialogs before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.administration.effects import providers
from mqadmin.administration.effects import words as effect_words
from mqadmin.core import brokers, permissions
from mqadmin.core.hooks import Panel
from mqadmin.core.pages.formats import number
from mqadmin.core.rights import asking as who
from mqadmin.rabbit.administration import access as asking
from mqadmin.rabbit.administration.permissions import Permission, TopicPermission
from mqadmin.rabbit.effects.access import (
    AccessChange,
    ClearRight,
    ClearTopics,
    SetRight,
    SetTopic,
    SetUserLimit,
    ShutOut,
    predict,
)
from mqadmin.rabbit.effects.effect import ORDER, Level

_Values = Mapping[str, Any]


def register() -> None:
    """Have the dialogs of rights and of users' limits show it."""
    for action, made in _CHANGES.items():
        providers.register(action, _provider(made))


def _provider(made: Callable[[_Values], AccessChange | None]) -> providers.Provider:
    def panel(slug: str, values: _Values) -> Panel | None:
        change = made(values)
        if change is None:
            return None
        said, doing = _statements(slug, change, values["user"])
        levels = effect_words.levels(((item["level"], item["text"]) for item in said), str)
        return Panel("administration/_shut_out.html", {"levels": levels, "doing": doing})

    return panel


def told(slug: str, action: str, values: _Values) -> dict[str, Any] | None:
    """Return what the API's calls say with `dry_run` (`EffectOut`), None where too little is given."""
    change = _CHANGES[action](values)
    if change is None:
        return None
    said, _doing = _statements(slug, change, values["user"])
    worst = min((item["level"] for item in said), key=ORDER.index, default="")
    return {"worst": worst, "is_refused": False, "statements": said, "queues": []}


def _statements(slug: str, change: AccessChange, user: str) -> tuple[list[dict[str, Any]], int]:
    """Return what is told of a change (`StatementOut`), and how many things the user is at."""
    access, uses, unknown = asking.gather(brokers.for_page(slug), users_of={user})
    with who.needing("view"):  # a user may be at work in virtual hosts that are not theirs who ask
        uses = [item for item in uses if permissions.allows(slug, item.vhost)]
    found = [
        _statement(
            "shut_out",
            "stops" if item.is_sure else "unknown",
            sentence(item),
            queue=item.use.name if item.use.does == "consumes" else "",
            why=item.why,
            vhost=item.use.vhost,
            name=item.use.name,
            count=item.use.count,
            keys=list(item.keys),
        )
        for item in predict(access, uses, change)
    ]
    is_any = bool(found)
    if unknown and not isinstance(change, SetUserLimit):
        found.append(_statement("publishers_unknown", "unknown", _unknown(unknown), count=unknown))
    if is_any:
        text = _("What runs goes on: it is refused when it begins again.")
        found.append(_statement("goes_on", "tells", text))
    return found, len(uses)


def _statement(code: str, level: Level, text: str, queue: str = "", **params: Any) -> dict[str, Any]:
    return {"code": code, "level": level, "queue": queue, "text": text, "params": params}


def sentence(item: ShutOut) -> str:
    """Return in words what is refused, names whole."""
    use = item.use
    named = {"user": use.user, "vhost": use.vhost, "name": use.name, "n": number(use.count)}
    if item.why == "limit":
        if use.name == "max-channels":
            return _("“%(user)s” has %(n)s channels open and may open no more.") % named
        return _("“%(user)s” has %(n)s connections open and may open no more.") % named
    if item.why == "vhost":
        text = ngettext(
            "%(n)s connection of “%(user)s” to “%(vhost)s” is not let in again.",
            "%(n)s connections of “%(user)s” to “%(vhost)s” are not let in again.",
            use.count,
        )
    elif use.does == "consumes":
        text = ngettext(
            "%(n)s consumer of “%(user)s” may not read the queue “%(name)s” again.",
            "%(n)s consumers of “%(user)s” may not read the queue “%(name)s” again.",
            use.count,
        )
    elif item.why == "key":
        text = _(
            "“%(user)s” publishes to %(exchange)s, and may not with these keys that are bound: %(keys)s."
        )
    else:
        text = ngettext(
            "%(n)s channel of “%(user)s” may not publish to %(exchange)s again.",
            "%(n)s channels of “%(user)s” may not publish to %(exchange)s again.",
            use.count,
        )
    more = {"exchange": effect_words.exchange(use.name), "keys": effect_words.names(item.keys)}
    return text % {**named, **more}


def _unknown(count: int) -> str:
    text = ngettext(
        "Where %(n)s channel publishes: this broker does not keep that (rates_mode).",
        "Where %(n)s channels publish: this broker does not keep that (rates_mode).",
        count,
    )
    return text % {"n": number(count)}


def _right(values: _Values) -> AccessChange | None:
    if not values.get("user") or not values.get("vhost"):
        return None
    expressions = (str(values.get(right) or "") for right in ("configure", "write", "read"))
    return SetRight(Permission(values["user"], values["vhost"], *expressions))


def _topic(values: _Values) -> AccessChange | None:
    if not values.get("user") or not values.get("vhost") or not values.get("exchange"):
        return None
    expressions = (str(values.get(right) or "") for right in ("write", "read"))
    return SetTopic(TopicPermission(values["user"], values["vhost"], values["exchange"], *expressions))


def _limit(values: _Values) -> AccessChange | None:
    if values.get("value") is None or not values.get("limit"):
        return None
    return SetUserLimit(values["user"], values["limit"], values["value"])


_CHANGES: dict[str, Callable[[_Values], AccessChange | None]] = {
    "permission.set": _right,
    "permission.clear": lambda values: ClearRight(values["user"], values["vhost"]),
    "topic_permission.set": _topic,
    "topic_permission.clear": lambda values: ClearTopics(values["user"], values["vhost"]),
    "user_limit.set": _limit,
}
