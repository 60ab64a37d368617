"""A classic queue becomes a quorum queue of the same name, step by step; undone by the same steps the other way.

RabbitMQ cannot change the type of a queue: it is emptied into a temporary one, deleted, declared anew, filled again
(docs/adr/0042). Each step looks at what is there and does what lacks, so that a worker may die at any moment.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.utils.translation import gettext as _

from consumers.definitions import definitions
from consumers.models import Consumer
from mqadmin.administration.converting import planning, stages, steps
from mqadmin.administration.converting.steps import Job
from mqadmin.approvals.gate import gate, kinds
from mqadmin.approvals.gate.gate import Asked, Foretold, digest
from mqadmin.approvals.gate.size import Size
from mqadmin.core import brokers
from mqadmin.core.acts import audit, leases, operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.operations import GaveUp, Run
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import number
from mqadmin.queues.acts import agreed
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.errors import NotFound

KIND, ACTION, UNDO = stages.KIND, "queue.convert", "queue.convert.undo"
_PAUSED_SECONDS = 60.0
_LEASE_SECONDS = 60.0  # that it may take at the most to look before one begins


def convert(*, queue: Queue, by: Actor, publishers_stopped: bool = False) -> Operation:
    """Start to make a quorum queue of a classic one.

    `publishers_stopped`: somebody says that nobody publishes to it by its name: what comes while the name is
    absent, some milliseconds, would be lost. Raises Refusal (409): `cannot` with the reasons, `publishers`,
    `under_way`, `unfinished` where an earlier one left messages in its temporary queue; RabbitError.
    """
    slug = queue.broker.slug
    with (
        audit.act(by=by, action=ACTION, broker=slug, target=f"{queue.vhost}:{queue.name}") as entry,
        _alone(slug, queue.vhost, queue.name),
    ):
        before = _require_finished(queue)
        plan = planning.plan(queue)
        entry.detail, entry.count = (
            {"declared": dict(plan.declared), "bindings": plan.bindings},
            plan.ready,
        )
        if plan.stops:
            raise Refusal(prose.paragraph(plan.stops), "cannot")
        _require_quiet(publishers_stopped)
        params = {
            "queue": queue.pk,
            "vhost": queue.vhost,
            "name": queue.name,
            "temporary": f"{planning.PREFIX}{uuid.uuid4().hex}",
            "letters": dict(plan.letters),
            "bindings": plan.bindings,
            "was": dict(plan.declared),
            "wanted": _wanted(plan),
            "paused": _paused(before) if before else [],
            "by": by.name,
            "from": 0,
        }
        asked = Asked(
            ACTION,
            slug,
            _summary(params),
            {"queue": queue.pk, "publishers_stopped": publishers_stopped},
            Size(plan.ready, 1),
            vhost=queue.vhost,
            queue=queue.name,
            mark=digest(sorted(map(repr, plan.declared.items()))),
            foretell=lambda: _foretold(plan.ready),
        )
        gate.ask(asked, by=by, entry=entry)
        return _start(params, by, slug, 2 * plan.ready)


@kinds.register(ACTION, needs="configure", counts_as="convert")
def _convert_agreed(given: Mapping[str, Any], by: Actor) -> Operation:
    """Start what waited for a second person."""
    return convert(queue=agreed.queue(given), by=by, publishers_stopped=bool(given["publishers_stopped"]))


def _foretold(ready: int) -> list[Foretold]:
    values = {"n": number(ready)}
    return [
        Foretold("stops", _("Its consumers are paused, and its name is absent for some milliseconds.")),
        Foretold(
            "stops", _("It is deleted and declared anew: what is published by its name meanwhile is lost.")
        ),
        Foretold(
            "tells", _("%(n)s messages go to a temporary queue and back, each confirmed first.") % values
        ),
    ]


def _wanted(plan: planning.Plan) -> dict[str, Any]:
    return {"type": "quorum", "durable": True, "auto_delete": False, "arguments": dict(plan.arguments)}


def undo(*, operation: Operation, by: Actor, publishers_stopped: bool = False) -> Operation:
    """Start to make of the queue what it was before this conversion, which has ended. Raises Refusal (409)."""
    given = operation.params
    with (
        audit.act(by=by, action=UNDO, broker=operation.broker, target=_target(given)) as entry,
        _alone(operation.broker, given["vhost"], given["name"]),
    ):
        _require_ended(operation)
        if stages.at(operation) <= _TEMPORARY and not _has_temporary(operation):  # nothing was changed
            params = {**_carried(operation, by), "from": len(STEPS) - 1}
            return _start(params, by, operation.broker, 0)
        _require_quiet(publishers_stopped)
        _require_no_strangers(operation)
        # What went back already is the head: the rest has to follow before it can all be taken out again.
        finish = stages.at(operation) >= _BACK and operation.status != Operation.Status.DONE
        is_bound_anew = stages.at(operation) > _REPLACE
        total = operation.total
        asked = Asked(
            UNDO,
            operation.broker,
            _("Undo the conversion of %(queue)s") % {"queue": _target(given)},
            {"operation": operation.pk, "publishers_stopped": publishers_stopped},
            Size(total, 1),
            vhost=given["vhost"],
            queue=given["name"],
            foretell=lambda: _foretold(total),
        )
        gate.ask(asked, by=by, entry=entry)
        params = {
            **_carried(operation, by),
            "was": given["wanted"],
            "wanted": given["was"],
            "from": 0,
            "finish": finish,
            "noted": not is_bound_anew and stages.is_noted(operation),
        }
        return _start(params, by, operation.broker, operation.total)


@kinds.register(UNDO, needs="configure", counts_as="convert")
def _undo_agreed(given: Mapping[str, Any], by: Actor) -> Operation:
    """Start what waited for a second person."""
    operation = Operation.objects.get(pk=given["operation"])
    return undo(operation=operation, by=by, publishers_stopped=bool(given["publishers_stopped"]))


def go_on(*, operation: Operation, by: Actor) -> Operation:
    """Start a conversion that failed or was cancelled again, at the step where it was. Raises Refusal (409)."""
    given = operation.params
    with (
        audit.act(by=by, action=f"{ACTION}.go_on", broker=operation.broker, target=_target(given)),
        _alone(operation.broker, given["vhost"], given["name"]),
    ):
        _require_ended(operation)
        if operation.status == Operation.Status.DONE:
            raise Refusal(_("It is done."), "wrong_state")
        params = {**_carried(operation, by), "from": stages.at(operation)}
        params["noted"] = stages.is_noted(operation)
        return _start(params, by, operation.broker, operation.total - operation.done)


def _carried(operation: Operation, by: Actor) -> dict[str, Any]:
    """Return what the next operation about the same queue begins with."""
    given = {key: value for key, value in operation.params.items() if key not in ("cursor", "run")}
    cursor = operation.params.get("cursor", {})
    bindings = cursor.get("bindings", given["bindings"])
    return {**given, "bindings": bindings, "paused": _paused(operation), "by": by.name}


def _paused(operation: Operation) -> list[int]:
    """Return the consumers that this operation paused and did not resume."""
    if operation.status == Operation.Status.DONE:
        return []
    return list(operation.params.get("cursor", {}).get("paused", operation.params.get("paused", [])))


def _start(params: Mapping[str, Any], by: Actor, broker: str, total: int) -> Operation:
    return operations.start(
        kind=KIND, by=by, broker=broker, summary=_summary(params), params=params, total=max(total, 0)
    )


def _summary(params: Mapping[str, Any]) -> str:
    values = {"queue": _target(params), "type": params["wanted"]["type"]}
    return _("Make %(queue)s a %(type)s queue") % values


def _target(params: Mapping[str, Any]) -> str:
    return f"{params['vhost']}:{params['name']}"


def _require_ended(operation: Operation) -> None:
    if operation.status in Operation.OPEN or operation.lease_until is not None:
        raise Refusal(_("It is still going on: cancel it first."), "wrong_state")
    if stages.newer(operation) is not None:
        raise Refusal(_("It was gone on with already: look at the newest of its operations."), "wrong_state")


def _require_quiet(publishers_stopped: bool) -> None:
    if not publishers_stopped:
        text = _("Stop who publishes to it, and say so: its name is absent for some milliseconds.")
        raise Refusal(text, "publishers", fields={"publishers_stopped": text})


def _require_no_strangers(operation: Operation) -> None:
    """Refuse to undo while others consume from the queue: to delete it would drop what they hold."""
    given = operation.params
    queue = Queue(broker=Broker.objects.get(slug=operation.broker), vhost=given["vhost"], name=given["name"])
    try:
        detail = brokers.client(operation.broker).queue(queue.vhost, queue.name)
    except NotFound:
        return
    if strangers := planning.foreign(queue, detail):
        raise Refusal(planning.stop_them(strangers), "cannot")


@contextmanager
def _alone(slug: str, vhost: str, name: str) -> Iterator[None]:
    """Let one begin at a time. Raises Refusal (409 `under_way`) where it is being converted, or about to be."""
    lease = "convert:" + hashlib.sha256(json.dumps([slug, vhost, name]).encode()).hexdigest()
    holder = uuid.uuid4().hex
    if not leases.acquire(lease, holder, _LEASE_SECONDS):
        raise Refusal(_under_way(), "under_way")
    try:
        if stages.of_queue(slug, vhost, name).filter(status__in=Operation.OPEN).exists():
            raise Refusal(_under_way(), "under_way")
        yield
    finally:
        leases.release(lease, holder)


def _under_way() -> str:
    return _("It is being converted already.")


def _require_finished(queue: Queue) -> Operation | None:
    """Return the conversion before, where it has not come to its end; refuse where messages are in its hands."""
    last = stages.of_queue(queue.broker.slug, queue.vhost, queue.name).first()
    if last is None or last.status == Operation.Status.DONE:
        return None
    if not _has_temporary(last):
        return last
    text = _(
        "An earlier conversion of it (operation %(id)d) is in the middle: go on with that one, or undo it."
    )
    raise Refusal(text % {"id": last.pk}, "unfinished")


def _has_temporary(operation: Operation) -> bool:
    try:
        brokers.client(operation.broker).queue(operation.params["vhost"], operation.params["temporary"])
    except NotFound:
        return False
    return True


@operations.runner(KIND)
def run(run: Run) -> None:
    """Do the steps that are not done; each may be done twice."""
    job = Job.of(run)
    done = int(run.cursor.get("step", run.params["from"]))
    for at, step in enumerate(STEPS):
        if at < done:
            continue
        run.checkpoint()
        step(job)
        run.save_cursor({**run.cursor, "step": at + 1})
    run.operation.refresh_from_db(fields=["done"])
    run.save_total(run.operation.done)


def _pause(job: Job) -> None:
    """Have mqadmin's consumers take no more, and wait until they do not. Nothing was changed so far."""
    by = Actor(job.run.params["by"])
    running = planning.running(job.slug, job.queue.vhost, job.name)
    known = job.run.cursor.get("paused", job.run.params.get("paused", []))
    # Noted before: one that is paused, and not known, nobody would resume.
    job.run.save_cursor(
        {**job.run.cursor, "paused": sorted({*known, *(consumer.pk for consumer in running)})}
    )
    for consumer in running:
        definitions.pause(consumer=consumer, by=by)
    if not job.wait_until(lambda: job.consumers(job.name) == 0, _PAUSED_SECONDS):
        raise GaveUp(_("Somebody still consumes from it. Nothing was changed; stop them, then go on."))


def _resume(job: Job) -> None:
    by = Actor(job.run.params["by"])
    paused = job.run.cursor.get("paused", job.run.params.get("paused", []))
    for consumer in Consumer.objects.filter(pk__in=paused, desired=Consumer.Desired.PAUSED):
        definitions.resume(consumer=consumer, by=by)


STEPS: tuple[Callable[[Job], None], ...] = (
    _pause,
    steps.finish,
    steps.make_temporary,
    steps.move_out,
    steps.replace,
    steps.unbind_temporary,
    steps.move_back,
    steps.delete_temporary,
    _resume,
)
_TEMPORARY, _REPLACE = STEPS.index(steps.make_temporary), STEPS.index(steps.replace)
_BACK = STEPS.index(steps.move_back)
