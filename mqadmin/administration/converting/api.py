"""The API's calls for conversions: begin, look, go on, undo."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import Field

from mqadmin.administration.converting import acting, planning, stages, words
from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.api.operations import OperationOut
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, Body, one
from mqadmin.core.models import Operation
from mqadmin.queues.api.queues import find_queue

router = Router(tags=["queues"], auth=VIEW.of("rows"))


class QuietIn(Body):
    """`publishers_stopped`: nobody publishes to the queue by its name. While that is absent, some milliseconds,
    what is published through the default exchange is lost."""

    publishers_stopped: bool = False


class ConvertIn(QuietIn):
    dry_run: bool = Field(False, description="Change nothing; answer 200 with what it would do.")


class ConversionMatchOut(Schema):
    """The policy that applies before and after, "" for none."""

    is_operators: bool
    before: str
    after: str


class PublisherOut(Schema):
    """A client that publishes. `exchange` null: somewhere in the virtual host; `rate`: messages per second."""

    name: str
    user: str
    address: str
    exchange: str | None
    rate: float | None


class StrangerOut(Schema):
    """A consumer that is not mqadmin's: it is to be stopped first."""

    tag: str
    connection: str | None
    user: str | None


class PlanOut(Schema):
    """What a conversion would do. `stops`: why it cannot be done now, [] where it can; `changes`: what the new type
    does not take or does otherwise; `pauses`: mqadmin's consumers; `size` in bytes, about, `seconds` too."""

    stops: list[str]
    changes: list[str]
    arguments: dict[str, Any]
    bindings: list[dict[str, Any]]
    policies: list[ConversionMatchOut]
    pauses: list[str]
    consumers: list[StrangerOut]
    publishers: list[PublisherOut]
    tells_publishers: bool
    ready: int
    size: int
    seconds: float


class ConversionStepOut(Schema):
    """A step: `state` is done, now, failed (it ended here) or waiting; `title` and `where` in words."""

    name: str
    state: str
    title: str
    where: str


class PlaceOut(Schema):
    """How many messages are ready in a queue this instant. `is_there` null: the broker does not answer."""

    name: str
    is_there: bool | None
    ready: int | None


class ConversionOut(Schema):
    """How far a conversion is. `to`: the type that the queue gets; `newer`: the operation that went on with it or
    undid it; `go_on`, `undo`: what they would do, "" where that cannot be."""

    operation: OperationOut
    vhost: str
    name: str
    to: str
    steps: list[ConversionStepOut]
    places: list[PlaceOut]
    newer: int | None
    go_on: str
    undo: str


@router.post(
    "/queues/{int:queue_id}/convert", response={200: PlanOut, 202: OperationOut}, auth=CONFIGURE.of("rows")
)
def queue_convert(
    request: HttpRequest, queue_id: int, wanted: ConvertIn
) -> Status[dict[str, Any]] | Status[Operation]:
    """Begin to make a quorum queue of a classic one: 202 and its operation.

    409: `cannot`, `publishers`, `under_way`, `unfinished`.
    """
    queue = find_queue(queue_id)
    permissions.require(queue.broker.slug, queue.vhost)
    if wanted.dry_run:
        return Status(200, _plan(planning.plan(queue)))
    return Status(
        202,
        acting.convert(queue=queue, by=audit.actor(request), publishers_stopped=wanted.publishers_stopped),
    )


@router.get("/conversions/{int:operation_id}", response=ConversionOut)
def conversion_detail(request: HttpRequest, operation_id: int) -> dict[str, Any]:
    """Tell how far a conversion is: its steps, and how many messages are in which queue at this instant."""
    operation = _conversion(operation_id)
    newer = stages.newer(operation)
    return {
        "operation": operation,
        "vhost": operation.params["vhost"],
        "name": operation.params["name"],
        "to": operation.params["wanted"]["type"],
        "steps": [asdict(step) for step in words.steps(operation)],
        "places": [asdict(place) for place in stages.places(operation)],
        "newer": newer.pk if newer else None,
        "go_on": words.go_on_does(operation) if stages.may_go_on(operation) else "",
        "undo": words.undo_does(operation) if stages.may_undo(operation) else "",
    }


@router.post("/conversions/{int:operation_id}/undo", response={202: OperationOut}, auth=CONFIGURE.of("rows"))
def conversion_undo(request: HttpRequest, operation_id: int, wanted: QuietIn) -> Status[Operation]:
    """Begin to make of the queue what it was before; it must have ended.

    409: `wrong_state`, `publishers`, `cannot`.
    """
    operation = _conversion(operation_id)
    quiet = wanted.publishers_stopped
    return Status(202, acting.undo(operation=operation, by=audit.actor(request), publishers_stopped=quiet))


@router.post("/conversions/{int:operation_id}/go-on", response={202: OperationOut}, auth=CONFIGURE.of("rows"))
def conversion_go_on(request: HttpRequest, operation_id: int) -> Status[Operation]:
    """Begin again at the step where it failed or was cancelled. 409: `wrong_state`."""
    return Status(202, acting.go_on(operation=_conversion(operation_id), by=audit.actor(request)))


def _conversion(operation_id: int) -> Operation:
    rows = Operation.objects.filter(pk=operation_id, kind=stages.KIND)
    found = one(rows, _("There is no conversion %(id)s.") % {"id": operation_id})
    permissions.require(found.broker, found.params["vhost"])
    return found


def _plan(plan: planning.Plan) -> dict[str, Any]:
    return {
        "stops": plan.stops,
        "changes": plan.changes,
        "arguments": dict(plan.arguments),
        "bindings": plan.bindings,
        "policies": [asdict(item) for item in plan.policies],
        "pauses": [item.name for item in plan.ours],
        "consumers": [
            {"tag": item.tag, "connection": item.connection or item.peer, "user": item.user}
            for item in plan.strangers
        ],
        "publishers": [asdict(item) for item in plan.publishers.found],
        "tells_publishers": plan.publishers.tells,
        "ready": plan.ready,
        "size": plan.size,
        "seconds": plan.seconds,
    }
