"""What every page's frame shows: broker, navigation, freshness, theme. One context processor."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import get_script_prefix
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from mqadmin.core import brokers, hooks, permissions
from mqadmin.core.backups import notice
from mqadmin.core.models import Restored
from mqadmin.core.pages import formats, opening, prose
from mqadmin.core.rights import asking
from mqadmin.rabbit.errors import ConfigurationError

# Of each entry of the sidebar that begins an address by its own key.
_PATHS = {
    key: f"{key}/" for key in ("queues", "dead-letters", "consumers", "operations", "approvals", "audit")
}
_OF_ONE_BROKER = {"broker", "vhost", "page", "cursor", "hold", "letter", "group", "at"}
_BADNESS = {"red": 3, "amber": 2, "grey": 1, "blue": 0, "green": 0}
THEMES = ("auto", "light", "dark")
THEME_COOKIE = "mqadmin_theme"


@dataclass(frozen=True)
class NavItem:
    """One entry of the sidebar."""

    key: str
    label: str
    icon: str
    href: str
    badge: hooks.Badge | None
    gap_before: bool = False
    group: tuple[NavItem, ...] = ()  # the pages below it, while one of them is open
    is_open: bool = False
    holds: str = ""  # what those pages are called


@dataclass(frozen=True)
class BrokerChoice:
    """One broker of the switcher, or all of them. `environment` is "", production, staging or development."""

    slug: str
    title: str
    environment: str
    environment_label: str
    facts: str
    href: str
    is_current: bool


@dataclass(frozen=True)
class Language:
    """A language as it calls itself, and in two letters, for where several may be chosen."""

    code: str
    name: str
    short: str


@dataclass(frozen=True)
class Frame:
    """The frame of a page. `fault` says why there is no broker, "" when there is one; `at`: the page's entry.

    `group`: the entries beside it, where it is one of a group.
    """

    broker: BrokerChoice | None
    brokers: list[BrokerChoice]
    nav: list[NavItem]
    freshness: hooks.Freshness | None
    fault: str
    at: str
    group: tuple[NavItem, ...] = ()


class May:
    """What who asks may do with what the page is about (`permissions.about`): `may.operate`."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def view_all(self) -> bool:
        """Whether they may look at everything: for links to what is of no part."""
        return permissions.may(self._request.user, "view")

    @property
    def operate(self) -> bool:
        return not permissions.denial_of(self._request, "operate")

    @property
    def configure(self) -> bool:
        return not permissions.denial_of(self._request, "configure")


def shell(request: HttpRequest) -> dict[str, Any]:
    """Give every template `frame` and `restored` (made when first used), `may`, `theme`, `languages`, and `home`,
    where all begins."""
    return {
        "frame": SimpleLazyObject(lambda: _frame(request)),
        "restored": SimpleLazyObject(lambda: _restored(request)),
        "may": May(request),
        "theme": theme(request),
        "languages": other_languages(get_language() or ""),
        "home": get_script_prefix(),
        "cookie_path": settings.SESSION_COOKIE_PATH,
    }


def _restored(request: HttpRequest) -> Restored | None:
    """Return what is to be said of a database that was restored, None for nothing."""
    if not permissions.may_somewhere(request.user, "view"):
        return None
    found = notice.standing()
    if found is not None and not permissions.may(request.user, "view"):
        # What was switched off is of all who work here, and so is to say that one knows.
        found = copy.copy(found)
        found.lines = []
        found.denied = permissions.denial(request.user, "operate")  # type: ignore[attr-defined]  # for its button
    return found


