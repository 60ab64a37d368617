"""The API's calls for federation, without the passwords in addresses."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from mqadmin.administration.federation import acts
from mqadmin.administration.federation.lists import LINKS, SETS, UPSTREAMS
from mqadmin.administration.listed.api import Listed, ListQuery, page
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import CONFIGURE, OPERATE, VIEW, Asked, Body, a_broker

router = Router(tags=["shovels and federation"], auth=VIEW.of("vhost"))


class FederationLinkOut(Schema):
    """One link. `status`: running, starting, error, shutdown; `since` by the clock of its node; `rate`: messages a
    second that come in, null where it is not told."""

    vhost: str
    upstream: str
    type: str
    name: str
    remote: str
    status: str
    error: str
    uri: str
    since: str
    node: str
    id: str
    rate: float | None


class LinkList(Listed):
    items: list[FederationLinkOut]


class UpstreamOut(Schema):
    """One upstream. `definition` with `•••` for each password; `links` run, `down` do not; null: not told."""

    vhost: str
    name: str
    definition: dict[str, Any]
    links: int | None
    down: int | None


class UpstreamList(Listed):
    items: list[UpstreamOut]


class SetOut(Schema):
    """One set of upstreams."""

    vhost: str
    name: str
    members: list[Any]


class SetList(Listed):
    items: list[SetOut]


class UpstreamIn(Body):
    """An upstream to define. `•••` keeps the password that is there, for the same user and host."""

    broker: str = ""
    vhost: str
    name: str
    definition: dict[str, Any]
    only_new: bool = False


class SetIn(Body):
    """A set to define: each member is a table that names its `upstream`."""

    broker: str = ""
    vhost: str
    name: str
    members: list[dict[str, Any]]
    only_new: bool = False


class NamedLink(Asked):
    """Which one."""

    broker: str = ""
    vhost: str
    name: str


class LinkToRestart(Body):
    """Which link: `id` and `node` as the list has them."""

    broker: str = ""
    vhost: str
    id: str
    node: str
    name: str = ""


@router.get("/federation/links", response=LinkList)
def link_list(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List links with how they do: `q` as `is:wrong`. 503 `not_offered` where the plugin is not enabled."""
    return page(LINKS, wanted, asdict)


@router.post("/federation/links/restart", response={204: None}, auth=OPERATE.of("vhost"))
def link_restart(request: HttpRequest, wanted: LinkToRestart) -> Status[None]:
    """Have a link connect anew; 404 where there is none of that id."""
    values = wanted.dict()
    acts.restart(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(204, None)


@router.get("/federation/upstreams", response=UpstreamList)
def upstream_list(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List upstreams: `q` as `down>0`."""
    return page(UPSTREAMS, wanted, asdict)


@router.put("/federation/upstreams", response={204: None}, auth=CONFIGURE.of("broker"))
def upstream_set(request: HttpRequest, wanted: UpstreamIn) -> Status[None]:
    """Define an upstream. 409 `not_offered` where the plugin is not enabled."""
    values = wanted.dict()
    acts.put_upstream(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(204, None)


@router.delete("/federation/upstreams", response={204: None}, auth=CONFIGURE.of("vhost"))
def upstream_delete(request: HttpRequest, wanted: Query[NamedLink]) -> Status[None]:
    """Delete an upstream; 404 where there is none of that name."""
    values = wanted.dict()
    acts.delete_upstream(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(204, None)


@router.get("/federation/sets", response=SetList)
def set_list(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List sets of upstreams."""
    return page(SETS, wanted, asdict)


@router.put("/federation/sets", response={204: None}, auth=CONFIGURE.of("vhost"))
def set_set(request: HttpRequest, wanted: SetIn) -> Status[None]:
    """Define a set of upstreams."""
    values = wanted.dict()
    acts.put_set(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(204, None)


@router.delete("/federation/sets", response={204: None}, auth=CONFIGURE.of("vhost"))
def set_delete(request: HttpRequest, wanted: Query[NamedLink]) -> Status[None]:
    """Delete a set of upstreams; 404 where there is none of that name."""
    values = wanted.dict()
    acts.delete_set(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(204, None)
