"""A classic queue becomes a quorum queue of the same name, step by step; undone by the same steps the other way.

RabbitMQ cannot change the type of a queue: it is emptied into a temporary one, deleted, declared anew, filled again
(docs/adr/0042). Each step looks at what is there and does what lacks, so that a worker may die at any moment.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from consumers.definitions import definitions
from consumers.models import Consumer
from mqadmin.administration.converting import planning, steps
from mqadmin.administration.converting.steps import Job
from mqadmin.core import brokers
from mqadmin.core.acts import audit, operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.operations import GaveUp, Run
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.queues.models import Queue
from mqadmin.rabbit import amqp

KIND, ACTION = "queues.convert", "queue.convert"
_PAUSED_SECONDS = 60.0


def convert(*, queue: Queue, by: Actor, publishers_stopped: bool = False) -> Operation:
    """Start to make a quorum queue of a classic one.

    `publishers_stopped`: somebody says that nobody publishes to it by its name: what comes while the name is
    absent, some milliseconds, would be lost. Raises Refusal (409): `cannot` with the reasons, `publishers`,
    `under_way`.
    """
    target = f"{queue.vhost}:{queue.name}"
    with audit.act(by=by, action=ACTION, broker=queue.broker.slug, target=target) as entry:
        plan = planning.plan(queue)
        entry.detail = {"declared": dict(plan.declared), "bindings": plan.bindings}
        if plan.stops:
            raise Refusal(" ".join(plan.stops), "cannot")
        _require_quiet(publishers_stopped)
        _require_alone(queue)
        wanted = {"type": "quorum", "durable": True, "auto_delete": False, "arguments": dict(plan.arguments)}
        params = {
            "queue": queue.pk,
            "vhost": queue.vhost,
            "name": queue.name,
            "temporary": f"mqadmin.convert.{uuid.uuid4().hex}",
            "letters": dict(plan.letters),
            "bindings": plan.bindings,
            "was": dict(plan.declared),
            "wanted": wanted,
            "ours": plan.ours,
            "by": by.name,
            "from": 0,
        }
        ready = amqp.counts(brokers.config(queue.broker.slug), queue.vhost, queue.name)[0]
        entry.count = ready
        return _start(params, by, queue.broker.slug, 2 * ready)


def undo(*, operation: Operation, by: Actor, publishers_stopped: bool = False) -> Operation:
    """Start to make of the queue what it was before this conversion, which has ended. Raises Refusal (409)."""
    given = {key: value for key, value in operation.params.items() if key not in ("cursor", "run")}
    with audit.act(by=by, action=f"{ACTION}.undo", broker=operation.broker, target=_target(given)):
        _require_quiet(publishers_stopped)
        _require_ended(operation)
        params = {**given, "was": given["wanted"], "wanted": given["was"], "from": 0, "by": by.name}
        # What went back already is the head: the rest has to follow before it can all be taken out again.
        params["finish"] = _at(operation) >= _BACK
        return _start(params, by, operation.broker, operation.total)


def go_on(*, operation: Operation, by: Actor) -> Operation:
    """Start a conversion that failed or was cancelled again, at the step where it was. Raises Refusal (409)."""
    given = {key: value for key, value in operation.params.items() if key not in ("cursor", "run")}
    with audit.act(by=by, action=f"{ACTION}.go_on", broker=operation.broker, target=_target(given)):
        _require_ended(operation)
        if operation.status == Operation.Status.DONE:
            raise Refusal(_("It is done."), "wrong_state")
        params = {**given, "from": _at(operation), "by": by.name}
        return _start(params, by, operation.broker, operation.total - operation.done)


def _start(params: Mapping[str, Any], by: Actor, broker: str, total: int) -> Operation:
    text = _("Make %(queue)s a %(type)s queue") % {
        "queue": _target(params),
        "type": params["wanted"]["type"],
    }
    return operations.start(kind=KIND, by=by, broker=broker, summary=text, params=params, total=max(total, 0))


def _target(params: Mapping[str, Any]) -> str:
    return f"{params['vhost']}:{params['name']}"


def _at(operation: Operation) -> int:
    """Return how many steps are done."""
    return int(operation.params.get("cursor", {}).get("step", operation.params["from"]))


def _require_ended(operation: Operation) -> None:
    if operation.status in Operation.OPEN or operation.lease_until is not None:
        raise Refusal(_("It is still going on: cancel it first."), "wrong_state")
    others = Operation.objects.filter(kind=KIND, params__temporary=operation.params["temporary"])
    if others.filter(pk__gt=operation.pk).exists():
        raise Refusal(_("It was gone on with already: look at the newest of its operations."), "wrong_state")


def _require_quiet(publishers_stopped: bool) -> None:
    if not publishers_stopped:
        text = _("Stop who publishes to it, and say so: its name is absent for some milliseconds.")
        raise Refusal(text, "publishers", fields={"publishers_stopped": text})


def _require_alone(queue: Queue) -> None:
    same = Operation.objects.filter(
        kind=KIND, broker=queue.broker.slug, params__vhost=queue.vhost, params__name=queue.name
    )
    if same.filter(status__in=Operation.OPEN).exists():
        raise Refusal(_("It is being converted already."), "under_way")


@operations.runner(KIND)
def run(run: Run) -> None:
    """Do the steps that are not done; each may be done twice."""
    job = Job.of(run)
    done = int(run.cursor.get("step", run.params["from"]))
    for number, step in enumerate(STEPS):
        if number < done:
            continue
        run.checkpoint()
        step(job)
        run.save_cursor({**run.cursor, "step": number + 1})
    run.operation.refresh_from_db(fields=["done"])
    Operation.objects.filter(pk=run.operation.pk).update(total=run.operation.done)


def _pause(job: Job) -> None:
    """Have mqadmin's consumers take no more, and wait until they do not. Nothing was changed so far."""
    by = Actor(job.run.params["by"])
    for consumer in Consumer.objects.filter(pk__in=job.run.params["ours"]):
        if consumer.desired == Consumer.Desired.RUNNING:
            definitions.pause(consumer=consumer, by=by)
    if not job.wait_until(lambda: job.consumers(job.name) == 0, _PAUSED_SECONDS):
        raise GaveUp(_("Somebody still consumes from it. Nothing was changed; stop them, then go on."))


def _resume(job: Job) -> None:
    by = Actor(job.run.params["by"])
    for consumer in Consumer.objects.filter(pk__in=job.run.params["ours"]):
        if consumer.desired == Consumer.Desired.PAUSED:
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
_BACK = STEPS.index(steps.move_back)
