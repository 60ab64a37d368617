"""The API's calls for virtual hosts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from mqadmin.administration.listed.api import Listed, ListQuery, page
from mqadmin.administration.vhosts import acts
from mqadmin.administration.vhosts.lists import VHOSTS
from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, Asked, Body, a_broker

router = Router(tags=["virtual hosts, users and rights"], auth=VIEW.of("vhost"))


class VhostOut(Schema):
    """One virtual host. `nodes`: its state by node; rates per second, `received` and `sent` in bytes; null where
    the broker does not say; `protected` null before 4.1."""

    name: str
    description: str
    tags: list[str]
    default_queue_type: str
    tracing: bool
    protected: bool | None
    nodes: dict[str, str]
    messages: int | None
    ready: int | None
    unacked: int | None
    in_rate: float | None
    out_rate: float | None
    received: float | None
    sent: float | None
    limits: dict[str, int] | None


class VhostList(Listed):
    items: list[VhostOut]


class VhostIn(Body):
    """A virtual host to make; `default_queue_type` "" as the broker has it."""

    broker: str = ""
    name: str
    description: str = ""
    tags: list[str] = []
    default_queue_type: str = ""
    tracing: bool = False


class VhostChange(Body):
    """What to change of it; what is left out stays. `protected` needs RabbitMQ 4.1."""

    broker: str = ""
    name: str
    description: str | None = None
    tags: list[str] | None = None
    default_queue_type: str | None = None
    tracing: bool | None = None
    protected: bool | None = None


class VhostStart(Body):
    broker: str = ""
    name: str
    node: str


class VhostNamed(Asked):
    """Which virtual host."""

    broker: str = ""
    name: str


@router.get("/vhosts", response=VhostList)
def vhost_list(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List virtual hosts, as they were at `taken_at`: `q` as `is:stopped messages>1000`."""
    return page(VHOSTS, wanted, asdict)


@router.post("/vhosts", response={201: None}, auth=CONFIGURE.of("broker"))
def vhost_create(request: HttpRequest, wanted: VhostIn) -> Status[None]:
    """Make a virtual host; 409 `exists` where there is one of that name."""
    values = wanted.dict()
    acts.create(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(201, None)


@router.patch("/vhosts", response={204: None}, auth=CONFIGURE.of("vhost"))
def vhost_update(request: HttpRequest, wanted: VhostChange) -> Status[None]:
    """Change a virtual host; each of tracing, protection and all else is an act of its own, in this order:
    description, tags and type first, then tracing, then protection."""
    common: dict[str, Any] = {
        "broker": a_broker(wanted.broker),
        "by": audit.actor(request),
        "name": wanted.name,
    }
    if wanted.protected is not None:  # it takes the whole broker: nothing is done by halves
        permissions.require(common["broker"])
    given = wanted.dict(include={"description", "tags", "default_queue_type"}, exclude_none=True)
    if given or (wanted.tracing is None and wanted.protected is None):
        acts.update(**common, **given)
    if wanted.tracing is not None:
        acts.trace(**common, on=wanted.tracing)
    if wanted.protected is not None:
        acts.protect(**common, on=wanted.protected)
    return Status(204, None)


@router.post("/vhosts/start", response={204: None}, auth=CONFIGURE.of("vhost"))
def vhost_start(request: HttpRequest, wanted: VhostStart) -> Status[None]:
    """Start a virtual host that stopped on a node; where it runs, nothing happens."""
    acts.start(broker=a_broker(wanted.broker), by=audit.actor(request), name=wanted.name, node=wanted.node)
    return Status(204, None)


@router.delete("/vhosts", response={204: None}, auth=CONFIGURE.of("broker"))
def vhost_delete(request: HttpRequest, wanted: Query[VhostNamed]) -> Status[None]:
    """Delete a virtual host with all queues and messages in it; 409 `protected`."""
    acts.delete(broker=a_broker(wanted.broker), by=audit.actor(request), name=wanted.name)
    return Status(204, None)
