"""Places that an account has signed in from: they are not locked by what strangers try.

A browser is known by a signed cookie, an address by the sign-ins in the audit log.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from mqadmin.core.access import addresses
from mqadmin.core.models import AuditEntry

SIGN_IN = "user.sign_in"
ADDRESS_DAYS = 30
_BROWSER_S = 180 * 24 * 3600
_MOST_NAMES = 5  # of one browser
_LATEST = 50  # sign-ins that are looked at
_SALT = "mqadmin.core.access.known"


def browser(request: HttpRequest, name: str) -> str:
    """Return the id of a browser that has signed in as `name` before, else ""."""
    cookie = _cookie(request)
    return str(cookie["id"]) if _digest(name) in cookie["names"] else ""


def remember(request: HttpRequest, response: HttpResponse, name: str) -> None:
    """Have the browser known for `name` from now on. The cookie opens nothing: it only is not locked by others."""
    cookie, mine = _cookie(request), _digest(name)
    names = [mine, *(other for other in cookie["names"] if other != mine)][:_MOST_NAMES]
    response.set_cookie(
        settings.MQADMIN_BROWSER_COOKIE,
        signing.dumps({"id": cookie["id"], "names": names}, salt=_SALT),
        max_age=_BROWSER_S,
        path=settings.SESSION_COOKIE_PATH,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def is_known_address(name: str, site: str, now: datetime) -> bool:
    """Whether the account has signed in from `site` (of `addresses.site`) within ADDRESS_DAYS."""
    entries = AuditEntry._base_manager.filter(
        actor=name,
        action=SIGN_IN,
        outcome=AuditEntry.Outcome.DONE,
        at__gte=now - timedelta(days=ADDRESS_DAYS),
    )
    details = entries.order_by("-id").values_list("detail", flat=True)[:_LATEST]
    return site != addresses.NOWHERE and any(
        addresses.site(str(detail.get("address", ""))) == site for detail in details
    )


def _cookie(request: HttpRequest) -> dict[str, Any]:
    try:
        found: dict[str, Any] = signing.loads(
            request.COOKIES.get(settings.MQADMIN_BROWSER_COOKIE, ""), salt=_SALT, max_age=_BROWSER_S
        )
    except signing.BadSignature:
        return {"id": secrets.token_hex(16), "names": []}
    return found


def _digest(name: str) -> str:
    return salted_hmac(_SALT, name, algorithm="sha256").hexdigest()[:32]
