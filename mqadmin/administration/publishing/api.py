"""The API's call that publishes to an exchange, or says where a message would go."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema

from mqadmin.administration.publishing import acts
from mqadmin.administration.publishing.acts import Preview, Written
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import OPERATE, Body, a_broker

router = Router(tags=["exchanges and bindings"], auth=OPERATE.of("vhost"))


class ExchangePublishIn(Body):
    """A message; `encoding` says how `body` is written. With `dry_run` nothing is published.

    `allow_loss`: also where a queue would drop it, or another for it. `seen`: the `mark` of a dry run: where the
    message would go elsewhere by now, it is not published.
    """

    broker: str = ""
    vhost: str
    exchange: str
    routing_key: str = ""
    body: str = ""
    encoding: Literal["utf-8", "base64"] = "utf-8"
    properties: dict[str, Any] = {}
    headers: dict[str, Any] = {}
    allow_loss: bool = False
    dry_run: bool = False
    seen: str | None = None


class ExchangePublishOut(Schema):
    """What became, or would become, of a message. `routed`: whether a queue received it, null for a dry run and
    where an x-delayed-message exchange keeps it first.

    `sure`: queues that get it; `perhaps`: of these `choice` says how they are chosen (`one`, `matching`, `some`;
    `all` where there are none); `otherwise`: those that alternate exchanges lead to. `stops`, `loses`: why it
    would be refused, what would be lost. `mark`: what these ways are known by.
    """

    published: bool
    routed: bool | None
    sure: list[str]
    perhaps: list[str]
    otherwise: list[str]
    choice: str
    stops: list[str]
    loses: list[str]
    tells: list[str]
    mark: str


@router.post("/exchanges/publish", response=ExchangePublishOut)
def exchange_publish(request: HttpRequest, wanted: ExchangePublishIn) -> dict[str, Any]:
    """Publish one message, mandatory and confirmed; with `dry_run` say where it would go.

    404 for an exchange that is not there; 409 `internal`, `would_lose`, `no_room`, `other_ways`.
    """
    given = wanted.dict()
    slug = a_broker(given.pop("broker"))
    more = {name: given.pop(name) for name in ("allow_loss", "seen")}
    is_dry, message = given.pop("dry_run"), Written(**given)
    if is_dry:
        return _out(acts.preview(broker=slug, message=message), published=False, routed=None)
    routed, found = acts.publish(broker=slug, by=audit.actor(request), message=message, **more)
    return _out(found, published=True, routed=routed)


def _out(found: Preview, *, published: bool, routed: bool | None) -> dict[str, Any]:
    names = ("sure", "perhaps", "otherwise", "choice", "stops", "loses", "tells", "mark")
    return {"published": published, "routed": routed, **{name: getattr(found, name) for name in names}}
