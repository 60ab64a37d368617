"""What an address would say to who asks, before they follow it: for buttons and for the sidebar.

Who may do the same with everything is answered without looking at the address.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

from django.http import HttpRequest
from django.urls import Resolver404, get_script_prefix, resolve

from mqadmin.core import brokers, permissions
from mqadmin.core.permissions import Required
from mqadmin.core.rights.rules import LEVELS, NONE, Needed
from mqadmin.rabbit.errors import ConfigurationError


def denial(request: HttpRequest, needed: Needed, href: str = "") -> str:
    """Return why who asks may not do what a button is for, that leads to `href`; "" where they may."""
    if permissions.rights(request.user).is_plain:
        return permissions.denial_of(request, needed)
    asked = _requires(urlsplit(href).path, get_script_prefix()) if href else None
    if asked is None or asked.kind == "rows":
        return permissions.denial_of(request, needed)
    if asked.kind == "everything":
        return permissions.denial(request.user, needed)
    return "" if _level(request, href, asked) >= LEVELS[needed] else permissions.denied(needed, is_part=True)


def opens(request: HttpRequest, href: str) -> bool:
    """Whether the page at `href` would open."""
    return not denial(request, "view", href)


def _level(request: HttpRequest, href: str, asked: Required) -> int:
    """Return the level that is held of the broker or the virtual host that an address names, else of the one that
    the page is about."""
    query = parse_qs(urlsplit(href).query)
    rights = permissions.rights(request.user)
    try:
        slug = (query.get("broker") or [""])[0] or brokers.current(request)
    except ConfigurationError:
        return NONE
    if asked.kind == "broker":
        return rights.level(slug)
    vhost = (query.get("vhost") or [""])[0] or permissions.vhost_about(request)
    return rights.level(slug, vhost) if vhost else rights.inside(slug)


@lru_cache(maxsize=1_000)
def _requires(path: str, prefix: str) -> Required | None:
    """Return what the page at a path needs; None for what is none of ours, or says nothing."""
    try:
        function = resolve("/" + path.removeprefix(prefix)).func
    except Resolver404:
        return None
    found = getattr(function, "requires", None)
    return found if isinstance(found, Required) else None
