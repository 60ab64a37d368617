"""API tokens: made for oneself, with no more rights and no longer a life than what one makes them with; revoked."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.api import tokens
from mqadmin.core.errors import Refusal
from mqadmin.core.models import ApiToken
from mqadmin.core.rights.rules import ANY

MOST = 100  # of an account
LONGEST_DAYS = 3_650
LONGEST = {"broker": 60, "vhost": 255, "queue": 255}  # characters


def create(
    *,
    by: Actor,
    user: User,
    name: str,
    level: str,
    days: int | None,
    within: ApiToken | None = None,
    broker: str = ANY,
    vhost: str = ANY,
    queue: str = ANY,
) -> tuple[ApiToken, str]:
    """Return a new token of `user`, as it is stored and itself, which is shown once.

    `level`: the most that it may, with what the patterns `broker`, `vhost` and `queue` name; `days`: how long it
    opens, None is for good.
    `within`: the token that asks for it, which it outlives by nothing. Raises Refusal with the fields to blame:
    422 for a name, a level or days that make no sense, 403 for more than `user` may, 409 for one too many.
    """
    words, faults = " ".join(name.split()), {}
    if not words:
        faults["name"] = _("Say what it is for.")
    elif len(words) > 100:
        faults["name"] = _("At most 100 characters.")
    if level not in ApiToken.Level.values:
        faults["level"] = _("Choose what it may.")
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        faults["days"] = _("From 1 to %(n)d days.") % {"n": LONGEST_DAYS}
    part = {"broker": broker, "vhost": vhost, "queue": queue}
    for field, value in part.items():
        longest = LONGEST[field]
        if not value or len(value) > longest or "\0" in value:
            faults[field] = _("A name, or a pattern with *; at most %(n)d characters.") % {"n": longest}
    if faults:
        raise Refusal(next(iter(faults.values())), "invalid", status=422, fields=faults)
    if not permissions.may_somewhere(user, level):  # type: ignore[arg-type]  # one of its values, as was seen above
        text = _("A token may no more than who makes it.")
        raise Refusal(text, "forbidden", status=403, fields={"level": text})
    if ApiToken.objects.filter(user=user).count() >= MOST:
        raise Refusal(_("%(n)d tokens are enough: revoke those that nobody uses.") % {"n": MOST}, "too_many")
    expires_at = _end(days, within)
    detail = {"name": words, "level": level, "expires_at": expires_at and expires_at.isoformat(), **part}
    with audit.act(by=by, action="token.create", target=user.get_username(), detail=detail) as entry:
        made, token = tokens.make(user=user, name=words, level=level, expires_at=expires_at, **part)
        entry.detail = detail | {"hint": made.hint}
    return made, token


def revoke(*, by: Actor, token: ApiToken) -> None:
    """Take a token back: the next call with it is refused."""
    detail = {"name": token.name, "hint": token.hint}
    with audit.act(by=by, action="token.revoke", target=token.user.get_username(), count=1, detail=detail):
        ApiToken.objects.filter(pk=token.pk).delete()


def _end(days: int | None, within: ApiToken | None) -> datetime | None:
    end = None if days is None else timezone.now() + timedelta(days=days)
    limit = within.expires_at if within else None
    return limit if end is None or (limit is not None and limit < end) else end
