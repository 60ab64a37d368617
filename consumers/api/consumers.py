"""The API's calls for consumers: list, define, change, start, stop."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Status

from consumers.api.consumer_schemas import (
    ConsumerIn,
    ConsumerList,
    ConsumerOut,
    ConsumerQuery,
    DefinitionIn,
    KillIn,
    MassIn,
    MassOut,
    RestartIn,
    ScaleIn,
    StartIn,
    consumer_out,
)
from consumers.api.rows import find_consumer, find_process
from consumers.definitions import definitions, mass, processes, wording
from consumers.definitions.validation import OPTION
from consumers.handlers import registry
from consumers.models import Consumer, ConsumerProcess
from consumers.status import remembered, summary
from consumers.status.filtering import ConsumerSearch
from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.api.paging import Page, paginate
from mqadmin.core.api.plumbing import CONFIGURE, OPERATE, VIEW, ApiError, the_broker
from mqadmin.history.reading import Lines
from mqadmin.queues.api.history import HistoryOut, HistoryQuery
from mqadmin.queues.pages import history

router = Router(tags=["consumers"], auth=VIEW.of("rows"))


@router.get("/consumers", response=ConsumerList)
def consumer_list(request: HttpRequest, wanted: Query[ConsumerQuery]) -> Page:
    """List the definitions by name, each with its state and counters."""
    rows = Consumer.objects.all()
    if wanted.broker:
        rows = rows.filter(broker=wanted.broker)
    page = paginate(rows, limit=wanted.limit, cursor=wanted.cursor, order=("name",))
    found = summary.summaries(page["items"])
    with wording.read_together(item.consumer for item in found):
        page["items"] = [consumer_out(item, whole=_whole(request, item.consumer)) for item in found]
    return page


@router.post("/consumers", response={201: ConsumerOut}, auth=CONFIGURE.of("rows"))
def consumer_create(request: HttpRequest, payload: ConsumerIn) -> Status[dict[str, Any]]:
    """Define a consumer. `broker` may be left out where only one is configured."""
    fields = {**payload.given(), "desired": payload.desired, "broker": the_broker(payload.broker or "")}
    _check_types(payload.handler, payload.options)
    consumer = definitions.create(by=audit.actor(request), **fields)
    return Status(201, _out(request, consumer))


# Before the calls that begin with a name, which would take these words for one.
@router.post("/consumers/stop-all", response={202: MassOut}, auth=OPERATE.of("rows"))
def consumer_stop_all(request: HttpRequest, payload: MassIn) -> Status[dict[str, Any]]:
    """Stop every consumer that is told to run or to pause; each finishes what it has in hand."""
    return _all(request, "stop", payload)


@router.post("/consumers/start-all", response={202: MassOut}, auth=OPERATE.of("rows"))
def consumer_start_all(request: HttpRequest, payload: MassIn) -> Status[dict[str, Any]]:
    """Start every consumer that is stopped, whoever stopped it."""
    return _all(request, "start", payload)


def _all(request: HttpRequest, act: mass.Act, payload: MassIn) -> Status[dict[str, Any]]:
    broker = the_broker(payload.broker or "")
    wanted = ConsumerSearch.read({"q": payload.q, "state": payload.state})
    if wanted.state != payload.state:
        raise ApiError(422, "invalid", _("There is no state “%(state)s”.") % {"state": payload.state})
    found = mass.chosen(act, wanted.consumers(broker), collectors=payload.collectors)
    by = audit.actor(request)
    done = mass.carry_out(act, found, broker=broker, expect=payload.expect, by=by)
    return Status(202, {"done": done.names, "overtaken": done.overtaken})


@router.get("/consumers/{name}", response=ConsumerOut)
def consumer_detail(request: HttpRequest, name: str) -> dict[str, Any]:
    """Show one consumer."""
    return _out(request, find_consumer(name))


@router.get("/consumers/{name}/history", response=HistoryOut)
def consumer_history(request: HttpRequest, name: str, wanted: Query[HistoryQuery]) -> Lines:
    """Return what a consumer handled and failed a second, its processes, and their memory in bytes."""
    thing = (find_consumer(name).broker, remembered.KIND, "", name)
    return history.lines(thing, wanted.span, time.time())


@router.patch("/consumers/{name}", response=ConsumerOut, auth=CONFIGURE.of("rows"))
def consumer_update(request: HttpRequest, name: str, payload: DefinitionIn) -> dict[str, Any]:
    """Change a definition. Processes that run go on with what they started with until a restart."""
    consumer = find_consumer(name)
    _check_types(payload.handler or consumer.handler, payload.options)
    return _out(request, definitions.update(consumer=consumer, by=audit.actor(request), **payload.given()))


@router.delete("/consumers/{name}", response={204: None}, auth=CONFIGURE.of("rows"))
def consumer_delete(request: HttpRequest, name: str) -> Status[None]:
    """Delete a stopped consumer, with its records and events."""
    consumer = find_consumer(name)
    definitions.refuse_collector(consumer)
    definitions.delete(consumer=consumer, by=audit.actor(request))
    return Status(204, None)


@router.post("/consumers/{name}/start", response={202: ConsumerOut}, auth=OPERATE.of("rows"))
def consumer_start(request: HttpRequest, name: str, payload: StartIn | None = None) -> Status[dict[str, Any]]:
    """Start it, or start at once what failed or waits to start again."""
    consumer = find_consumer(name)
    if payload is not None and payload.process is not None:
        processes.start_now(process=_process_of(consumer, payload.process), by=audit.actor(request))
        return Status(202, _out(request, consumer))
    return Status(202, _out(request, definitions.start(consumer=consumer, by=audit.actor(request))))


@router.post("/consumers/{name}/stop", response={202: ConsumerOut}, auth=OPERATE.of("rows"))
def consumer_stop(request: HttpRequest, name: str) -> Status[dict[str, Any]]:
    """Stop it after what is in hand; a second time, kill it."""
    return Status(202, _out(request, definitions.stop(consumer=find_consumer(name), by=audit.actor(request))))


@router.post("/consumers/{name}/pause", response={202: ConsumerOut}, auth=OPERATE.of("rows"))
def consumer_pause(request: HttpRequest, name: str) -> Status[dict[str, Any]]:
    """Take no more messages."""
    return Status(
        202, _out(request, definitions.pause(consumer=find_consumer(name), by=audit.actor(request)))
    )


@router.post("/consumers/{name}/resume", response={202: ConsumerOut}, auth=OPERATE.of("rows"))
def consumer_resume(request: HttpRequest, name: str) -> Status[dict[str, Any]]:
    """Take messages again."""
    return Status(
        202, _out(request, definitions.resume(consumer=find_consumer(name), by=audit.actor(request)))
    )


@router.post("/consumers/{name}/restart", response={202: ConsumerOut}, auth=OPERATE.of("rows"))
def consumer_restart(
    request: HttpRequest, name: str, payload: RestartIn | None = None
) -> Status[dict[str, Any]]:
    """Replace its processes, or one, after what is in hand: one after another unless `rolling` is false."""
    consumer, how = find_consumer(name), payload or RestartIn()
    if how.process is not None:
        processes.restart(process=_process_of(consumer, how.process), by=audit.actor(request))
        return Status(202, _out(request, find_consumer(name)))
    return Status(
        202,
        _out(request, definitions.restart(consumer=consumer, by=audit.actor(request), rolling=how.rolling)),
    )


@router.post("/consumers/{name}/redeliver", response={202: ConsumerOut}, auth=OPERATE.of("rows"))
def consumer_redeliver(request: HttpRequest, name: str) -> Status[dict[str, Any]]:
    """Give what is in hand back to the queue, from which RabbitMQ delivers it again."""
    return Status(
        202, _out(request, definitions.redeliver(consumer=find_consumer(name), by=audit.actor(request)))
    )


@router.post("/consumers/{name}/kill", response={202: ConsumerOut}, auth=OPERATE.of("rows"))
def consumer_kill(request: HttpRequest, name: str, payload: KillIn | None = None) -> Status[dict[str, Any]]:
    """Kill its processes, or one of them; what they have in hand returns to the queue."""
    consumer = find_consumer(name)
    process = None
    if payload is not None and payload.process is not None:
        process = _process_of(consumer, payload.process)
    definitions.kill(consumer=consumer, by=audit.actor(request), process=process)
    return Status(202, _out(request, consumer))


@router.post("/consumers/{name}/scale", response={202: ConsumerOut}, auth=OPERATE.of("rows"))
def consumer_scale(request: HttpRequest, name: str, payload: ScaleIn) -> Status[dict[str, Any]]:
    """Set how many processes run it."""
    consumer = find_consumer(name)
    definitions.scale(consumer=consumer, by=audit.actor(request), replicas=payload.replicas)
    return Status(202, _out(request, consumer))


def _process_of(consumer: Consumer, pk: int) -> ConsumerProcess:
    process = find_process(pk)
    if process.consumer_id != consumer.pk:
        raise ApiError(404, "not_found", _("That process runs another consumer."))
    return process


def _check_types(handler: str, options: dict[str, Any] | None) -> None:
    """Raise Invalid where options are not of the types that `GET /handlers` says; all else is checked below."""
    try:
        wrong = registry.mistyped(registry.get(handler), options or {})
    except registry.HandlerError:
        return
    if wrong:
        raise definitions.Invalid({f"{OPTION}{name}": text for name, text in wrong.items()})


def _out(request: HttpRequest, consumer: Consumer) -> dict[str, Any]:
    return consumer_out(summary.summary(consumer), whole=_whole(request, consumer))


def _whole(request: HttpRequest, consumer: Consumer) -> bool:
    """Whether who asks may see all of its options, as who may define it does."""
    place = (consumer.broker, consumer.vhost, consumer.queue)
    return permissions.may_with(request.user, "configure", *place)
