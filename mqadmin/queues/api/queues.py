"""The API's calls for brokers and queues."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query as QueryParams
from ninja import Router, Schema, Status
from pydantic import Field

from mqadmin.core import brokers
from mqadmin.core.acts import audit
from mqadmin.core.api.paging import Page, paginate
from mqadmin.core.api.plumbing import OPERATE, VIEW, ApiError, Body, OperationOut, PageQuery, one
from mqadmin.core.models import Operation
from mqadmin.queues.acts import moving, peeking, publishing, purging, snapshots
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.pages import broker_status, listing, live_queue, patterns, wording
from mqadmin.rabbit.message import to_json
from mqadmin.rabbit.types import PeekedMessage

router = Router(tags=["brokers and queues"], auth=VIEW)


class TotalsOut(Schema):
    """Sums over the whole broker; null is unknown, not 0. Rates are per second."""

    ready: int | None = None
    unacked: int | None = None
    publish_rate: float | None = None
    deliver_rate: float | None = None
    ack_rate: float | None = None


class BrokerOut(Schema):
    """One configured broker as last seen. `reachable` null: not tried yet.

    `status`: ok; stale, when the monitor stopped sampling; down, when it does not answer; never, when it was not
    sampled yet. Numbers are those of `sampled_at`.
    """

    slug: str
    status: Literal["ok", "stale", "down", "never"]
    reachable: bool | None
    error: str
    rabbitmq_version: str
    sampled_at: datetime | None
    totals: TotalsOut


class BrokerList(Schema):
    items: list[BrokerOut]
    total: int
    next: str | None


class ReasonOut(Schema):
    """One reason of a verdict: a code and its numbers for programs, a sentence for people."""

    code: str
    level: str
    text: str
    params: dict[str, Any]


class HealthOut(Schema):
    """broken, watch, ok, idle or unknown; the worst reason first."""

    level: str
    reasons: list[ReasonOut]


class QueueOut(Schema):
    """One queue as last sampled. Null is unknown, not 0."""

    id: int
    broker: str
    vhost: str
    name: str
    type: str
    state: str
    ready: int | None
    unacked: int | None
    total: int | None
    consumers: int | None
    publish_rate: float | None
    deliver_rate: float | None
    ack_rate: float | None
    health: HealthOut
    dead_letters_to: list[str]
    dead_letters_from: list[str]
    tracked: bool
    sampled_at: datetime | None

    @staticmethod
    def resolve_broker(obj: Queue) -> str:
        return obj.broker.slug

    @staticmethod
    def resolve_health(obj: Queue) -> dict[str, Any]:
        texts = wording.sentences(obj.health_reasons)
        reasons = [{**reason, "text": text} for reason, text in zip(obj.health_reasons, texts, strict=True)]
        return {"level": obj.health, "reasons": reasons}

    @staticmethod
    def resolve_sampled_at(obj: Queue) -> datetime | None:
        return obj.broker.sampled_at


class QueueList(Schema):
    items: list[QueueOut]
    total: int
    next: str | None


class QueueDetailOut(QueueOut):
    """One queue, live from the broker, with what it was declared with."""

    durable: bool
    auto_delete: bool
    exclusive: bool
    arguments: dict[str, Any]
    policy: str
    effective_policy: dict[str, Any]


class PublishIn(Body):
    """A message; `encoding` says how `body` is written."""

    body: str = ""
    encoding: Literal["utf-8", "base64"] = "utf-8"
    properties: dict[str, Any] = {}
    headers: dict[str, Any] = {}
    routing_key: str | None = None


class PublishOut(Schema):
    """Whether a queue received the message."""

    routed: bool


class PeekIn(Body):
    """How many messages to look at."""

    count: int = Field(default=10, ge=1, le=peeking.MAX_COUNT)


class MessageOut(Schema):
    """A message looked at. `truncated`: the body is longer than what is here; `size` is the whole."""

    exchange: str
    routing_key: str
    redelivered: bool
    size: int
    truncated: bool
    encoding: Literal["utf-8", "base64"]
    body: str
    properties: dict[str, Any]
    headers: dict[str, Any]


class PeekOut(Schema):
    items: list[MessageOut]
    total: int
    next: str | None = None


class PurgeIn(Body):
    """`expect`: how many messages the caller believes to drop; another number is refused.

    `snapshot`: keep them, so that they can be put back; 409 where they are too many. `hold_seconds`: nothing
    is dropped before, it can be cancelled.
    """

    expect: int | None = Field(default=None, ge=0)
    snapshot: bool = False
    hold_seconds: float = Field(default=0, ge=0, le=86_400)


@router.get("/brokers", response=BrokerList)
def broker_list(request: HttpRequest) -> dict[str, Any]:
    """List the configured brokers, in the order they are written."""
    rows = {row.slug: row for row in Broker.objects.all()}
    items = [_broker(rows.get(slug) or Broker(slug=slug)) for slug in brokers.configs()]
    return {"items": items, "total": len(items), "next": None}


def _broker(row: Broker) -> dict[str, Any]:
    return {
        "slug": row.slug,
        "status": broker_status.status_of(row.slug).level,
        "reachable": row.reachable,
        "error": row.error,
        "rabbitmq_version": row.version,
        "sampled_at": row.sampled_at,
        "totals": row.totals,
    }


@router.get("/queues", response=QueueList)
def queue_list(
    request: HttpRequest,
    page: QueryParams[PageQuery],
    broker: str | None = None,
    vhost: str | None = None,
    name: str | None = None,
    q: str | None = None,
    health: str | None = None,
    type: str | None = None,
    sort: str = "name",
) -> Page:
    """List queues. `name` is exact, `q` text in the name or `/pattern/`; `sort` a field, "-" for descending."""
    rows = Queue.objects.filter(gone_at__isnull=True).select_related("broker")
    exact = {"broker__slug": broker, "vhost": vhost, "name": name, "health": health, "type": type}
    rows = rows.filter(**{key: value for key, value in exact.items() if value is not None})
    if q and listing.is_pattern(q):
        rows = rows.filter(pk__in=_matching(q, list(rows.values_list("pk", "name"))))
    elif q:
        rows = rows.filter(name__icontains=q)
    return paginate(rows, limit=page.limit, cursor=page.cursor, order=_order(sort))


def _matching(q: str, rows: list[tuple[int, str]]) -> list[int]:
    try:
        matches = list(patterns.matching(patterns.compiled(q[1:-1]), (name for _pk, name in rows)))
    except patterns.BadPattern as error:
        raise ApiError(400, "bad_pattern", str(error)) from error
    return [pk for (pk, _name), matched in zip(rows, matches, strict=True) if matched]


def _order(sort: str) -> list[str]:
    field, down = sort.removeprefix("-"), sort.startswith("-")
    if field not in listing.SORTS:
        known = ", ".join(listing.SORTS)
        raise ApiError(400, "bad_sort", _("Sort by one of: %(known)s.") % {"known": known})
    return [f"{'-' if down else ''}{listing.SORTS[field][0]}", "name", "vhost"]


def _queue(queue_id: int) -> Queue:
    return one(
        Queue.objects.select_related("broker").filter(pk=queue_id),
        _("There is no queue %(id)s.") % {"id": queue_id},
    )


@router.get("/queues/{int:queue_id}", response=QueueDetailOut)
def queue_detail(request: HttpRequest, queue_id: int) -> Queue:
    """Show one queue, live from the broker; 503 while the broker does not answer, 404 once it is gone."""
    queue = _queue(queue_id)
    live = live_queue.ask(queue)
    if live.detail is None:
        raise live.error or ApiError(404, "not_found", _("The broker has no such queue."))
    return live_queue.updated(queue, live.detail)


@router.post("/queues/{int:queue_id}/publish", response=PublishOut, auth=OPERATE)
def queue_publish(request: HttpRequest, queue_id: int, message: PublishIn) -> dict[str, bool]:
    """Publish one message through the default exchange, confirmed; `routed` false: no queue took it."""
    routed = publishing.publish(queue=_queue(queue_id), by=audit.actor(request), **message.dict())
    return {"routed": routed}


@router.post("/queues/{int:queue_id}/peek", response=PeekOut, auth=OPERATE)
def queue_peek(request: HttpRequest, queue_id: int, wanted: PeekIn | None = None) -> dict[str, Any]:
    """Look at the head of the queue; 409 with the reason where looking would harm a message."""
    count = (wanted or PeekIn()).count
    found = peeking.peek(queue=_queue(queue_id), by=audit.actor(request), count=count)
    return {"items": [_message(item) for item in found], "total": len(found)}


def _message(item: PeekedMessage) -> dict[str, Any]:
    message = item.message
    try:
        encoding, body = "utf-8", message.body.decode()
    except UnicodeDecodeError:
        encoding, body = "base64", base64.b64encode(message.body).decode()
    properties = message.properties.to_json()
    properties.pop("headers", None)
    return {
        "exchange": message.exchange,
        "routing_key": message.routing_key,
        "redelivered": message.redelivered,
        "size": item.size,
        "truncated": item.truncated,
        "encoding": encoding,
        "body": body,
        "properties": properties,
        "headers": to_json(message.headers),
    }


class MoveIn(Body):
    """Where to, in the same virtual host; without `count` all that are ready now."""

    to_queue: str = Field("", max_length=255)
    count: int | None = Field(None, ge=1)


@router.post("/queues/{int:queue_id}/move", response={202: OperationOut}, auth=OPERATE)
def queue_move(request: HttpRequest, queue_id: int, wanted: MoveIn) -> Status[Operation]:
    """Move ready messages to another queue, straight through the broker; 409 with the reason where not."""
    by = audit.actor(request)
    return Status(
        202, moving.move(queue=_queue(queue_id), by=by, to_queue=wanted.to_queue, count=wanted.count)
    )


@router.post("/queues/{int:queue_id}/purge", response={202: OperationOut}, auth=OPERATE)
def queue_purge(request: HttpRequest, queue_id: int, wanted: PurgeIn | None = None) -> Status[Operation]:
    """Drop every ready message; 409 when `expect` is given and the queue holds another number."""
    by = audit.actor(request)
    return Status(202, purging.purge(queue=_queue(queue_id), by=by, **(wanted or PurgeIn()).dict()))


@router.post("/operations/{int:operation_id}/restore", response={202: OperationOut}, auth=OPERATE)
def operation_restore(request: HttpRequest, operation_id: int) -> Status[Operation]:
    """Put back what a purge with a snapshot kept; 409 when it kept nothing."""
    purge = one(
        Operation.objects.filter(pk=operation_id), _("There is no operation %(id)s.") % {"id": operation_id}
    )
    return Status(202, snapshots.restore(operation=purge, by=audit.actor(request)))
