"""Whose password is not enough: who has a second factor, who must have one, and who is half way in.

The session of who gave the right password, and not yet the second factor, signs nobody in: it says who that was,
for ten minutes. Who signed on elsewhere has their second factor there; API tokens have none.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from mqadmin.core import permissions
from mqadmin.core.access import sign_on

REMOVE = "user.second_factor_remove"  # an act
HALF_WAY = "half_way_in"  # in the session: whose password was right, and where they want to go
PASSED = "second_factor"  # in the session: which was given, or set up
CONFIRMED = "confirmed"  # in the session: when its owner proved last who they are
HALF_WAY_S = 600.0
KINDS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)  # recovery codes stand for one of these

Missing = Literal["", "set_up", "sign_in"]


@dataclass(frozen=True)
class HalfWay:
    """Somebody whose password was right, and where they want to go."""

    user: User
    to: str


def has(user: User) -> bool:
    """Whether an account has a second factor."""
    return bool(Authenticator.objects.filter(user_id=user.pk, type__in=KINDS).exists())


def kinds(user: User) -> list[str]:
    """Return the kinds of second factors that an account has: "totp", "webauthn"."""
    rows = Authenticator.objects.filter(user_id=user.pk, type__in=KINDS)
    return sorted(set(rows.values_list("type", flat=True)))


def are_passkeys() -> bool:
    """Whether anybody has a passkey, which signs in without a password."""
    return bool(Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN).exists())


def must(user: User) -> bool:
    """Whether an account that signs in by password must have one."""
    wanted = settings.MQADMIN_REQUIRE_TWO_FACTOR
    return wanted == "everybody" or (wanted == "admins" and permissions.may(user, "configure"))


def missing(request: HttpRequest) -> Missing:
    """Return what stands between who is signed in and everything else; "" for nothing.

    "sign_in": they have a second factor, and this session was begun without it.
    """
    if settings.MQADMIN_REQUIRE_TWO_FACTOR == "off" or PASSED in request.session:
        return ""
    user = request.user
    if not isinstance(user, User) or sign_on.KEY in request.session or sign_on.PROVIDER in request.session:
        return ""
    if not must(user):
        return ""
    return "sign_in" if has(user) else "set_up"


def hold(request: HttpRequest, user: User, to: str) -> None:
    """Note whose password was right; `to`: where they go once they are in."""
    request.session.cycle_key()
    request.session[HALF_WAY] = {
        "user": user.pk,
        "hash": user.get_session_auth_hash(),
        "to": to,
        "since": time.time(),
    }


def half_way(request: HttpRequest) -> HalfWay | None:
    """Return who is half way in, None for nobody: it was too long ago, or the account was changed meanwhile."""
    found = request.session.get(HALF_WAY)
    if found is None or not 0 <= time.time() - found["since"] <= HALF_WAY_S:
        return None
    user = User.objects.filter(pk=found["user"], is_active=True).first()
    if user is None or not constant_time_compare(user.get_session_auth_hash(), found["hash"]):
        return None
    return HalfWay(user, found["to"]) if sign_on.may_use_password(user.get_username()) else None


def passed(request: HttpRequest, by: str) -> None:
    """Note in a session that somebody is in, and not half way any more, and the second factor that was given."""
    request.session.pop(HALF_WAY, None)
    request.session[CONFIRMED] = time.time()
    if by:
        request.session[PASSED] = by
