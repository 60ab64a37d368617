"""Settings about proxies, and the path below one, that would not do what they seem to.

Told before anything runs (`migrate`, `check`).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.urls import URLPattern, URLResolver, get_resolver

from mqadmin.core.access import addresses
from mqadmin.core.access import sign_on as sign_on_elsewhere


def proxies(**_kwargs: Any) -> list[CheckMessage]:
    """Return what is wrong with `MQADMIN_TRUSTED_PROXIES`."""
    found: list[CheckMessage] = [
        Error(
            f"MQADMIN_TRUSTED_PROXIES: {word[:100]!r} is not an address, not a network that is smaller than all "
            f"addresses, and not '{addresses.UNIX}'.",
            id="mqadmin.E001",
        )
        for word in addresses.proxies().unread
    ]
    if settings.SECURE_PROXY_SSL_HEADER and not settings.MQADMIN_TRUSTED_PROXIES:
        found.append(
            Warning(
                "MQADMIN_BEHIND_PROXY is on, but MQADMIN_TRUSTED_PROXIES does not name the proxy: everybody seems "
                "to sign in from its address, and shares one limit of wrong passwords.",
                id="mqadmin.W001",
            )
        )
    return found


def sign_on(**_kwargs: Any) -> list[CheckMessage]:
    """Return what is wrong with the settings of the sign-on at a proxy."""
    found: list[CheckMessage] = []
    if settings.MQADMIN_SIGN_ON_HEADER and not settings.MQADMIN_TRUSTED_PROXIES:
        text = (
            "MQADMIN_SIGN_ON_HEADER is set, but MQADMIN_TRUSTED_PROXIES names no proxy: anybody could send the "
            "header, so nobody is believed."
        )
        found.append(Error(text, id="mqadmin.E003"))
    if not settings.MQADMIN_LOCAL_ACCOUNTS and not sign_on_elsewhere.is_on():
        text = (
            "MQADMIN_LOCAL_ACCOUNTS is off, and nobody signs on elsewhere (MQADMIN_SIGN_ON_HEADER, "
            f"MQADMIN_OIDC_ISSUER): only {settings.MQADMIN_EMERGENCY_ACCOUNT} can sign in."
        )
        found.append(Warning(text, id="mqadmin.W002"))
    return [*found, *(_provider() if sign_on_elsewhere.by_provider() else ())]


def _provider() -> list[CheckMessage]:
    """Return what is wrong with the settings of the sign-on at an OpenID provider."""
    found: list[CheckMessage] = []
    if not settings.MQADMIN_OIDC_CLIENT_ID:
        text = "MQADMIN_OIDC_ISSUER is set, but MQADMIN_OIDC_CLIENT_ID is not: the provider would refuse everybody."
        found.append(Error(text, id="mqadmin.E004"))
    if settings.MQADMIN_OIDC_GROUPS_CLAIM and not settings.MQADMIN_OIDC_ROLES:
        text = (
            "MQADMIN_OIDC_ROLES is empty: who signs on at the provider has no role, and sees nothing. Name groups, "
            "or everybody (*=viewer); or set MQADMIN_OIDC_GROUPS_CLAIM to nothing, then admins give roles."
        )
        found.append(Warning(text, id="mqadmin.W003"))
    host = urlsplit(settings.MQADMIN_OIDC_ISSUER).hostname
    if settings.MQADMIN_OIDC_ISSUER.startswith("http://") and host not in ("localhost", "127.0.0.1", "::1"):
        text = (
            "MQADMIN_OIDC_ISSUER is not https: whoever is between signs on as anybody, and reads the secret."
        )
        found.append(Warning(text, id="mqadmin.W004"))
    return found


def base_path(**_kwargs: Any) -> list[CheckMessage]:
    """Return an error for a `MQADMIN_BASE_PATH` that an address may begin with where a proxy took it away."""
    first = settings.BASE_PATH.partition("/")[2].partition("/")[0]
    if not first or first not in {*_first_parts(get_resolver().url_patterns), "static"}:
        return []
    text = (
        f"MQADMIN_BASE_PATH: /{first}/ is an address of mqadmin's own. Choose a path that begins otherwise."
    )
    return [Error(text, id="mqadmin.E002")]


def _first_parts(patterns: list[URLPattern | URLResolver]) -> set[str]:
    """Return what addresses begin with."""
    found = set()
    for item in patterns:
        route = str(item.pattern)
        if not route and isinstance(item, URLResolver):
            found |= _first_parts(item.url_patterns)
        found.add(route.split("/")[0])
    return found - {""}
