"""The API's calls that track a dead-letter queue, and that stop tracking it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from mqadmin.core.acts import audit
from mqadmin.core.api.operations import OperationOut
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, Asked
from mqadmin.core.models import Operation
from mqadmin.deadletters.capture import tracking
from mqadmin.queues.acts import many
from mqadmin.queues.api.many import QueuesIn, chosen
from mqadmin.queues.api.queues import find_queue

router = Router(tags=["dead letters"], auth=VIEW.of("rows"))


class TrackedOut(Schema):
    """Whether the letters of a queue are captured, and by which consumer."""

    queue: int
    tracked: bool
    consumer: str | None


class TrackQuery(Asked):
    """`force`: also where another program consumes from the queue."""

    force: bool = False


@router.post("/queues/{int:queue_id}/track", response=TrackedOut, auth=CONFIGURE.of("rows"))
def queue_track(request: HttpRequest, queue_id: int, wanted: Query[TrackQuery]) -> dict[str, Any]:
    """Capture the letters of a dead-letter queue from now on; 409 when it is tracked already.

    Also 409 where another program consumes from the queue, unless `force`: it would lose its messages.
    """
    tracked = tracking.track(queue=find_queue(queue_id), by=audit.actor(request), force=wanted.force)
    return {
        "queue": queue_id,
        "tracked": True,
        "consumer": tracked.consumer.name if tracked.consumer else None,
    }


@router.post("/queues/track", response={202: OperationOut}, auth=CONFIGURE.of("rows"))
def queues_track(request: HttpRequest, wanted: QueuesIn) -> Status[Operation]:
    """Capture the letters of many dead-letter queues; those that cannot be tracked are told in the operation."""
    return Status(202, many.start(act="track", chosen=chosen(wanted), by=audit.actor(request)))


@router.post("/queues/{int:queue_id}/untrack", response=TrackedOut, auth=CONFIGURE.of("rows"))
def queue_untrack(request: HttpRequest, queue_id: int) -> dict[str, Any]:
    """Stop capturing; what is stored stays. 409 when it is not tracked."""
    tracking.untrack(queue=find_queue(queue_id), by=audit.actor(request))
    return {"queue": queue_id, "tracked": False, "consumer": None}
