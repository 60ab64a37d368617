"""Who may do what with which thing, and why: in words, for the table of it, the pages of roles and accounts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import Group, User
from django.db.models import Count
from django.utils.translation import gettext as _

from mqadmin.accounts.acts import roles
from mqadmin.accounts.pages import parts, shown
from mqadmin.core import permissions
from mqadmin.core.models import Grant
from mqadmin.core.rights.rules import LEVELS, NONE, Rule

_LEVELS = {level: name for name, level in LEVELS.items()}


@dataclass(frozen=True)
class Part:
    """What a rule is about, and what it grants: in words."""

    what: str
    may: str
    reveals: bool


@dataclass(frozen=True)
class Role:
    """A role for a part: what it grants, how many have it."""

    group: Group
    parts: list[Part]
    accounts: int


@dataclass(frozen=True)
class Line:
    """What somebody may, and by which role. `role`: None where it is by a role for everything, `why`: its name."""

    what: str
    may: str
    reveals: bool
    why: str
    role: Group | None


@dataclass(frozen=True)
class Holder:
    """Who may do what with a thing: "" of nothing. `why`: the roles that give as much."""

    user: User
    level: int
    may: str
    reveals: bool
    why: list[str]


def listed() -> list[Role]:
    """Return the roles for a part, by name."""
    rows = roles.own().annotate(accounts=Count("user")).prefetch_related("grants")
    return [
        Role(group, [_part(_rule(grant)) for grant in group.grants.all()], group.accounts) for group in rows
    ]


def lines(user: User) -> list[Line]:
    """Return what an account may, by each of its roles."""
    found = []
    role = shown.accounts(User.objects.filter(pk=user.pk))[0].role
    if role:
        level = LEVELS[permissions.ROLES[role][-1]]
        found.append(Line(_("everything"), parts.may(level), level >= LEVELS["operate"], role, None))
    grants = Grant.objects.filter(group__user=user).select_related("group").order_by("group__name", "pk")
    for grant in grants:
        part = _part(_rule(grant))
        found.append(Line(part.what, part.may, part.reveals, grant.group.name, grant.group))
    return found


def holders(broker: str, vhost: str = "", queue: str = "") -> list[Holder]:
    """Return each account that may sign in, with what it may do with a thing; "" is the whole of it. Those who may
    most come first."""
    thing = (broker, vhost or None, queue or None)
    by_user: dict[int, list[tuple[str, Rule]]] = {}
    for grant in Grant.objects.select_related("group").prefetch_related("group__user_set"):
        for user in grant.group.user_set.all():
            by_user.setdefault(user.pk, []).append((grant.group.name, _rule(grant)))
    found = [
        _holder(account, by_user.get(account.user.pk, ()), thing)
        for account in shown.accounts(User.objects.filter(is_active=True))
    ]
    return sorted(
        (item for item in found if item.level > NONE), key=lambda item: (-item.level, item.user.username)
    )


def _holder(
    account: shown.Account, rules: Iterable[tuple[str, Rule]], thing: tuple[str, str | None, str | None]
) -> Holder:
    held = [(name, rule) for name, rule in rules if rule.covers(*thing)]
    if account.role:
        level = LEVELS[permissions.ROLES[account.role][-1]]
        held.append((account.role, Rule(level=level, reveals=level >= LEVELS["operate"])))
    level = max((rule.level for _name, rule in held), default=NONE)
    return Holder(
        account.user,
        level,
        parts.may(level),
        any(rule.reveals for _name, rule in held),
        sorted({name for name, rule in held if rule.level == level}),
    )


def _part(rule: Rule) -> Part:
    return Part(parts.what(rule), parts.may(rule.level), rule.reveals)


def _rule(grant: Grant) -> Rule:
    return Rule(grant.broker, grant.vhost, grant.queue, grant.level, grant.reveals)
