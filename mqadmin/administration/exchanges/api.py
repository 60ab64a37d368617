"""The API's calls for exchanges."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from mqadmin.administration.acting.changing import refused
from mqadmin.administration.acting.dry_run import DryRun, answers, dry_run
from mqadmin.administration.exchanges import acts, passing
from mqadmin.administration.exchanges.lists import EXCHANGES
from mqadmin.administration.listed.api import Listed, ListQuery, page
from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, Asked, Body, a_broker
from mqadmin.rabbit.errors import RabbitError

router = Router(tags=["exchanges and bindings"], auth=VIEW.of("vhost"))


class ExchangeOut(Schema):
    """One exchange. Rates are per second, null where the broker does not say; `taken` and `passed` count messages
    since its statistics began. `alternate`: what gets the messages that no binding takes, by argument or policy:
    "" for
    none, null where that is not known."""

    vhost: str
    name: str
    type: str
    durable: bool
    auto_delete: bool
    internal: bool
    arguments: dict[str, Any]
    policy: str
    in_rate: float | None
    out_rate: float | None
    taken: int | None
    passed: int | None
    alternate: str | None


class ExchangeList(Listed):
    items: list[ExchangeOut]


class ExchangeIn(Body, DryRun):
    """An exchange to declare; `delayed_type` for x-delayed-message alone."""

    broker: str = ""
    vhost: str
    name: str
    type: str = "direct"
    durable: bool = True
    auto_delete: bool = False
    internal: bool = False
    alternate_exchange: str = ""
    delayed_type: str = ""
    arguments: dict[str, Any] = {}


class ExchangeAsked(Asked):
    """Which exchange; `name` empty is the default one."""

    broker: str = ""
    vhost: str
    name: str


class PublishingOut(Schema):
    """A channel that publishes to it: messages a second, and of these the `unroutable` that no queue took."""

    channel: str
    connection: str
    user: str
    address: str
    rate: float | None
    unroutable: float | None


class ReachingOut(Schema):
    """A queue that gets messages through it, and how many a second."""

    vhost: str
    name: str
    rate: float | None


class ExchangeFlows(Schema):
    """What passes an exchange, the busiest first; `is_kept` false: this broker does not count it, and both are
    empty."""

    is_kept: bool
    publishers: list[PublishingOut]
    queues: list[ReachingOut]


class ExchangeNamed(Asked, DryRun):
    """Which exchange; `if_unused` false deletes it with its bindings."""

    broker: str = ""
    vhost: str
    name: str
    if_unused: bool = True


@router.get("/exchanges", response=ExchangeList)
def exchange_list(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List exchanges, as they were at `taken_at`: `q` as `type:topic in_rate>100 is:internal`."""
    return page(EXCHANGES, wanted, asdict)


@router.get("/exchanges/flows", response=ExchangeFlows)
def exchange_flows(request: HttpRequest, wanted: Query[ExchangeAsked]) -> dict[str, Any]:
    """Read who publishes to an exchange and which queues get it, at most five seconds old; kept by brokers with
    `management.rates_mode = detailed` alone."""
    slug = a_broker(wanted.broker)
    permissions.require(slug, wanted.vhost)
    try:
        return asdict(passing.flows(slug, wanted.vhost, wanted.name))
    except RabbitError as error:
        raise refused(error) or error from error


@router.post("/exchanges", response=answers(201), auth=CONFIGURE.of("vhost"))
@dry_run(acts.DECLARE)
def exchange_declare(request: HttpRequest, wanted: ExchangeIn) -> Status[None]:
    """Declare an exchange; 409 `exists` where there is one of that name, 409 in the broker's own words."""
    values = wanted.dict(exclude={"dry_run"})
    acts.declare(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(201, None)


@router.delete("/exchanges", response=answers(204), auth=CONFIGURE.of("vhost"))
@dry_run(acts.DELETE)
def exchange_delete(request: HttpRequest, wanted: Query[ExchangeNamed]) -> Status[None]:
    """Delete an exchange; 409 `in_use` where something is bound to it, 409 `built_in` for RabbitMQ's own."""
    acts.delete(
        broker=a_broker(wanted.broker),
        by=audit.actor(request),
        vhost=wanted.vhost,
        name=wanted.name,
        if_unused=wanted.if_unused,
    )
    return Status(204, None)
