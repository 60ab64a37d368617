"""Who may do what: three permissions, three roles for everything, others for parts of it, decorators for views.

A view says what it needs, and of what: `@permissions.operate` of everything, `@permissions.operate.of("rows")` of
the rows that it finds, `.of("vhost")` of the virtual host that it is asked for, `.of("broker")` of the broker. What
says nothing is closed to those whose roles are for a part.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from time import monotonic
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission
from django.contrib.auth.models import User as Account
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from mqadmin.core import brokers
from mqadmin.core.errors import Denied, Unseen
from mqadmin.core.rights import asking
from mqadmin.core.rights.asking import Of
from mqadmin.core.rights.rules import ALL, ANY, LEVELS, NONE, NOTHING, Rights, Rule
from mqadmin.core.rights.rules import Needed as Needed

P = ParamSpec("P")
User = AbstractBaseUser | AnonymousUser
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

ROLES: dict[str, tuple[Needed, ...]] = {
    "viewer": ("view",),
    "operator": ("view", "operate"),
    "admin": ("view", "operate", "configure"),
}


def may(user: User, needed: Needed) -> bool:
    """Whether `user` may do so with everything: by a role, a permission of their own, or as a superuser."""
    return rights(user).everywhere >= LEVELS[needed]


def may_somewhere(user: User, needed: Needed) -> bool:
    """Whether there may be anything with which `user` may do so."""
    return rights(user).somewhere >= LEVELS[needed]


def rights(user: User) -> Rights:
    """Return what `user` may, of which things."""
    if not getattr(user, "is_active", False):
        return NOTHING
    # Kept as long as Django keeps what it read of a user's rights: asked for by each button of a table.
    known: Rights | None = user.__dict__.get("_rights")
    if known is None:
        known = user.__dict__["_rights"] = _rights(user)
    return known


# Django reads the two in turn, and makes each query anew: longer than all else that an unchanged page takes.
_HELD = """
SELECT p.codename, '', '', '', 0, 0 FROM auth_permission p
JOIN django_content_type t ON t.id = p.content_type_id
WHERE t.app_label = 'core' AND (
    p.id IN (SELECT permission_id FROM auth_user_user_permissions WHERE user_id = %s)
    OR p.id IN (
        SELECT g.permission_id FROM auth_group_permissions g
        JOIN auth_user_groups u ON u.group_id = g.group_id WHERE u.user_id = %s
    )
)
UNION ALL
SELECT '', r.broker, r.vhost, r.queue, r.level, CASE WHEN r.reveals THEN 1 ELSE 0 END FROM core_grant r
JOIN auth_user_groups u ON u.group_id = r.group_id WHERE u.user_id = %s
"""


def _rights(user: User) -> Rights:
    """Return what an active user may, by its groups or by itself, as Django would."""
    if getattr(user, "is_superuser", False):
        return ALL
    if user.pk is None:
        return NOTHING
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [user.pk, user.pk, user.pk])
        rows = cursor.fetchall()
    held = {codename for codename, *_rest in rows if codename}
    level = max((LEVELS[names[-1]] for names in ROLES.values() if held.issuperset(names)), default=NONE)
    found = [Rule(level=level, reveals=level >= LEVELS["operate"])] if level else []
    found += [
        Rule(broker, vhost, queue, most, bool(reveals))
        for codename, broker, vhost, queue, most, reveals in rows
        if not codename
    ]
    return Rights((tuple(found),))


def narrow(user: User, most: str, *, broker: str = ANY, vhost: str = ANY, queue: str = ANY) -> None:
    """Let this object of a user, as it was read for one request, hold no more than up to `most`, of what the
    patterns name. With what only looks nothing is revealed that masks hide."""
    level = LEVELS.get(most, NONE)
    rule = Rule(broker, vhost, queue, level, reveals=level >= LEVELS["operate"])
    user.__dict__["_rights"] = _rights(user).limited(rule)


def give(user: Account, role: str) -> None:
    """Give an account a role for everything, in place of all that it might do with everything; "" is none.

    Its roles for a part stay. In a transaction of the caller's.
    """
    Account.objects.filter(pk=user.pk).update(is_superuser=False, is_staff=False)
    user.user_permissions.clear()
    parts = Group.objects.exclude(name__in=list(ROLES)).filter(user=user)
    user.groups.set([*Group.objects.filter(name=role), *parts])


def give_parts(user: Account, wanted: Collection[str], among: Collection[str]) -> None:
    """Give an account those roles for a part that are wanted, and take the others of `among`; any other stays. One
    that is not there is left out. In a transaction of the caller's."""
    own = Group.objects.exclude(name__in=list(ROLES))
    user.groups.remove(*own.filter(name__in=set(among) - set(wanted)))
    user.groups.add(*own.filter(name__in=set(wanted)))


