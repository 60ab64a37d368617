"""The API's calls for the members of quorum queues."""

from __future__ import annotations

from typing import Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from mqadmin.administration.members import acts as members
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, Asked, Body, a_broker
from mqadmin.rabbit.upkeep.facts import Placed

router = Router(tags=["nodes"], auth=VIEW.of("broker"))


class TouchedOut(Schema):
    """A queue whose members change, and those it has now."""

    vhost: str
    name: str
    members: list[str]


class MemberIn(Body):
    """A quorum queue and the node on which it gets a member."""

    broker: str = ""
    vhost: str
    name: str
    node: str


class MemberNamed(Asked):
    broker: str = ""
    vhost: str
    name: str
    node: str


class GrowIn(Body):
    """Which quorum queues get a member on `node`; with `dry_run` they are only named."""

    broker: str = ""
    node: str
    strategy: Literal["all", "even"] = "all"
    vhost_pattern: str = ".*"
    queue_pattern: str = ".*"
    dry_run: bool = False


class ShrinkIn(Body):
    """The node whose members go; with `dry_run` the queues are only named."""

    broker: str = ""
    node: str
    dry_run: bool = False


@router.post("/nodes/grow", response=list[TouchedOut], auth=CONFIGURE.of("broker"))
def node_grow(request: HttpRequest, wanted: GrowIn) -> list[Placed]:
    """Add a member on a node to each quorum queue that matches; return them as they were before."""
    given = wanted.dict(exclude={"dry_run", "broker"})
    slug = a_broker(wanted.broker)
    if wanted.dry_run:
        return members.would_grow(broker=slug, **given)
    return members.grow(broker=slug, by=audit.actor(request), **given)


@router.post("/nodes/shrink", response=list[TouchedOut], auth=CONFIGURE.of("broker"))
def node_shrink(request: HttpRequest, wanted: ShrinkIn) -> list[Placed]:
    """Take the members on a node away from all quorum queues that have others; return them as they were before.

    409 `no_majority` where a queue would have too few members online.
    """
    slug = a_broker(wanted.broker)
    if wanted.dry_run:
        return members.would_shrink(broker=slug, node=wanted.node)[0]
    return members.shrink(broker=slug, by=audit.actor(request), node=wanted.node)


@router.post("/quorum-members", response={202: None}, auth=CONFIGURE.of("broker"))
def member_add(request: HttpRequest, wanted: MemberIn) -> Status[None]:
    """Add a member of a quorum queue; it fetches the messages afterwards. 409 `exists`, `stream`, `not_quorum`."""
    members.add(by=audit.actor(request), **{**wanted.dict(), "broker": a_broker(wanted.broker)})
    return Status(202, None)


@router.delete("/quorum-members", response={202: None}, auth=CONFIGURE.of("broker"))
def member_remove(request: HttpRequest, wanted: Query[MemberNamed]) -> Status[None]:
    """Take a member of a quorum queue away. 409 `last_member`, `no_majority`."""
    members.remove(by=audit.actor(request), **{**wanted.dict(), "broker": a_broker(wanted.broker)})
    return Status(202, None)
