"""The API's calls that declare and delete a queue. They share the router of those that list it."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query, Status

from mqadmin.core.acts import audit
from mqadmin.core.api.operations import OperationOut
from mqadmin.core.api.plumbing import CONFIGURE, Asked, Body, a_broker
from mqadmin.core.models import Operation
from mqadmin.queues.acts import declaring, deleting
from mqadmin.queues.api.queues import QueueOut, find_queue, router
from mqadmin.queues.models import Queue


class QueueIn(Body):
    """A queue to declare. `arguments` have RabbitMQ's own names (`x-message-ttl`); those that this type or this
    version would refuse or ignore are 422. `node`: where a classic queue is to live, "" for any."""

    broker: str = ""
    vhost: str
    name: str
    type: Literal["quorum", "classic", "stream"] = "quorum"
    durable: bool = True
    auto_delete: bool = False
    node: str = ""
    arguments: dict[str, Any] = {}


class DeleteQuery(Asked):
    """When it is deleted: `if_empty`, only while it holds nothing; `if_unused`, only while nobody consumes.

    `snapshot`: what is ready is stored first, as a purge does it, and can be put back for seven days.
    """

    if_empty: bool = True
    if_unused: bool = True
    snapshot: bool = False


@router.post("/queues", response={201: QueueOut}, auth=CONFIGURE.of("rows"))
def queue_declare(request: HttpRequest, wanted: QueueIn) -> Status[Queue]:
    """Declare a queue; 409 `exists` where there is one of that name, with what is different of it."""
    values = wanted.dict()
    made = declaring.declare(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(201, made)


@router.delete("/queues/{int:queue_id}", response={204: None, 202: OperationOut}, auth=CONFIGURE.of("rows"))
def queue_delete(
    request: HttpRequest, queue_id: int, wanted: Query[DeleteQuery]
) -> Status[None] | Status[Operation]:
    """Delete a queue: 204, or with `snapshot` 202 and the operation that keeps its messages before.

    409: `not_empty`, `in_use`, `tracked`; with `snapshot` also `stream`, `held`, `too_much`.
    """
    queue, by = find_queue(queue_id), audit.actor(request)
    if wanted.snapshot:
        return Status(202, deleting.delete_kept(queue=queue, by=by, even_used=not wanted.if_unused))
    deleting.delete(queue=queue, by=by, even_full=not wanted.if_empty, even_used=not wanted.if_unused)
    return Status(204, None)
