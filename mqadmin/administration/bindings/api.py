"""The API's calls for bindings."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from mqadmin.administration.acting.dry_run import DryRun, answers, dry_run
from mqadmin.administration.bindings import acts
from mqadmin.administration.bindings.lists import BINDINGS
from mqadmin.administration.listed.api import Listed, ListQuery, page
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, Asked, Body, a_broker

router = Router(tags=["exchanges and bindings"], auth=VIEW.of("vhost"))


class BindingOut(Schema):
    """One binding. `properties_key`: what RabbitMQ calls it among those between the same two."""

    vhost: str
    source: str
    destination: str
    destination_type: str
    routing_key: str
    arguments: dict[str, Any]
    properties_key: str


class BindingList(Listed):
    items: list[BindingOut]


class BindingIn(Body, DryRun):
    """A binding to make."""

    broker: str = ""
    vhost: str
    source: str
    destination: str
    destination_type: Literal["queue", "exchange"] = "queue"
    routing_key: str = ""
    arguments: dict[str, Any] = {}


class BindingNamed(Asked, DryRun):
    """Which binding."""

    broker: str = ""
    vhost: str
    source: str
    destination: str
    destination_type: Literal["queue", "exchange"] = "queue"
    properties_key: str


@router.get("/bindings", response=BindingList)
def binding_list(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List bindings but those of the default exchange: `q` as `source:orders key:order.*`."""
    return page(BINDINGS, wanted, asdict)


@router.post("/bindings", response=answers(201), auth=CONFIGURE.of("vhost"))
@dry_run(acts.BIND)
def binding_create(request: HttpRequest, wanted: BindingIn) -> Status[None]:
    """Bind a queue or an exchange; one that is there already stays. 404 where either end is not there."""
    values = wanted.dict(exclude={"dry_run"})
    acts.bind(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(201, None)


@router.delete("/bindings", response=answers(204), auth=CONFIGURE.of("vhost"))
@dry_run(acts.UNBIND)
def binding_delete(request: HttpRequest, wanted: Query[BindingNamed]) -> Status[None]:
    """Take away one binding; 404 where it is not there."""
    values = wanted.dict(exclude={"dry_run"})
    acts.unbind(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(204, None)
