"""The API's calls for roles for a part, and for who may do what: for admins."""

from __future__ import annotations

from typing import Any, Literal

from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status
from pydantic import Field

from mqadmin.accounts.acts import roles
from mqadmin.accounts.acts.roles import Given
from mqadmin.accounts.pages import who
from mqadmin.core.acts import audit
from mqadmin.core.api.paging import paginate
from mqadmin.core.api.plumbing import CONFIGURE, Asked, Body, PageQuery, one, the_broker
from mqadmin.core.rights.rules import LEVELS

router = Router(tags=["accounts"], auth=CONFIGURE)

Level = Literal["view", "operate", "configure"]


class GrantIn(Body):
    """What a role may with what: names, or patterns with `*`. `reveals`: sees what masks hide."""

    broker: str = Field(max_length=60)
    vhost: str = Field("*", max_length=255)
    queue: str = Field("*", max_length=255)
    level: Level = "view"
    reveals: bool = False


class RoleIn(Body):
    """A role for a part."""

    name: str = Field(max_length=roles.LONGEST_NAME)
    rules: list[GrantIn]


class GrantOut(Schema):
    """One rule of a role."""

    broker: str
    vhost: str
    queue: str
    level: Level
    reveals: bool


class RoleOut(Schema):
    """A role for a part; `accounts`: who has it."""

    id: int
    name: str
    rules: list[GrantOut]
    accounts: list[str]


class RoleList(Schema):
    items: list[RoleOut]
    total: int
    next: str | None


class AccessQuery(Asked):
    """Of what: a broker, one of its virtual hosts, a queue in that. What is left out is the whole of it."""

    broker: str = ""
    vhost: str = ""
    queue: str = ""


class HolderOut(Schema):
    """Who may do so; `by`: the roles that give as much."""

    account: str
    level: Level
    reveals: bool
    by: list[str]


class AccessOut(Schema):
    items: list[HolderOut]


@router.get("/roles", response=RoleList)
def role_list(request: HttpRequest, wanted: Query[PageQuery]) -> dict[str, Any]:
    """List the roles for a part, by name."""
    page = paginate(roles.own(), limit=wanted.limit, cursor=wanted.cursor, order=("name",))
    return {**page, "items": [_shown(role) for role in page["items"]]}


@router.post("/roles", response={201: RoleOut})
def role_create(request: HttpRequest, wanted: RoleIn) -> Status[dict[str, Any]]:
    """Make a role; 409 for a name that is taken."""
    role = roles.create(by=audit.actor(request), name=wanted.name, rules=_rules(wanted))
    return Status(201, _shown(role))


@router.put("/roles/{int:role_id}", response=RoleOut)
def role_change(request: HttpRequest, role_id: int, wanted: RoleIn) -> dict[str, Any]:
    """Give a role this name and these rules, in place of those that it had."""
    role = _role(role_id)
    roles.change(by=audit.actor(request), role=role, name=wanted.name, rules=_rules(wanted))
    return _shown(_role(role_id))


@router.delete("/roles/{int:role_id}", response={204: None})
def role_delete(request: HttpRequest, role_id: int) -> Status[None]:
    """Delete a role: who had it loses what it gave."""
    roles.delete(by=audit.actor(request), role=_role(role_id))
    return Status(204, None)


@router.get("/access", response=AccessOut)
def access(request: HttpRequest, wanted: Query[AccessQuery]) -> dict[str, Any]:
    """Say who may do what with a broker, a virtual host or a queue, those who may most first."""
    names = {level: name for name, level in LEVELS.items()}
    found = who.holders(the_broker(wanted.broker), wanted.vhost, wanted.queue)
    return {
        "items": [
            {
                "account": item.user.get_username(),
                "level": names[item.level],
                "reveals": item.reveals,
                "by": item.why,
            }
            for item in found
        ]
    }


def _rules(wanted: RoleIn) -> list[Given]:
    return [Given(**rule.dict()) for rule in wanted.rules]


def _role(pk: int) -> Group:
    return one(roles.own().filter(pk=pk), _("There is no role %(id)s.") % {"id": pk})


def _shown(role: Group) -> dict[str, Any]:
    return {
        "id": role.pk,
        "name": role.name,
        "rules": [given._asdict() for given in roles.rules_of(role)],
        "accounts": list(role.user_set.order_by("username").values_list("username", flat=True)),
    }
