"""API tokens: made once, shown once, stored as their SHA-256."""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.models import Q
from django.utils import timezone

from mqadmin.core.models import ApiToken

log = logging.getLogger(__name__)

PREFIX = "mqa_"
_SEEN_EVERY = timedelta(minutes=1)  # last_used_at is for people: not a write per call


def create(*, user: User, name: str = "") -> str:
    """Return a new token of `user`: 256 random bits, which nobody can read again."""
    token = PREFIX + secrets.token_urlsafe(32)
    ApiToken.objects.create(user=user, name=name[:100], digest=digest(token), hint=token[-4:])
    return token


def digest(token: str) -> str:
    """Return what is stored of a token. No salt: a token is random enough not to be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


def user_of(token: str) -> User | None:
    """Return the active user a token belongs to, else None."""
    found = ApiToken.objects.select_related("user").filter(digest=digest(token), user__is_active=True).first()
    if found is None:
        return None
    now = timezone.now()
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - _SEEN_EVERY)
    if found.last_used_at is None or found.last_used_at < now - _SEEN_EVERY:
        try:
            ApiToken.objects.filter(stale, pk=found.pk).update(last_used_at=now)
        except OperationalError as error:  # reading goes on while the database takes no writes
            log.warning("a token's last use could not be written: %s", error)
    return found.user


def inactive(token: str) -> str:
    """Return the name of the account that a token is of which does not open, "" for no such token."""
    found = (
        ApiToken.objects.select_related("user").filter(digest=digest(token), user__is_active=False).first()
    )
    return found.user.get_username() if found else ""