def theme(request: HttpRequest) -> str:
    """Return "auto", "light" or "dark", as the visitor chose."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else "auto"


@lru_cache(maxsize=20)
def other_languages(current: str) -> tuple[Language, ...]:
    """Return the languages that may be chosen, but for the one that is shown."""
    return tuple(
        Language(code, name, code[:2].upper()) for code, name in settings.LANGUAGES if code != current
    )


def _frame(request: HttpRequest) -> Frame:
    with asking.needing("view"):  # whatever the page is for
        return frame(request)


def frame(request: HttpRequest) -> Frame:
    """Build the frame. A broken broker configuration is told in it; the page still renders."""
    if not permissions.may_somewhere(request.user, "view"):
        return Frame(None, [], [], None, "", "")
    fault, slug, scope = "", "", ""
    choices: list[BrokerChoice] = []
    try:
        slug, scope = brokers.current(request), brokers.scope(request)
        choices = _choices(scope if _is_of_all(request) else slug, request)
    except ConfigurationError as error:
        fault = str(error)
    if not choices and not fault:
        fault = _("No broker is configured. Set RABBITMQ_URL, or write a brokers.toml.")
    current = next((choice for choice in choices if choice.is_current), None)
    slugs = brokers.within(scope) if scope else []
    at = place(request)
    nav = _open(request, _nav(scope, slugs, slug, len(choices) > 1, at))
    if permissions.may(request.user, "configure"):
        nav.append(NavItem("accounts", _("Accounts"), "users", f"{get_script_prefix()}accounts/", None))
    group = next((item.group for item in nav if item.group), ())
    return Frame(current, choices, nav, _freshness(slugs), fault, at, group)


def place(request: HttpRequest) -> str:
    """Return the key of the sidebar entry a page belongs to: the first part of its address."""
    first = request.path_info.strip("/").split("/")[0]
    return request.GET.get("at", "") if first == "live" else first or "overview"


def environments() -> dict[str, str]:
    """Return what environments are called."""
    return {"production": _("production"), "staging": _("staging"), "development": _("development")}


def _choices(current: str, request: HttpRequest) -> list[BrokerChoice]:
    words = environments()
    configs = brokers.configs()
    every = []
    if len(configs) > 1:
        count = ngettext("%(n)d broker", "%(n)d brokers", len(configs)) % {"n": len(configs)}
        href, is_current = _there(request, brokers.EVERY), current == brokers.EVERY
        every = [BrokerChoice(brokers.EVERY, _("All brokers"), "", "", count, href, is_current)]
    return every + [
        BrokerChoice(
            slug=slug,
            title=config.title,
            environment=config.environment,
            environment_label=words.get(config.environment, ""),
            facts=hooks.broker_facts(slug),
            href=_there(request, slug),
            is_current=slug == current,
        )
        for slug, config in configs.items()
    ]


def _is_list(request: HttpRequest) -> bool:
    """Whether the page is that of an entry of the sidebar, not of one thing in it."""
    return request.path_info.strip("/") == _PATHS.get(place(request), "").strip("/")


def _is_of_all(request: HttpRequest) -> bool:
    """Whether the page is of all brokers where its list is: one that is of a thing is of that one's broker, and so
    are the lists of what a broker is made of."""
    if _is_list(request):
        return True
    is_of_one = any(part.key == place(request) for part in hooks.nav_parts())
    return request.GET.get("broker") == brokers.EVERY and not is_of_one


def _freshness(slugs: Sequence[str]) -> hooks.Freshness | None:
    """Return how old the numbers are: of several brokers, of the one that is seen worst."""
    found = [(slug, fresh) for slug in slugs if (fresh := hooks.freshness(slug)) is not None]
    if not found:
        return None
    slug, worst = max(found, key=lambda item: (_BADNESS[item[1].tone], -_epoch(item[1])))
    if len(found) == 1 or worst.tone == "green":
        return worst
    title = brokers.config(slug).title.replace("{", "(").replace("}", ")")
    return worst._replace(text=prose.labelled(title, worst.text))


def _epoch(fresh: hooks.Freshness) -> float:
    return fresh.at.timestamp() if fresh.at else 0


def _badge(key: str, slugs: Sequence[str]) -> hooks.Badge | None:
    """Return what stands beside an entry; of several brokers their sum, in the colour of the worst."""
    found = [badge for slug in slugs if (badge := hooks.nav_badge(key, slug)) is not None]
    if len(found) < 2:
        return found[0] if found else None
    if not all(badge.counts for badge in found):
        return found[0]
    tone = max(found, key=lambda badge: _BADNESS[badge.tone]).tone
    sums = tuple(map(sum, zip(*(badge.counts for badge in found), strict=True)))
    return hooks.Badge(" / ".join(map(formats.number, sums)), tone, sums)


def address(key: str, slug: str) -> str:
    """Return the address of an entry of the sidebar, of a broker."""
    return f"{get_script_prefix()}{_path(key)}?{urlencode({'broker': slug})}"


def _path(key: str) -> str:
    """Return where the entry of this key is, "" for one that has no address of its own."""
    is_part = any(part.key == key for part in hooks.nav_parts())
    return f"{key}/" if is_part else _PATHS.get(key, "")


def _there(request: HttpRequest, slug: str) -> str:
    """Return the address of the page that one is on, of another broker: of a thing's page the list that it is in.

    What was asked for stays, but for what is of the one broker alone.
    """
    at = place(request)
    inside = _path(at)
    kept = {}
    if _is_list(request):
        kept = {name: values for name, values in request.GET.lists() if name not in _OF_ONE_BROKER}
    return f"{get_script_prefix()}{inside}?{urlencode({'broker': slug, **kept}, doseq=True)}"


def _nav(scope: str, slugs: Sequence[str], slug: str, with_broker: bool, at: str) -> list[NavItem]:
    entries = (
        ("overview", _("Overview"), "home", "", False),
        ("alerts", _("Alerts"), "bell", "alerts/", False),
        ("queues", _("Queues"), "stack-2", "queues/", False),
        ("dead-letters", _("Dead letters"), "mail-exclamation", "dead-letters/", False),
        ("consumers", _("Consumers"), "player-play", "consumers/", False),
        ("operations", _("Operations"), "activity", "operations/", True),
        *(
            [("approvals", _("Approvals"), "shield-check", "approvals/", False)]
            * hooks.nav_shown("approvals")
        ),
        ("audit", _("Audit"), "history", "audit/", False),
    )
    # With several brokers the address names one, so that it can be shared.
    query = f"?{urlencode({'broker': scope})}" if with_broker and scope else ""
    items = [
        NavItem(key, label, icon, f"{get_script_prefix()}{path}{query}", _badge(key, slugs), gap)
        for key, label, icon, path, gap in entries
    ]
    # What a broker is made of is looked at one broker at a time.
    of_one = f"?{urlencode({'broker': slug})}" if with_broker and slug else ""
    return [*items[:5], *_groups(of_one, at), *items[5:]]


def _open(request: HttpRequest, items: Sequence[NavItem]) -> list[NavItem]:
    """Return the entries that who asks may open; a group leads to the first page of it that they may."""
    if permissions.rights(request.user).is_plain:
        return list(items)
    return [item for item in items if opening.opens(request, item.href)]


def _groups(query: str, at: str) -> list[NavItem]:
    """Return the groups of what a broker is made of besides its queues; their pages while one of them is open.

    An entry leads to the first page of its group: without a script that opens it.
    """
    words = {
        "messages": (_("Messages"), "route"),
        "clients": (_("Clients"), "plug-connected"),
        "rules": (_("Rules"), "adjustments"),
        "access": (_("Access"), "lock"),
        "cluster": (_("Cluster"), "server-2"),
    }
    every = hooks.nav_parts()
    found: list[NavItem] = []
    for key, (label, icon) in words.items():
        parts = tuple(
            NavItem(part.key, str(part.label), part.icon, f"{get_script_prefix()}{part.key}/{query}", None)
            for part in every
            if part.group == key
        )
        if parts:
            is_open = any(part.key == at for part in parts)
            holds = prose.listed(part.label for part in parts)
            group = parts if is_open else ()
            found.append(NavItem(key, label, icon, parts[0].href, None, not found, group, is_open, holds))
    return found
