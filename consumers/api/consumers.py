"""Handlers, consumers, processes and records through the API."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Status

from consumers.api.record_schemas import RecordDetail, RecordList, RecordQuery, RequeueOut, TryIn, TryOut
from consumers.api.schemas import (
    ConsumerIn,
    ConsumerList,
    ConsumerOut,
    DefinitionIn,
    HandlerList,
    HostList,
    HostOut,
    KillIn,
    MassIn,
    MassOut,
    OutputOut,
    ProcessList,
    RestartIn,
    ScaleIn,
    StartIn,
    consumer_out,
    host_out,
)
from consumers.definitions import definitions, mass, processes
from consumers.handlers import registry
from consumers.models import Consumer, ConsumerProcess, Record, SupervisorHost
from consumers.process import outputs
from consumers.records import finding, masks, replaying
from consumers.status import summary
from consumers.status.filtering import ConsumerSearch
from consumers.supervisor import hosts
from consumers.trying import trial_message, trying
from mqadmin.core import brokers
from mqadmin.core.acts import audit
from mqadmin.core.api.paging import Page
from mqadmin.core.api.plumbing import CONFIGURE, OPERATE, VIEW, ApiError, one, paginate

router = Router(tags=["consumers"], auth=VIEW)


@router.get("/handlers", response=HandlerList)
def handler_list(request: HttpRequest) -> dict[str, Any]:
    """List the handlers that a consumer may be given."""
    items = [
        {
            "name": found.name,
            "title": str(found.title),
            "description": str(found.description),
            "options_schema": registry.options_schema(found),
            "batch": found.batch,
        }
        for found in registry.offered()
    ]
    return {"items": items, "total": len(items), "next": None}


@router.get("/consumers", response=ConsumerList)
def consumer_list(
    request: HttpRequest, broker: str | None = None, limit: int = 50, cursor: str | None = None
) -> Page:
    """List the definitions by name, each with its state and counters."""
    rows = Consumer.objects.all()
    if broker:
        rows = rows.filter(broker=broker)
    page = paginate(rows, limit=limit, cursor=cursor, order=("name",))
    page["items"] = [consumer_out(item) for item in summary.summaries(page["items"])]
    return page


@router.post("/consumers", response={201: ConsumerOut}, auth=CONFIGURE)
def consumer_create(request: HttpRequest, payload: ConsumerIn) -> Status[dict[str, Any]]:
    """Define a consumer. `broker` may be left out where only one is configured."""
    fields = {**payload.given(), "desired": payload.desired}
    fields.setdefault("broker", _only_broker())
    consumer = definitions.create(by=audit.actor(request), **fields)
    return Status(201, _out(consumer))


# Before the calls that begin with a name, which would take these words for one.
@router.post("/consumers/stop-all", response={202: MassOut}, auth=OPERATE)
def consumer_stop_all(request: HttpRequest, payload: MassIn) -> Status[dict[str, Any]]:
    """Stop every consumer that is told to run or to pause; each finishes what it has in hand."""
    return _all(request, "stop", payload)


@router.post("/consumers/start-all", response={202: MassOut}, auth=OPERATE)
def consumer_start_all(request: HttpRequest, payload: MassIn) -> Status[dict[str, Any]]:
    """Start every consumer that is stopped, whoever stopped it."""
    return _all(request, "start", payload)


def _all(request: HttpRequest, act: mass.Act, payload: MassIn) -> Status[dict[str, Any]]:
    broker = payload.broker or _only_broker()
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
    return _out(_consumer(name))


@router.patch("/consumers/{name}", response=ConsumerOut, auth=CONFIGURE)
def consumer_update(request: HttpRequest, name: str, payload: DefinitionIn) -> dict[str, Any]:
    """Change a definition. Processes that run go on with what they started with until a restart."""
    consumer = _consumer(name)
    return _out(definitions.update(consumer=consumer, by=audit.actor(request), **payload.given()))


@router.delete("/consumers/{name}", response={204: None}, auth=CONFIGURE)
def consumer_delete(request: HttpRequest, name: str) -> Status[None]:
    """Delete a stopped consumer, with its records and events."""
    consumer = _consumer(name)
    definitions.refuse_collector(consumer)
    definitions.delete(consumer=consumer, by=audit.actor(request))
    return Status(204, None)


@router.post("/consumers/{name}/start", response={202: ConsumerOut}, auth=OPERATE)
def consumer_start(request: HttpRequest, name: str, payload: StartIn | None = None) -> Status[dict[str, Any]]:
    """Start it, or start at once what failed or waits to start again."""
    consumer = _consumer(name)
    if payload is not None and payload.process is not None:
        processes.start_now(process=_process_of(consumer, payload.process), by=audit.actor(request))
        return Status(202, _out(consumer))
    return Status(202, _out(definitions.start(consumer=consumer, by=audit.actor(request))))


@router.post("/consumers/{name}/stop", response={202: ConsumerOut}, auth=OPERATE)
def consumer_stop(request: HttpRequest, name: str) -> Status[dict[str, Any]]:
    """Stop it after what is in hand; a second time, kill it."""
    return Status(202, _out(definitions.stop(consumer=_consumer(name), by=audit.actor(request))))


@router.post("/consumers/{name}/pause", response={202: ConsumerOut}, auth=OPERATE)
def consumer_pause(request: HttpRequest, name: str) -> Status[dict[str, Any]]:
    """Take no more messages."""
    return Status(202, _out(definitions.pause(consumer=_consumer(name), by=audit.actor(request))))


@router.post("/consumers/{name}/resume", response={202: ConsumerOut}, auth=OPERATE)
def consumer_resume(request: HttpRequest, name: str) -> Status[dict[str, Any]]:
    """Take messages again."""
    return Status(202, _out(definitions.resume(consumer=_consumer(name), by=audit.actor(request))))


@router.post("/consumers/{name}/restart", response={202: ConsumerOut}, auth=OPERATE)
def consumer_restart(
    request: HttpRequest, name: str, payload: RestartIn | None = None
) -> Status[dict[str, Any]]:
    """Replace its processes, or one, after what is in hand: one after another unless `rolling` is false."""
    consumer, how = _consumer(name), payload or RestartIn()
    if how.process is not None:
        processes.restart(process=_process_of(consumer, how.process), by=audit.actor(request))
        return Status(202, _out(_consumer(name)))
    return Status(
        202, _out(definitions.restart(consumer=consumer, by=audit.actor(request), rolling=how.rolling))
    )


@router.post("/consumers/{name}/redeliver", response={202: ConsumerOut}, auth=OPERATE)
def consumer_redeliver(request: HttpRequest, name: str) -> Status[dict[str, Any]]:
    """Give what is in hand back to the queue, from which RabbitMQ delivers it again."""
    return Status(202, _out(definitions.redeliver(consumer=_consumer(name), by=audit.actor(request))))


@router.post("/consumers/{name}/kill", response={202: ConsumerOut}, auth=OPERATE)
def consumer_kill(request: HttpRequest, name: str, payload: KillIn | None = None) -> Status[dict[str, Any]]:
    """Kill its processes, or one of them; what they have in hand returns to the queue."""
    consumer = _consumer(name)
    process = None
    if payload is not None and payload.process is not None:
        process = _process_of(consumer, payload.process)
    definitions.kill(consumer=consumer, by=audit.actor(request), process=process)
    return Status(202, _out(consumer))


@router.post("/consumers/{name}/scale", response={202: ConsumerOut}, auth=OPERATE)
def consumer_scale(request: HttpRequest, name: str, payload: ScaleIn) -> Status[dict[str, Any]]:
    """Set how many processes run it."""
    consumer = _consumer(name)
    definitions.scale(consumer=consumer, by=audit.actor(request), replicas=payload.replicas)
    return Status(202, _out(consumer))


@router.post("/consumers/{name}/try", response=TryOut, auth=OPERATE)
def consumer_try(request: HttpRequest, name: str, payload: TryIn) -> trying.Trial:
    """Run its handler, for real, on one message: nothing is consumed, recorded, retried or dead-lettered.

    Answers 200 however it went; `outcome` says how.
    """
    consumer = _consumer(name)
    if payload.record is not None:
        record = _record(payload.record)
        if record.consumer_id != consumer.pk:
            raise ApiError(404, "not_found", _("That record is of another consumer."))
        message = trial_message.recorded(record)
    else:
        key = consumer.queue if payload.routing_key is None else payload.routing_key
        message = trial_message.typed(**{**payload.dict(exclude={"record"}), "routing_key": key})
    return trying.run(consumer=consumer, by=audit.actor(request), message=message)


@router.get("/consumers/{name}/processes", response=ProcessList)
def process_list(request: HttpRequest, name: str, limit: int = 50, cursor: str | None = None) -> Page:
    """List its processes, the newest first; those with `ended_at` are over."""
    return paginate(_consumer(name).processes.all(), limit=limit, cursor=cursor)


@router.get("/processes/{int:process_id}/output", response=OutputOut)
def process_output(
    request: HttpRequest, process_id: int, tail: int = 200, since: int | None = None
) -> dict[str, Any]:
    """The newest lines that a process printed, at most 5,000 and half a megabyte; or what is new since a byte."""
    process = _process(process_id)
    found = {"process": process.pk, "host": process.host}
    if since is None:
        text, reason = outputs.read(process, lines=tail)
        return {**found, "text": text, "reason": reason}
    news, reason = outputs.since(process, since)
    if news is None:
        return {**found, "text": None, "reason": reason}
    return {**found, "reason": "", "text": news.text, "position": news.position, "skipped": news.skipped}


@router.get("/hosts", response=HostList)
def host_list(request: HttpRequest) -> dict[str, Any]:
    """List the hosts that run consumers, by name."""
    items = [host_out(state) for state in hosts.states()]
    return {"items": items, "total": len(items), "next": None}


@router.post("/hosts/{name}/drain", response=HostOut, auth=CONFIGURE)
def host_drain(request: HttpRequest, name: str) -> dict[str, Any]:
    """Start nothing new on a host; the processes there go on."""
    hosts.drain(host=_host(name), by=audit.actor(request))
    return _host_out(name)


@router.post("/hosts/{name}/undrain", response=HostOut, auth=CONFIGURE)
def host_undrain(request: HttpRequest, name: str) -> dict[str, Any]:
    """Let processes be started on a host again."""
    hosts.undrain(host=_host(name), by=audit.actor(request))
    return _host_out(name)


@router.delete("/hosts/{name}", response={204: None}, auth=CONFIGURE)
def host_forget(request: HttpRequest, name: str) -> Status[None]:
    """Take a host off the list whose supervisor has been silent for a minute or more."""
    hosts.forget(host=_host(name), by=audit.actor(request))
    return Status(204, None)


@router.get("/records", response=RecordList)
def record_list(request: HttpRequest, query: Query[RecordQuery]) -> Page:
    """List handled messages, newest first."""
    consumer = _consumer(query.consumer) if query.consumer else None
    wanted = finding.RecordSearch(
        outcome=query.outcome or "",
        q=query.q or "",
        message_id=query.message_id or "",
        since=query.since,
        until=query.until,
    )
    rows = finding.search(wanted, consumer).select_related("consumer")
    return paginate(rows, limit=query.limit, cursor=query.cursor)


@router.get("/records/{int:record_id}", response=RecordDetail)
def record_detail(request: HttpRequest, record_id: int) -> Record:
    """Show one handled message with all that was kept of it; masked fields only to who may operate."""
    return masks.masked(_record(record_id))


@router.post("/records/{int:record_id}/requeue", response=RequeueOut, auth=OPERATE)
def record_requeue(request: HttpRequest, record_id: int) -> dict[str, Any]:
    """Publish the recorded message to its queue again; answers once the broker has confirmed it."""
    record = _record(record_id)
    replaying.requeue(record=record, by=audit.actor(request))
    return {"requeued": True, "queue": record.queue}


def _consumer(name: str) -> Consumer:
    return one(Consumer.objects.filter(name=name), _("There is no consumer “%(name)s”.") % {"name": name})


def _process(pk: int) -> ConsumerProcess:
    return one(
        ConsumerProcess.objects.select_related("consumer").filter(pk=pk),
        _("There is no process %(id)s.") % {"id": pk},
    )


def _process_of(consumer: Consumer, pk: int) -> ConsumerProcess:
    process = _process(pk)
    if process.consumer_id != consumer.pk:
        raise ApiError(404, "not_found", _("That process runs another consumer."))
    return process


def _host(name: str) -> SupervisorHost:
    return one(SupervisorHost.objects.filter(name=name), _("There is no host “%(name)s”.") % {"name": name})


def _record(pk: int) -> Record:
    return one(
        Record.objects.select_related("consumer").filter(pk=pk), _("There is no record %(id)s.") % {"id": pk}
    )


def _host_out(name: str) -> dict[str, Any]:
    return next(host_out(state) for state in hosts.states() if state.row.name == name)


def _out(consumer: Consumer) -> dict[str, Any]:
    return consumer_out(summary.summary(consumer))


def _only_broker() -> str:
    known = list(brokers.configs())
    if len(known) != 1:
        raise ApiError(422, "invalid", _("Name the broker: %(known)s.") % {"known": ", ".join(known) or "–"})
    return known[0]