def parts(user: Account) -> set[str]:
    """Return the names of the roles for a part that an account has."""
    return set(Group.objects.exclude(name__in=list(ROLES)).filter(user=user).values_list("name", flat=True))


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


def denial(user: User, needed: Needed, of: Of = "everything") -> str:
    """Return "" when `user` may, else the sentence that a disabled button shows.

    Of anything but everything: when there may be something with which they may.
    """
    held = rights(user)
    if (held.everywhere if of == "everything" else held.somewhere) >= LEVELS[needed]:
        return ""
    return denied(needed, is_part=held.somewhere >= LEVELS[needed])


def denied(needed: Needed, *, is_part: bool = False) -> str:
    """Return the sentence that says what is needed, and who can grant it. `is_part`: it is held of a part."""
    words = {
        "view": _("Your account has no role yet. An admin must give it one."),
        "operate": _("This needs the role operator or admin."),
        "configure": _("This needs the role admin."),
    }
    if is_part:
        words = {
            "view": _("Your roles let you see a part only, and this is about all."),
            "operate": _("Your roles let you operate a part only, and this is about all."),
            "configure": _("Your roles let you configure a part only, and this is about all."),
        }
    return words[needed] + _who_grants()


def denied_name(needed: Needed) -> str:
    """Return the sentence beside a name that was typed, of which nothing may be done; whether there is any such
    thing, it does not tell."""
    words = {
        "view": _("Your roles let you see nothing of this name."),
        "operate": _("Your roles let you operate nothing of this name."),
        "configure": _("Your roles let you configure nothing of this name."),
    }
    return words[needed] + _who_grants()


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


def about(request: HttpRequest, broker: str, vhost: str | None = None, queue: str | None = None) -> None:
    """Say which thing a page is about: its buttons are for that one."""
    request.__dict__["_about"] = (broker, vhost, queue)
    request.__dict__.pop("_denials", None)


def vhost_about(request: HttpRequest) -> str:
    """Return the virtual host that the page is about, "" for none."""
    return str(request.__dict__.get("_about", ("", "", ""))[1] or "")


def denial_of(request: HttpRequest, needed: Needed) -> str:
    """Return `denial` for who asks, of what the page is about; each answer is remembered with the request: a table
    has hundreds of buttons."""
    user = request.user
    known: tuple[User, dict[Needed, str]] | None = request.__dict__.get("_denials")
    if known is None or known[0] is not user:  # somebody signed in or out meanwhile
        known = request.__dict__["_denials"] = (user, {})
    said = known[1].get(needed)
    if said is None:
        said = known[1][needed] = _denial_about(request, needed)
    return said


def _denial_about(request: HttpRequest, needed: Needed) -> str:
    thing = request.__dict__.get("_about")
    if thing is None:
        return denial(request.user, needed, "rows")
    return "" if rights(request.user).level(*thing) >= LEVELS[needed] else denied(needed)


def check(user: User, needed: Needed, of: Of = "everything") -> None:
    """Raise PermissionDenied, with the words of `denial`, unless `user` holds the permission."""
    reason = denial(user, needed, of)
    if reason:
        raise PermissionDenied(reason)


