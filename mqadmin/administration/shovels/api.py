"""The API's calls for shovels, without the passwords in their addresses."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from mqadmin.administration.listed.api import Listed, ListQuery, page
from mqadmin.administration.shovels import acts
from mqadmin.administration.shovels.lists import SHOVELS
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import CONFIGURE, OPERATE, VIEW, Asked, Body, a_broker

router = Router(tags=["shovels and federation"], auth=VIEW.of("vhost"))


class ShovelOut(Schema):
    """One shovel. `state`: running, flow, blocked, starting, terminated, "" where the broker does not tell; `since`
    by the clock of its node; `definition` with `•••` for each password."""

    vhost: str
    name: str
    type: str
    state: str
    since: str
    reason: str
    node: str
    forwarded: int | None
    pending: int | None
    remaining: int | None
    definition: dict[str, Any]


class ShovelList(Listed):
    items: list[ShovelOut]


class ShovelIn(Body):
    """A shovel to define. `definition`: as RabbitMQ has it; `•••` keeps the password that is there, for the same
    user and host; `only_new`: refuse to replace one."""

    broker: str = ""
    vhost: str
    name: str
    definition: dict[str, Any]
    only_new: bool = False


class ShovelNamed(Asked):
    """Which shovel."""

    broker: str = ""
    vhost: str
    name: str


class ShovelToRestart(Body):
    """Which shovel."""

    broker: str = ""
    vhost: str
    name: str


@router.get("/shovels", response=ShovelList)
def shovel_list(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List shovels with how they do: `q` as `is:wrong`. 503 `not_offered` where the plugin is not enabled."""
    return page(SHOVELS, wanted, asdict)


@router.put("/shovels", response={204: None}, auth=CONFIGURE.of("broker"))
def shovel_set(request: HttpRequest, wanted: ShovelIn) -> Status[None]:
    """Define a shovel; it begins at once. 409 `not_offered` where the plugin is not enabled."""
    values = wanted.dict()
    acts.put(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(204, None)


@router.delete("/shovels", response={204: None}, auth=CONFIGURE.of("vhost"))
def shovel_delete(request: HttpRequest, wanted: Query[ShovelNamed]) -> Status[None]:
    """Delete a shovel; 404 where there is none of that name."""
    acts.delete(broker=a_broker(wanted.broker), by=audit.actor(request), vhost=wanted.vhost, name=wanted.name)
    return Status(204, None)


@router.post("/shovels/restart", response={204: None}, auth=OPERATE.of("vhost"))
def shovel_restart(request: HttpRequest, wanted: ShovelToRestart) -> Status[None]:
    """Have a shovel connect anew; 409 `not_offered` where its status is not told."""
    acts.restart(
        broker=a_broker(wanted.broker), by=audit.actor(request), vhost=wanted.vhost, name=wanted.name
    )
    return Status(204, None)
