"""API tokens: made once, shown once, stored as their SHA-256."""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.models import Q
from django.utils import timezone

from mqadmin.core import permissions
from mqadmin.core.models import ApiToken

log = logging.getLogger(__name__)

PREFIX = "mqa_"
_SEEN_EVERY = timedelta(minutes=1)  # last_used_at is for people: not a write per call


def make(
    *,
    user: User,
    name: str = "",
    level: str = ApiToken.Level.CONFIGURE,
    expires_at: datetime | None = None,
    **part: str,
) -> tuple[ApiToken, str]:
    """Return a new token of `user`, as it is stored and itself: 256 random bits, which nobody can read again.

    It may what its user may, at most `level`, until `expires_at`; `part`: its broker, vhost and queue, as patterns.
    """
    token = PREFIX + secrets.token_urlsafe(32)
    known = {"name": name[:100], "digest": digest(token), "hint": token[-4:]}
    made = ApiToken.objects.create(user=user, level=level, expires_at=expires_at, **known, **part)
    return made, token


def create(*, user: User, name: str = "") -> str:
    """Return a new token that may all that its user may, without an end."""
    return make(user=user, name=name)[1]


def digest(token: str) -> str:
    """Return what is stored of a token. No salt: a token is random enough not to be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


def of(token: str, address: str = "") -> ApiToken | None:
    """Return what is stored of a token that opens now, else None; note that it was used, from `address`.

    Its user's rights are narrowed to what the token may.
    """
    found = ApiToken.objects.select_related("user").filter(digest=digest(token), user__is_active=True).first()
    now = timezone.now()
    if found is None or (found.expires_at is not None and found.expires_at <= now):
        return None
    if found.last_used_at is None or found.last_used_at < now - _SEEN_EVERY:
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - _SEEN_EVERY)
        try:
            rows = ApiToken.objects.filter(stale, pk=found.pk)
            rows.update(last_used_at=now, last_used_from=address[:45])
        except OperationalError as error:  # reading goes on while the database takes no writes
            log.warning("a token's last use could not be written: %s", error)
    permissions.narrow(found.user, found.level, broker=found.broker, vhost=found.vhost, queue=found.queue)
    return found


def user_of(token: str) -> User | None:
    """Return the active user a token belongs to, with the token's rights, else None."""
    found = of(token)
    return found.user if found else None


def closed(token: str) -> tuple[str, str]:
    """Return of a token that does not open the name of its account and why: "expired", "inactive".

    ("", "") for no such token, or one that opens.
    """
    found = ApiToken.objects.select_related("user").filter(digest=digest(token)).first()
    if found is None:
        return "", ""
    if not found.user.is_active:
        return found.user.get_username(), "inactive"
    is_over = found.expires_at is not None and found.expires_at <= timezone.now()
    return (found.user.get_username(), "expired") if is_over else ("", "")
