"""Who signs on elsewhere: at a proxy, which names them in headers, or at an OpenID provider.

An account is made for each name when it first comes. One with a password is local: no sign-on opens it, else
whoever may choose their name at the provider could choose that of somebody here. What the provider says is read and
believed in `mqadmin.accounts.provider`; which account and role it becomes is decided here for both.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from mqadmin.core import permissions
from mqadmin.core.access import addresses, telling
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal

KEY = "signed_on"  # in the session: by whom and with which groups it was begun
PROVIDER = "signed_on_at"  # in the session: the provider, until when it holds, where one signs out there
CODE = "sign_on"
MOST = 16_000  # characters of a header with groups
_GROUP_SIGNS = ",;"  # between two groups
_PART = "role:"  # begins the name of a role for a part, in what groups give

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SignedOn:
    """What headers or a provider say. `groups`: None where none are told; `roles`: those that groups give."""

    name: str
    groups: tuple[str, ...] | None
    roles: Mapping[str, str]

    @property
    def key(self) -> list[object]:
        """What the session keeps of it."""
        return [self.name, None if self.groups is None else list(self.groups)]


def is_on() -> bool:
    """Whether anybody signs on elsewhere."""
    return by_header() or by_provider()


def by_header() -> bool:
    """Whether headers sign anybody on."""
    return bool(settings.MQADMIN_SIGN_ON_HEADER)


def by_provider() -> bool:
    """Whether an OpenID provider signs anybody on."""
    return bool(settings.MQADMIN_OIDC_ISSUER)


def provider() -> str:
    """Return the address of the provider, as accounts are linked to it; "" for none."""
    return str(settings.MQADMIN_OIDC_ISSUER.rstrip("/"))


def decides_roles() -> bool:
    """Whether the groups of who signs on elsewhere decide who has which role."""
    return (by_header() and bool(settings.MQADMIN_SIGN_ON_GROUPS_HEADER)) or (
        by_provider() and bool(settings.MQADMIN_OIDC_GROUPS_CLAIM)
    )


def may_use_password(name: str) -> bool:
    """Whether a password opens the account of this name."""
    return settings.MQADMIN_LOCAL_ACCOUNTS or name == settings.MQADMIN_EMERGENCY_ACCOUNT


def told(request: HttpRequest) -> SignedOn | None:
    """Return who the proxy says is there; None where it says nothing, or where the request is of no trusted one."""
    if not by_header() or not settings.MQADMIN_TRUSTED_PROXIES or not addresses.is_from_proxy(request):
        return None
    name = _header(request, settings.MQADMIN_SIGN_ON_HEADER)
    if not name:
        return None
    has_groups = bool(settings.MQADMIN_SIGN_ON_GROUPS_HEADER)
    return SignedOn(
        User.normalize_username(name),
        _groups(request) if has_groups else None,
        settings.MQADMIN_SIGN_ON_ROLES,
    )


def role(groups: Collection[str] | None, roles: Mapping[str, str]) -> str:
    """Return the greatest role that groups give, "" for none; "*" is in everybody's."""
    held = {roles[group] for group in (*(groups or ()), "*") if group in roles}
    return next((name for name in reversed(permissions.ROLES) if name in held), "")


def parts(groups: Collection[str] | None, roles: Mapping[str, str]) -> set[str]:
    """Return the names of the roles for a part that groups give."""
    given = {roles[group] for group in (*(groups or ()), "*") if group in roles}
    return {name.removeprefix(_PART) for name in given if name.startswith(_PART)}


def account(who: SignedOn) -> User:
    """Return the account of who signed on, made if it is their first time, with the role that their groups give.

    Raises Refusal (403): for a name that no account can have, that of a local account, one that is switched off.
    """
    return settled(named(who), who)


def named(who: SignedOn) -> User:
    """Return the account of this name, made if there is none. Raises Refusal (403) where no sign-on opens it."""
    user = User.objects.filter(username=who.name).first() or _made(who)
    require_open(user)
    return user


def require_open(user: User) -> None:
    """Raise Refusal (403) for a local account, and for one that is switched off."""
    if user.has_usable_password():
        raise refused(
            _("An account with a password is called so. An admin can leave it to the sign-on, on its page.")
        )
    if not user.is_active:
        raise refused(_("Your account is switched off."))


def settled(user: User, who: SignedOn) -> User:
    """Return an account of who signed on with the role that their groups give. Raises Refusal (403)."""
    require_open(user)
    if who.groups is None:
        return user
    wanted, of_parts, among = (
        role(who.groups, who.roles),
        parts(who.groups, who.roles),
        _parts_named(who.roles),
    )
    held = permissions.parts(user) & among if among else set()
    there = _there(of_parts)
    if wanted != permissions.role(user) or held != there:
        _give(user, wanted, there, among)
        user = User.objects.get(pk=user.pk)  # without what it held before
    return user


def _parts_named(roles: Mapping[str, str]) -> set[str]:
    """Return the roles for a part that groups decide about; any other an admin gives."""
    return {name.removeprefix(_PART) for name in roles.values() if name.startswith(_PART)}


def _there(names: set[str]) -> set[str]:
    """Return those of these roles for a part that exist; of the others the log tells."""
    if not names:
        return names
    found = set(Group.objects.filter(name__in=names).values_list("name", flat=True))
    for name in sorted(names - found):
        log.warning("groups give the role %r, and there is no such role", name)
    return found


def at_provider(session: SessionBase, leave_at: str) -> None:
    """Note in a session that a provider began it, and where one leaves that one too ("" for nowhere)."""
    seconds = settings.MQADMIN_OIDC_HOURS * 3600
    session[PROVIDER] = {"issuer": provider(), "until": time.time() + seconds, "leave_at": leave_at}
    session.set_expiry(int(seconds))


def is_over(session: SessionBase) -> bool:
    """Whether a session was begun by a provider and has had its time, or nobody signs on at that one any more."""
    begun = session.get(PROVIDER)
    return begun is not None and (begun["issuer"] != provider() or begun["until"] < time.time())


def _made(who: SignedOn) -> User:
    user = User(username=who.name)
    user.set_unusable_password()
    try:
        user.clean_fields()
    except ValidationError:
        raise refused(
            _("The name that your sign-on gives cannot be that of an account: letters, digits and @.+-_ can.")
        ) from None
    given = role(who.groups, who.roles)
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
                permissions.give_parts(user, parts(who.groups, who.roles), ())
        except IntegrityError:  # another request of theirs was first
            return User.objects.get(username=who.name)
    return user


def _give(user: User, wanted: str, of_parts: set[str], among: set[str]) -> None:
    detail: dict[str, object] = {"role": wanted, "was": permissions.role(user), "sign_on": True}
    if among:
        detail |= {"roles": sorted(of_parts), "roles_were": sorted(permissions.parts(user) & among)}
    with (
        audit.act(by=audit.SYSTEM, action="user.role", target=user.get_username(), detail=detail),
        transaction.atomic(),
    ):
        permissions.give(user, wanted)
        permissions.give_parts(user, of_parts, among)


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


def refused(text: str) -> Refusal:
    """Return the refusal of who signed on, but cannot come in."""
    return Refusal(text, CODE, status=403)
