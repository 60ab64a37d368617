"""Links that open the wall where nobody is signed in: made by an admin, shown once, revoked at any time.

A link sees what its maker may see, the wall alone, and only while they may still make one.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core import permissions
from mqadmin.core.access import refused_tokens
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import WallToken

log = logging.getLogger(__name__)

PREFIX = "mqw_"
COOKIE_S = 400 * 86_400  # as long as browsers keep one
LONGEST_NAME = 100
_SEEN_EVERY = timedelta(minutes=1)  # last_used_at is for people: not a write per refresh


def create(*, user: User, name: str, by: Actor, detail: Mapping[str, Any] | None = None) -> str:
    """Return a new token: 256 random bits, which nobody can read again.

    Raises Refusal without a name (422), and for somebody who may not configure (403).
    """
    words = " ".join(name.split())[:LONGEST_NAME]
    if not words:
        text = _("Say which screen it is for.")
        raise Refusal(text, "invalid", status=422, fields={"name": text})
    if reason := permissions.denial(user, "configure"):
        raise Refusal(reason, "forbidden", status=403)
    token = PREFIX + secrets.token_urlsafe(32)
    hint = token[-4:]
    told = {"hint": hint, "user": user.get_username(), **(detail or {})}
    with audit.act(by=by, action="wall.create", target=words, detail=told):
        WallToken.objects.create(user=user, name=words, digest=_digest(token), hint=hint)
    return token


def revoke(*, wall: WallToken, by: Actor) -> None:
    """Take a link back: the screens that it opened are dark at their next refresh."""
    with audit.act(by=by, action="wall.revoke", target=wall.name, detail={"hint": wall.hint}):
        WallToken.objects.filter(pk=wall.pk).delete()


def user_of(request: HttpRequest, token: str) -> User | None:
    """Return who made the link that this token is of, None where it opens nothing; that is noted as refused."""
    found = WallToken.objects.select_related("user").filter(digest=_digest(token)).first()
    if found is None or not permissions.may(found.user, "configure"):
        refused_tokens.note(request, name=found.user.get_username() if found else "")
        return None
    now = timezone.now()
    if found.last_used_at is None or found.last_used_at < now - _SEEN_EVERY:
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - _SEEN_EVERY)
        try:
            WallToken.objects.filter(stale, pk=found.pk).update(last_used_at=now)
        except OperationalError as error:  # looking goes on while the database takes no writes
            log.warning("a wall's last use could not be written: %s", error)
    return found.user


def _digest(token: str) -> str:
    """Return what is stored of a token. No salt: it is random enough not to be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()
