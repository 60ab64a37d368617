"""Who may do what: three permissions, three roles, and decorators for views."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from time import monotonic
from typing import Any, Concatenate, Literal, ParamSpec

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission
from django.contrib.auth.models import User as Account
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

P = ParamSpec("P")
User = AbstractBaseUser | AnonymousUser
Needed = Literal["view", "operate", "configure"]
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

ROLES: dict[str, tuple[Needed, ...]] = {
    "viewer": ("view",),
    "operator": ("view", "operate"),
    "admin": ("view", "operate", "configure"),
}


def may(user: User, needed: Needed) -> bool:
    """Whether `user` holds the permission: by a role, by itself, or as a superuser."""
    if not getattr(user, "is_active", False):
        return False
    # Kept as long as Django keeps what it read of a user's rights: asked for by each button of a table.
    known: frozenset[str] | None = user.__dict__.get("_rights")
    if known is None:
        known = user.__dict__["_rights"] = _rights(user)
    return needed in known


# Django reads the two in turn, and makes each query anew: longer than all else that an unchanged page takes.
_HELD = """
SELECT p.codename FROM auth_permission p JOIN django_content_type t ON t.id = p.content_type_id
WHERE t.app_label = 'core' AND (
    p.id IN (SELECT permission_id FROM auth_user_user_permissions WHERE user_id = %s)
    OR p.id IN (
        SELECT g.permission_id FROM auth_group_permissions g
        JOIN auth_user_groups u ON u.group_id = g.group_id WHERE u.user_id = %s
    )
)
"""


def _rights(user: User) -> frozenset[str]:
    """Return the core's permissions that an active user holds, by its groups or by itself, as Django would."""
    if getattr(user, "is_superuser", False):
        return frozenset(ROLES["admin"])
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [user.pk, user.pk])
        return frozenset(codename for (codename,) in cursor.fetchall())


def narrow(user: User, most: str) -> None:
    """Let this object of a user, as it was read for one request, hold no more than the permissions up to `most`."""
    user.__dict__["_rights"] = _rights(user) & _up_to(most)


def _up_to(most: str) -> frozenset[str]:
    """Return the permissions of the role that has `most` as its last; none for anything else."""
    return next((frozenset(held) for held in ROLES.values() if held[-1] == most), frozenset())


def give(user: Account, role: str) -> None:
    """Give an account a role in place of all rights that it had; "" is none. In a transaction of the caller's."""
    Account.objects.filter(pk=user.pk).update(is_superuser=False, is_staff=False)
    user.user_permissions.clear()
    user.groups.set(Group.objects.filter(name=role))


def role(user: User) -> str:
    """Return the greatest role whose permissions an active user all holds, "" for none."""
    return next((name for name in reversed(ROLES) if all(may(user, held) for held in ROLES[name])), "")


def holders(needed: Needed) -> QuerySet[Account]:
    """Return the active accounts that hold a permission, whatever way."""
    wanted = Permission.objects.filter(content_type__app_label="core", codename=needed)
    by_group = Account.groups.through.objects.filter(group__permissions__in=wanted).values("user_id")
    by_itself = Account.user_permissions.through.objects.filter(permission__in=wanted).values("user_id")
    held = Q(is_superuser=True) | Q(pk__in=by_group) | Q(pk__in=by_itself)
    return Account.objects.filter(held, is_active=True)


def denial(user: User, needed: Needed) -> str:
    """Return "" when `user` may, else the sentence that a disabled button shows."""
    if may(user, needed):
        return ""
    return {
        "view": _("Your account has no role yet. An admin must give it one."),
        "operate": _("This needs the role operator or admin."),
        "configure": _("This needs the role admin."),
    }[needed] + _who_grants()


_NAMED = 3  # who can grant a right
_GRANTORS_S = 60.0
_grantors: tuple[float, tuple[str, ...]] = (-_GRANTORS_S, ())


def _who_grants() -> str:
    """Return the sentence that names who can grant a right; "" where nobody can. Looked up once a minute."""
    global _grantors
    if monotonic() - _grantors[0] >= _GRANTORS_S:
        names = (
            holders("configure")
            .order_by(F("last_login").desc(nulls_last=True), "username")
            .values_list("username", flat=True)
        )
        _grantors = (monotonic(), tuple(names[:_NAMED]))
    return " " + _("Ask %(names)s.") % {"names": ", ".join(_grantors[1])} if _grantors[1] else ""


def forget() -> None:
    """Look up anew who can grant rights."""
    global _grantors
    _grantors = (-_GRANTORS_S, ())


def denial_of(request: HttpRequest, needed: Needed) -> str:
    """Return `denial` for who asks; each answer is remembered with the request: a table has hundreds of buttons."""
    user = request.user
    known: tuple[User, dict[Needed, str]] | None = request.__dict__.get("_denials")
    if known is None or known[0] is not user:  # somebody signed in or out meanwhile
        known = request.__dict__["_denials"] = (user, {})
    said = known[1].get(needed)
    if said is None:
        said = known[1][needed] = denial(user, needed)
    return said


def check(user: User, needed: Needed) -> None:
    """Raise PermissionDenied, with the words of `denial`, unless `user` holds the permission."""
    reason = denial(user, needed)
    if reason:
        raise PermissionDenied(reason)


def _required(needed: Needed) -> Callable[[View[P]], View[P]]:
    def decorate(function: View[P]) -> View[P]:
        @wraps(function)
        def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            check(request.user, needed)
            return function(request, *args, **kwargs)

        return inner

    return decorate


view = _required("view")
operate = _required("operate")
configure = _required("configure")


def ensure_roles(**_kwargs: Any) -> None:
    """Make the groups viewer, operator and admin with their permissions (after every migrate)."""
    for role, needed in ROLES.items():
        group, _created = Group.objects.get_or_create(name=role)
        wanted = Permission.objects.filter(content_type__app_label="core", codename__in=needed)
        group.permissions.add(*wanted)