def require(broker: str, vhost: str | None = None, queue: str | None = None, *, field: str = "") -> None:
    """See that who asks may do what is needed with a thing; None: with the whole of it. Nothing where nobody asks.

    Raises Unseen for who may not see it, nor anything in it, Denied for who may not do so. `field`: of a form, in
    which the name was typed.
    """
    who = asking.limited()
    if who is None or who.rights.level(broker, vhost, queue) >= LEVELS[who.needed]:
        return
    seen = who.rights.level(broker, vhost, queue) if queue is not None else who.rights.inside(broker, vhost)
    if field:
        words = denied_name(who.needed)
    elif seen == NONE:
        words = _("There is no such thing.")
    else:
        words = denied(who.needed, is_part=seen >= LEVELS[who.needed])
    raise (Unseen if seen == NONE else Denied)(words, field)


def may_with(
    user: User, needed: Needed, broker: str, vhost: str | None = None, queue: str | None = None
) -> bool:
    """Whether `user` may do so with a thing; None: with the whole of it."""
    return rights(user).level(broker, vhost, queue) >= LEVELS[needed]


def allows(broker: str, vhost: str | None = None, queue: str | None = None) -> bool:
    """Whether who asks may do what is needed with a thing; True where nobody asks."""
    who = asking.limited()
    return who is None or who.rights.level(broker, vhost, queue) >= LEVELS[who.needed]


def lacking(broker: str, needed: Needed) -> str:
    """Return why who asks may not do so with a whole broker, for a button on the page of a part of it; else ""."""
    who = asking.now()
    if who is None or who.rights.level(broker) >= LEVELS[needed]:
        return ""
    return denied(needed, is_part=who.rights.somewhere >= LEVELS[needed])


def require_within(broker: str) -> None:
    """See that there may be something in a broker with which who asks may do what is needed.

    Raises Unseen for who may see nothing in it, Denied for who may only see something.
    """
    who = asking.limited()
    if who is None or who.rights.inside(broker) >= LEVELS[who.needed]:
        return
    if who.rights.inside(broker) == NONE:
        raise Unseen(_("There is no such thing."))
    raise Denied(denied(who.needed))


class Required:
    """A decorator of views: who asks must hold a level, of everything unless it says of what."""

    def __init__(self, needed: Needed, of: Of = "everything") -> None:
        self.needed: Needed = needed
        self.kind: Of = of

    def of(self, kind: Of) -> Required:
        """Return the same, of something else."""
        return Required(self.needed, kind)

    def __call__(self, function: View[P]) -> View[P]:
        @wraps(function)
        def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            check(request.user, self.needed, self.kind)
            with asking.needing(self.needed):
                if self.kind != "everything":
                    _check_place(request, self.kind)
                response = function(request, *args, **kwargs)
            who = asking.now()
            if who is not None and response.streaming:
                who.needed = self.needed  # what is made while it is sent needs the same
            return response

        inner.__dict__["requires"] = self
        return inner


def _check_place(request: HttpRequest, kind: Of) -> None:
    """See that what a request names may be had. Raises Http404, PermissionDenied, ConfigurationError."""
    who = asking.limited()
    if who is None:
        return
    # What it names twice it must be let twice: which of the two a view reads is not known here.
    slugs = set(_named(request, "broker")) - {brokers.EVERY}
    if not slugs <= set(brokers.configs()):
        raise Http404(_("There is no such broker."))
    if kind == "rows":
        return
    vhosts = set(_named(request, "vhost")) if kind == "vhost" else {None}
    for slug in slugs | {brokers.current(request)}:
        if not vhosts:
            require_within(slug)
        for vhost in vhosts:
            require(slug, vhost)


def _named(request: HttpRequest, name: str) -> list[str]:
    """Return what an address, and what is sent, name so."""
    return [value for values in (request.POST, request.GET) for value in values.getlist(name) if value]


view = Required("view")
operate = Required("operate")
configure = Required("configure")


def ensure_roles(**_kwargs: Any) -> None:
    """Make the groups viewer, operator and admin with their permissions (after every migrate)."""
    for role, needed in ROLES.items():
        group, _created = Group.objects.get_or_create(name=role)
        wanted = Permission.objects.filter(content_type__app_label="core", codename__in=needed)
        group.permissions.add(*wanted)
