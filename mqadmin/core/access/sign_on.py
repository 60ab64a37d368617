"""Who signs on at a proxy: it names them, and perhaps their groups, in headers, which are believed of trusted ones.

An account is made for each name when it first comes. One with a password is local: a header does not open it, else
whoever may choose their name at the provider could choose that of somebody here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from mqadmin.core import permissions
from mqadmin.core.access import addresses, telling
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal

KEY = "signed_on"  # in the session: by whom and with which groups it was begun
CODE = "sign_on"
MOST = 16_000  # characters of a header with groups
_GROUP_SIGNS = ",;"  # between two groups


@dataclass(frozen=True)
class SignedOn:
    """What the headers say. `groups`: None where none are told."""

    name: str
    groups: tuple[str, ...] | None

    @property
    def key(self) -> list[object]:
        """What the session keeps of it."""
        return [self.name, None if self.groups is None else list(self.groups)]


def is_on() -> bool:
    """Whether headers sign anybody on."""
    return bool(settings.MQADMIN_SIGN_ON_HEADER)


def decides_roles() -> bool:
    """Whether the groups of the provider decide who has which role."""
    return is_on() and bool(settings.MQADMIN_SIGN_ON_GROUPS_HEADER)


def may_use_password(name: str) -> bool:
    """Whether a password opens the account of this name."""
    return settings.MQADMIN_LOCAL_ACCOUNTS or name == settings.MQADMIN_EMERGENCY_ACCOUNT


def told(request: HttpRequest) -> SignedOn | None:
    """Return who the proxy says is there; None where it says nothing, or where the request is of no trusted one."""
    if not is_on() or not settings.MQADMIN_TRUSTED_PROXIES or not addresses.is_from_proxy(request):
        return None
    name = _header(request, settings.MQADMIN_SIGN_ON_HEADER)
    if not name:
        return None
    return SignedOn(User.normalize_username(name), _groups(request) if decides_roles() else None)


def role(groups: Collection[str] | None) -> str:
    """Return the greatest role that groups give, "" for none; "*" is in everybody's."""
    given = settings.MQADMIN_SIGN_ON_ROLES
    held = {given[group] for group in (*(groups or ()), "*") if group in given}
    return next((name for name in reversed(permissions.ROLES) if name in held), "")


def account(who: SignedOn) -> User:
    """Return the account of who signed on, made if it is their first time, with the role that their groups give.

    Raises Refusal (403): for a name that no account can have, that of a local account, one that is switched off.
    """
    user = User.objects.filter(username=who.name).first() or _made(who)
    if user.has_usable_password():
        raise _refused(
            _("An account with a password is called so. An admin can leave it to the sign-on, on its page.")
        )
    if not user.is_active:
        raise _refused(_("Your account is switched off."))
    if who.groups is not None and (wanted := role(who.groups)) != permissions.role(user):
        _give(user, wanted)
        user = User.objects.get(pk=user.pk)  # without what it held before
    return user


def _made(who: SignedOn) -> User:
    user = User(username=who.name)
    user.set_unusable_password()
    try:
        user.clean_fields()
    except ValidationError:
        raise _refused(
            _("The name that your sign-on gives cannot be that of an account: letters, digits and @.+-_ can.")
        ) from None
    given = role(who.groups)
    with (
        telling.told(),
        audit.act(
            by=audit.SYSTEM, action=telling.CREATE, target=who.name, detail={"role": given, "sign_on": True}
        ),
    ):
        try:
            with transaction.atomic():
                user.save()
                permissions.give(user, given)
        except IntegrityError:  # another request of theirs was first
            return User.objects.get(username=who.name)
    return user


def _give(user: User, wanted: str) -> None:
    detail = {"role": wanted, "was": permissions.role(user), "sign_on": True}
    with (
        audit.act(by=audit.SYSTEM, action="user.role", target=user.get_username(), detail=detail),
        transaction.atomic(),
    ):
        permissions.give(user, wanted)


def _groups(request: HttpRequest) -> tuple[str, ...]:
    text = _header(request, settings.MQADMIN_SIGN_ON_GROUPS_HEADER)[:MOST]
    for sign in _GROUP_SIGNS:
        text = text.replace(sign, "\n")
    return tuple(sorted({group.strip() for group in text.splitlines() if group.strip()}))


def _header(request: HttpRequest, name: str) -> str:
    """Return a header as the proxy wrote it; WSGI hands on its bytes as if they were Latin-1."""
    found = str(request.META.get(f"HTTP_{name.upper().replace('-', '_')}", "")).strip()
    try:
        return found.encode("latin-1").decode()
    except UnicodeError:
        return found


def _refused(text: str) -> Refusal:
    return Refusal(text, CODE, status=403)
