"""Roles for a part: made, changed, deleted, given. The three that are for everything are Django's to keep."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from mqadmin.core import permissions, unseen
from mqadmin.core.access import telling
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry, Grant
from mqadmin.core.rights.rules import LEVELS

MOST_RULES = 50
LONGEST_NAME = 60
_LONGEST = {"broker": 60, "vhost": 255, "queue": 255}


class Given(NamedTuple):
    """One rule of a role, as people give it. `level`: a name of LEVELS."""

    broker: str
    vhost: str
    queue: str
    level: str
    reveals: bool = False

    def said(self) -> str:
        """Return it as the audit log has it."""
        shown = "; reveals" if self.reveals else ""
        return f"{self.broker} {self.vhost} {self.queue}: {self.level}{shown}"


def create(*, by: Actor, name: str, rules: Sequence[Given]) -> Group:
    """Make a role. Raises Refusal (422) with the fields to blame: "name", "rules"; 409 for a name that is taken."""
    words = _checked(name, rules)
    with _act(by, "role.create", words, rules) as entry:
        try:
            with transaction.atomic():
                role = Group.objects.create(name=words)
                _write(role, rules)
        except IntegrityError:
            raise _taken() from None
        entry.detail = {**entry.detail, "id": role.pk}
    return role


def change(*, by: Actor, role: Group, name: str, rules: Sequence[Given]) -> None:
    """Give a role another name and other rules: who has it may so from their next request on.

    Raises Refusal as `create`, and for one of the three that are for everything (409).
    """
    _own(role)
    words = _checked(name, rules)
    was = [given.said() for given in rules_of(role)]
    with _act(by, "role.change", words, rules, was=was, was_name=role.name), transaction.atomic():
        try:
            with transaction.atomic():
                Group.objects.filter(pk=role.pk).update(name=words)
        except IntegrityError:
            raise _taken() from None
        Grant.objects.filter(group=role).delete()
        _write(role, rules)


def delete(*, by: Actor, role: Group) -> int:
    """Delete a role, and return how many accounts had it. Raises Refusal (409) for one of the three."""
    _own(role)
    was = [given.said() for given in rules_of(role)]
    with _act(by, "role.delete", role.name, (), was=was) as entry:
        entry.count = role.user_set.count()
        role.delete()
    return int(entry.count or 0)


def give(*, by: Actor, user: User, roles: Collection[str]) -> None:
    """Give an account these roles for a part, by name, in place of those that it had. What it may with everything
    stays. Raises Refusal: 422 for a role that is not there, 409 for one's own account."""
    if by.name == user.get_username() and by.via != "shell":
        raise Refusal(_("Nobody changes their own roles: another admin can."), "own_account")
    found = list(own().filter(name__in=list(roles)))
    missing = sorted(set(roles) - {role.name for role in found})
    if missing:
        text = _("There is no role %(name)s.") % {"name": unseen.plain(missing[0])}
        raise Refusal(text, "invalid", status=422, fields={"roles": text})
    detail = {"roles": sorted(roles), "was": sorted(own().filter(user=user).values_list("name", flat=True))}
    with (
        telling.told(),
        audit.act(by=by, action="user.roles", target=user.get_username(), detail=detail),
        transaction.atomic(),
    ):
        user.groups.set([*user.groups.filter(name__in=permissions.ROLES), *found])


def own() -> QuerySet[Group]:
    """Return the roles for a part."""
    return Group.objects.exclude(name__in=list(permissions.ROLES)).order_by("name")


def rules_of(role: Group) -> list[Given]:
    """Return a role's rules."""
    names = {level: name for name, level in LEVELS.items()}
    return [
        Given(rule.broker, rule.vhost, rule.queue, names[rule.level], rule.reveals)
        for rule in Grant.objects.filter(group=role)
    ]


def _write(role: Group, rules: Sequence[Given]) -> None:
    Grant.objects.bulk_create(
        Grant(group=role, **given._asdict() | {"level": LEVELS[given.level]}) for given in rules
    )


def _checked(name: str, rules: Sequence[Given]) -> str:
    words, faults = " ".join(name.split()), {}
    if not words:
        faults["name"] = _("Give the role a name.")
    elif len(words) > LONGEST_NAME:
        faults["name"] = _("At most %(n)d characters.") % {"n": LONGEST_NAME}
    elif words.casefold() in permissions.ROLES:
        faults["name"] = _("That is a role for everything.")
    if not rules:
        faults["rules"] = _("Say at least once what it is for.")
    elif len(rules) > MOST_RULES:
        faults["rules"] = _("At most %(n)d rules.") % {"n": MOST_RULES}
    for given in rules:
        if given.level not in LEVELS:
            faults["rules"] = _("Choose what it may.")
        for field, longest in _LONGEST.items():
            value = getattr(given, field)
            if not value or len(value) > longest or "\0" in value:
                faults["rules"] = _(
                    "Each rule needs a broker, a virtual host and a queue; * is for all of them."
                )
    if faults:
        raise Refusal(next(iter(faults.values())), "invalid", status=422, fields=faults)
    return words


def _own(role: Group) -> None:
    if role.name in permissions.ROLES:
        raise Refusal(_("This role is for everything, and stays as it is."), "built_in")


def _taken() -> Refusal:
    text = _("There is a role of this name.")
    return Refusal(text, "taken", status=409, fields={"name": text})


@contextmanager
def _act(by: Actor, action: str, name: str, rules: Sequence[Given], **more: object) -> Iterator[AuditEntry]:
    detail = {"rules": [given.said() for given in rules], **more}
    with telling.told(), audit.act(by=by, action=action, target=name, detail=detail) as entry:
        yield entry
