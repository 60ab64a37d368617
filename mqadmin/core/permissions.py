"""Who may do what: three permissions, three roles, and decorators for views."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission
from django.core.exceptions import PermissionDenied
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
    known: dict[str, bool] = user.__dict__.setdefault("_may", {})
    if needed not in known:
        known[needed] = bool(user.has_perm(f"core.{needed}"))  # type: ignore[union-attr]
    return known[needed]


def denial(user: User, needed: Needed) -> str:
    """Return "" when `user` may, else the sentence that a disabled button shows."""
    if may(user, needed):
        return ""
    return {
        "view": _("Your account has no role yet. An admin must give it one."),
        "operate": _("This needs the role operator or admin."),
        "configure": _("This needs the role admin."),
    }[needed]


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
