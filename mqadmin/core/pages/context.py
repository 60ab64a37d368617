"""What every page's frame shows: broker, navigation, freshness, theme. One context processor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import get_script_prefix
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from mqadmin.core import brokers, hooks, permissions
from mqadmin.rabbit.errors import ConfigurationError

# Of each entry of the sidebar that begins an address by its own key.
_PATHS = {key: f"{key}/" for key in ("queues", "dead-letters", "consumers", "operations", "audit")}
_OF_ONE_BROKER = {"broker", "vhost", "page", "cursor", "hold", "letter", "group", "at"}
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


@dataclass(frozen=True)
class BrokerChoice:
    """One broker of the switcher. `environment` is "", production, staging or development."""

    slug: str
    title: str
    environment: str
    environment_label: str
    facts: str
    href: str
    is_current: bool


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


def shell(request: HttpRequest) -> dict[str, Any]:
    """Give every template `frame` (made when first used), `theme` and `home`, the address of the overview."""
    return {
        "frame": SimpleLazyObject(lambda: frame(request)),
        "theme": theme(request),
        "home": get_script_prefix(),
        "cookie_path": settings.SESSION_COOKIE_PATH,
    }


def theme(request: HttpRequest) -> str:
    """Return "auto", "light" or "dark", as the visitor chose."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else "auto"


def frame(request: HttpRequest) -> Frame:
    """Build the frame. A broken broker configuration is told in it; the page still renders."""
    if not permissions.may(request.user, "view"):
        return Frame(None, [], [], None, "", "")
    fault, slug = "", ""
    choices: list[BrokerChoice] = []
    try:
        slug = brokers.current(request)
        choices = _choices(slug, request)
    except ConfigurationError as error:
        fault = str(error)
    if not choices and not fault:
        fault = _("No broker is configured. Set RABBITMQ_URL, or write a brokers.toml.")
    current = next((choice for choice in choices if choice.is_current), None)
    fresh = hooks.freshness(slug) if slug else None
    at = place(request)
    nav = _nav(slug, len(choices) > 1, at)
    return Frame(
        current, choices, nav, fresh, fault, at, next((item.group for item in nav if item.group), ())
    )


def place(request: HttpRequest) -> str:
    """Return the key of the sidebar entry a page belongs to: the first part of its address."""
    first = request.path_info.strip("/").split("/")[0]
    return request.GET.get("at", "") if first == "live" else first or "overview"


def environments() -> dict[str, str]:
    """Return what environments are called."""
    return {"production": _("production"), "staging": _("staging"), "development": _("development")}


def _choices(current: str, request: HttpRequest) -> list[BrokerChoice]:
    words = environments()
    return [
        BrokerChoice(
            slug=slug,
            title=config.title,
            environment=config.environment,
            environment_label=words.get(config.environment, ""),
            facts=hooks.broker_facts(slug),
            href=_there(request, slug),
            is_current=slug == current,
        )
        for slug, config in brokers.configs().items()
    ]


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
    if request.path_info.strip("/") == inside.strip("/"):
        kept = {name: values for name, values in request.GET.lists() if name not in _OF_ONE_BROKER}
    return f"{get_script_prefix()}{inside}?{urlencode({'broker': slug, **kept}, doseq=True)}"


def _nav(slug: str, with_broker: bool, at: str) -> list[NavItem]:
    entries = (
        ("overview", _("Overview"), "home", "", False),
        ("alerts", _("Alerts"), "bell", "alerts/", False),
        ("queues", _("Queues"), "stack-2", "queues/", False),
        ("dead-letters", _("Dead letters"), "mail-exclamation", "dead-letters/", False),
        ("consumers", _("Consumers"), "player-play", "consumers/", False),
        ("operations", _("Operations"), "activity", "operations/", False),
        ("audit", _("Audit"), "history", "audit/", True),
    )
    # With several brokers the address names one, so that it can be shared.
    query = f"?{urlencode({'broker': slug})}" if with_broker and slug else ""
    items = [
        NavItem(key, label, icon, f"{get_script_prefix()}{path}{query}", hooks.nav_badge(key, slug), gap)
        for key, label, icon, path, gap in entries
    ]
    return [*items[:5], *_group(query, at), *items[5:]]


def _group(query: str, at: str) -> list[NavItem]:
    """Return the entry of what a broker is made of besides its queues; its pages while one of them is open."""
    parts = tuple(
        NavItem(part.key, str(part.label), part.icon, f"{get_script_prefix()}{part.key}/{query}", None)
        for part in hooks.nav_parts()
    )
    if not parts:
        return []
    is_open = any(part.key == at for part in parts)
    group = parts if is_open else ()
    return [NavItem("broker", _("Broker"), "server-2", parts[0].href, None, False, group, is_open)]
