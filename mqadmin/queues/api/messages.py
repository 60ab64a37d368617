"""The API's calls for the messages of a queue: publish, look at, move, purge, put back."""

from __future__ import annotations

import base64
from typing import Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status
from pydantic import Field

from mqadmin.core.acts import audit
from mqadmin.core.api.operations import OperationOut
from mqadmin.core.api.plumbing import OPERATE, VIEW, ApiError, Asked, Body
from mqadmin.core.models import Operation
from mqadmin.queues.acts import moving, peeking, publishing, purging, snapshots
from mqadmin.queues.api.queues import find_queue
from mqadmin.rabbit.message import to_json
from mqadmin.rabbit.types import PeekedMessage

router = Router(tags=["brokers and queues"], auth=VIEW.of("rows"))


class PublishIn(Body):
    """A message; `encoding` says how `body` is written.

    `allow_loss`: also where the queue would drop it, or another for it.
    """

    body: str = ""
    encoding: Literal["utf-8", "base64"] = "utf-8"
    properties: dict[str, Any] = {}
    headers: dict[str, Any] = {}
    routing_key: str | None = None
    allow_loss: bool = False


class PublishOut(Schema):
    """Whether a queue received the message."""

    routed: bool


class PeekIn(Body):
    """How many messages to look at."""

    count: int = Field(default=10, ge=1, le=peeking.MAX_COUNT)


class MessageOut(Schema):
    """A message looked at. `truncated`: the body is longer than what is here; `size` is the whole.

    `put_back`: returned to its place; copied to the end of its queue, as it could not bear another return; or held
    until the broker takes such a copy.
    """

    exchange: str
    routing_key: str
    redelivered: bool
    size: int
    truncated: bool
    encoding: Literal["utf-8", "base64"]
    body: str
    properties: dict[str, Any]
    headers: dict[str, Any]
    put_back: Literal["returned", "copied", "held"] = "returned"


class PeekOut(Schema):
    """`said`: what looking changed, where that is more than the messages being marked as redelivered."""

    items: list[MessageOut]
    total: int
    next: str | None = None
    said: str = ""


class MoveIn(Body):
    """Where to, in the same virtual host; without `count` all that are ready now.

    `allow_loss`: also where that queue would drop some, by its length or its TTL.
    """

    to_queue: str = Field("", max_length=255)
    count: int | None = Field(None, ge=1)
    allow_loss: bool = False


class PurgeIn(Body):
    """`expect`: how many messages the caller believes to drop; another number is refused.

    `snapshot`: keep them, so that they can be put back; 409 where they are too many. `hold_seconds`: nothing
    is dropped before, it can be cancelled.
    """

    expect: int | None = Field(default=None, ge=0)
    snapshot: bool = False
    hold_seconds: float = Field(default=0, ge=0, le=86_400)


@router.post("/queues/{int:queue_id}/publish", response=PublishOut, auth=OPERATE.of("rows"))
def queue_publish(request: HttpRequest, queue_id: int, message: PublishIn) -> dict[str, bool]:
    """Publish one message through the default exchange, confirmed; `routed` false: no queue took it.

    409 `would_lose` where the queue is full and would drop its oldest message, or would drop this one by its TTL.
    """
    routed = publishing.publish(queue=find_queue(queue_id), by=audit.actor(request), **message.dict())
    return {"routed": routed}


@router.post("/queues/{int:queue_id}/peek", response=PeekOut, auth=OPERATE.of("rows"))
def queue_peek(request: HttpRequest, queue_id: int, wanted: PeekIn | None = None) -> dict[str, Any]:
    """Look at the head of the queue; 409 with the reason where looking would harm a message.

    Up to RabbitMQ 4.2 each look is a return that counts towards the delivery limit of a quorum queue. A message
    with one return left, or none, is put back as a copy instead, at the end of its queue: `put_back` says so.
    """
    count = (wanted or PeekIn()).count
    found = peeking.peek(queue=find_queue(queue_id), by=audit.actor(request), count=count)
    return {"items": [_message(item) for item in found], "total": len(found), "said": peeking.said(found)}


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
        "put_back": item.put_back,
    }


@router.post("/queues/{int:queue_id}/move", response={202: OperationOut}, auth=OPERATE.of("rows"))
def queue_move(request: HttpRequest, queue_id: int, wanted: MoveIn) -> Status[Operation]:
    """Move ready messages to another queue, straight through the broker; 409 with the reason where not.

    `would_lose`: that queue would drop some of them, or of its own; `no_room`: it would refuse some; `held`:
    another consumer holds the messages.
    """
    by = audit.actor(request)
    return Status(202, moving.move(queue=find_queue(queue_id), by=by, **wanted.dict()))


@router.post("/queues/{int:queue_id}/purge", response={202: OperationOut}, auth=OPERATE.of("rows"))
def queue_purge(request: HttpRequest, queue_id: int, wanted: PurgeIn | None = None) -> Status[Operation]:
    """Drop every ready message; 409 when `expect` is given and the queue holds another number."""
    by = audit.actor(request)
    return Status(202, purging.purge(queue=find_queue(queue_id), by=by, **(wanted or PurgeIn()).dict()))


class RestoreQuery(Asked):
    """`allow_loss`: also where the queue would drop some of them, or of its own."""

    allow_loss: bool = False


@router.post("/operations/{int:operation_id}/restore", response={202: OperationOut}, auth=OPERATE.of("rows"))
def operation_restore(
    request: HttpRequest, operation_id: int, query: Query[RestoreQuery]
) -> Status[Operation]:
    """Put back what a purge with a snapshot kept; 409 when it kept nothing, or the queue would not keep it."""
    purge = snapshots.operation_of(operation_id)
    if purge is None:
        raise ApiError(404, "not_found", _("There is no operation %(id)s.") % {"id": operation_id})
    return Status(
        202, snapshots.restore(operation=purge, by=audit.actor(request), allow_loss=query.allow_loss)
    )
