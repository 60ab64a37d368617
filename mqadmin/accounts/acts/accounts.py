"""Accounts: made, given a role, switched off and on, given a new password, signed out, unlocked.

An installation without an admin could only be mended on its server: the last one that may sign in stays one.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core import permissions
from mqadmin.core.access import limits, sign_on, telling
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.core.rows.deleting import Steps, all_of

ROLES = tuple(permissions.ROLES)
_AT_ONCE = 500  # sessions that are read together
_ENDING = 20.0  # seconds


def create(*, by: Actor, name: str, role: str, password: str = "") -> tuple[User, str]:
    """Make an account; return it and its password, a random one where none is given. `role`: "" is none, for who is
    to have roles for a part only.

    Raises Refusal (422) with the faults by field: "name", "role", "password".
    """
    user = User(username=User.normalize_username(name))
    chosen = password or _random()
    faults = _faults(user, chosen)
    if role not in ("", *ROLES):
        faults["role"] = _("Choose a role.")
    if faults:
        raise _refused(faults)
    with _act(by, telling.CREATE, user, role=role, new=True, new_password=True):
        user.set_password(chosen)
        try:
            with transaction.atomic():
                user.save()
                permissions.give(user, role)
        except IntegrityError:
            raise _refused({"name": _("There is an account of this name.")}) from None
    return user, chosen


def give_role(*, by: Actor, user: User, role: str) -> None:
    """Give an account a role for everything in place of the one that it had; "" is none. Its roles for a part stay.

    Raises Refusal: 422 for a role that is none of these, 409 for one's own account and for the last admin.
    """
    if role not in ("", *ROLES):
        raise _refused({"role": _("Choose a role.")})
    _not_oneself(by, user, _("Nobody changes their own role: another admin can."))
    if sign_on.decides_roles() and not user.has_usable_password():
        raise Refusal(_("Its role comes from its groups where it signs on."), "from_groups")
    with _act(by, "user.role", user, role=role, was=permissions.role(user)), transaction.atomic():
        if role != "admin":
            _not_the_last(user)
        permissions.give(user, role)


def switch(*, by: Actor, user: User, is_on: bool) -> None:
    """Switch an account on or off. What is off signs in no more, and its sessions and tokens open nothing.

    Raises Refusal (409) for one's own account and for the last admin.
    """
    if not is_on:
        _not_oneself(by, user, _("Nobody switches off their own account: another admin can."))
    with _act(by, "user.switch_on" if is_on else "user.switch_off", user), transaction.atomic():
        if not is_on:
            _not_the_last(user)
        User.objects.filter(pk=user.pk).update(is_active=is_on)


def new_password(*, by: Actor, user: User) -> str:
    """Give an account a random password and return it; whoever is signed in by the old one is signed out.

    Raises Refusal (409) for one's own account: there one gives the old password.
    """
    _not_oneself(by, user, _("Change your own password under your name: the old one is asked for there."))
    chosen = _random()
    with _act(by, telling.PASSWORD, user):
        user.set_password(chosen)
        user.save(update_fields=["password"])
    return chosen


def leave_to_sign_on(*, by: Actor, user: User) -> None:
    """Take an account's password away, so that whoever signs on at the proxy by its name has it from then on.

    Raises Refusal (409): where nobody signs on so, for one's own account, for the one that is for emergencies.
    """
    if not sign_on.is_on():
        raise Refusal(_("Nobody signs on at a proxy here."), "no_sign_on")
    _not_oneself(by, user, _("Nobody takes away their own password: another admin can."))
    if user.get_username() == settings.MQADMIN_EMERGENCY_ACCOUNT:
        raise Refusal(_("This account is for emergencies: it keeps its password."), "emergency_account")
    with _act(by, "user.leave_to_sign_on", user):
        user.set_unusable_password()
        user.save(update_fields=["password"])


def sign_out(*, by: Actor, user: User) -> int:
    """End all sessions of an account, and return how many there were. Tokens stay."""
    with _act(by, "user.sign_out_everywhere", user) as entry:
        rows = Session.objects.filter(expire_date__gt=timezone.now()).order_by("pk")
        mine = [session.pk for session in rows.iterator(_AT_ONCE) if _is_of(session, user)]
        ended = sum(
            all_of(Session.objects.filter(pk__in=mine[at : at + _AT_ONCE]), Steps(_ENDING))
            for at in range(0, len(mine), _AT_ONCE)
        )
        entry.count = ended
    return ended


def unlock(*, by: Actor, user: User) -> int:
    """Forget the wrong passwords that were tried for an account; return how many places had tried."""
    with _act(by, "user.unlock", user) as entry:
        entry.count = limits.forget(user.get_username())
    return int(entry.count or 0)


@contextmanager
def _act(by: Actor, action: str, user: User, **detail: object) -> Iterator[AuditEntry]:
    with telling.told(), audit.act(by=by, action=action, target=user.get_username(), detail=detail) as entry:
        yield entry


def _random() -> str:
    return secrets.token_urlsafe(12)


def _faults(user: User, password: str) -> dict[str, str]:
    faults = {}
    try:
        user.clean_fields(exclude=["password"])
        user.validate_unique()
    except ValidationError as error:
        faults["name"] = " ".join(error.message_dict.get("username", error.messages))
    try:
        validate_password(password, user)
    except ValidationError as error:
        faults["password"] = " ".join(error.messages)
    return faults


def _refused(faults: dict[str, str]) -> Refusal:
    return Refusal(next(iter(faults.values())), "invalid", status=422, fields=faults)


def _not_oneself(by: Actor, user: User, words: str) -> None:
    if by.name == user.get_username() and by.via != "shell":
        raise Refusal(words, "own_account")


def _not_the_last(user: User) -> None:
    """Raise Refusal for the last admin. One at a time until the transaction ends: else two admins could each take
    the other's right."""
    Group.objects.select_for_update().get(name="admin")
    others = permissions.holders("configure").exclude(pk=user.pk)
    if permissions.may(user, "configure") and not others.exists():
        raise Refusal(_("This is the last admin: make another one first."), "last_admin")


def _is_of(session: Session, user: User) -> bool:
    return str(session.get_decoded().get("_auth_user_id")) == str(user.pk)
