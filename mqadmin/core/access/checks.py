"""Settings about proxies that would not do what they seem to: told before anything runs (`migrate`, `check`)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from mqadmin.core.access import addresses


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
