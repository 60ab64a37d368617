"""Everything a person does to a consumer: define it, start it, stop it.

Services are keyword-only, take `by=` and are audited. Each writes by compare-and-set: an UPDATE that holds
only while the row is as the caller read it. Whoever comes second gets a `Conflict` in words. Nothing here
starts a process: supervisors compare these rows with what runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumers.definitions import changes, validation
from consumers.models import Consumer, ConsumerEvent, ConsumerProcess
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry

# A running process took these into account when it started.
RESTART_FIELDS = (
    "broker",
    "vhost",
    "queue",
    "handler",
    "options",
    "concurrency",
    "prefetch",
    "mode",
    "pull_interval",
    "ack",
    "order",
    "batch_size",
    "batch_seconds",
    "retry_attempts",
    "retry_first_delay",
    "retry_factor",
    "retry_max_delay",
    "retry_jitter",
    "connection_retries",
    "connection_delay",
    "connect_attempts",
    "dedupe_key",
    "dedupe_path",
    "dedupe_seconds",
    "timeout_seconds",
    "deaths_limit",
    "rate_limit",
    "record_one_in",
    "on_failure",
    "records",
    "body_capture",
    "body_cap",
    "consumer_priority",
    "exclusive",
    "stop_seconds",
)
# Supervisors, or the processes themselves, read these again and again: no restart is needed.
SUPERVISOR_FIELDS = (
    "replicas",
    "memory_limit_mb",
    "single",
    "placement",
    "schedule",
    "autoscale_min",
    "autoscale_max",
    "autoscale_seconds",
)
FIELDS = (*RESTART_FIELDS, *SUPERVISOR_FIELDS)
LIVE = [state.value for state in ConsumerProcess.LIVE]
DOWN = [ConsumerProcess.State.BACKOFF.value, ConsumerProcess.State.FAILED.value]

SILENT = timedelta(seconds=60)  # so long without a sign, of it or its supervisor, a process is taken for dead

Desired = Consumer.Desired


class Conflict(Refusal):
    """The consumer is not, or no longer, in the state that this act starts from."""


class Invalid(Refusal):
    """The definition is not sound; `fields` says what is wrong with each."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        text = " ".join(f"{name}: {message}" for name, message in fields.items())
        super().__init__(text, "invalid", status=422, fields=fields)


def create(*, by: Actor, name: str, is_collector: bool = False, **fields: Any) -> Consumer:
    """Define a consumer; it stays stopped unless `desired` says otherwise.

    `fields`: those of FIELDS, and `desired`. Raises Invalid; TypeError for a field that is none.
    """
    return _created(by, {}, {"name": name, "is_collector": is_collector, **fields})


def copy(*, by: Actor, name: str, of: str, **fields: Any) -> Consumer:
    """Define a consumer that was copied from the one called `of`; as `create`."""
    return _created(by, {"of": of}, {"name": name, **fields})


def _created(by: Actor, detail: dict[str, str], fields: Mapping[str, Any]) -> Consumer:
    _known(fields, (*FIELDS, "desired", "name", "is_collector"))
    _refuse_nul(fields)
    now = timezone.now()
    consumer = Consumer(changed_by=by.name, desired_by=by.name, desired_at=now, **fields)
    told = {"handler": consumer.handler, "queue": consumer.queue, **detail}
    with act(consumer, by, "duplicate" if detail else "create", told):
        _check(consumer)
        try:
            consumer.save(force_insert=True)
        except IntegrityError as error:
            raise Invalid({"name": _("A consumer of this name exists.")}) from error
    return consumer


def update(*, consumer: Consumer, by: Actor, **fields: Any) -> Consumer:
    """Change fields of FIELDS. `consumer` is the row as the person saw it; returns it as it is now.

    Running processes go on with what they started with until they are restarted. Raises Invalid, and Conflict
    when somebody else changed the definition meanwhile.
    """
    _known(fields, FIELDS)
    _refuse_nul(fields)
    changed = {field: value for field, value in fields.items() if getattr(consumer, field) != value}
    if not changed:
        return consumer
    wanted = Consumer.objects.get(pk=consumer.pk)
    for field, value in fields.items():
        setattr(wanted, field, value)
    values: dict[str, Any] = {**changed, "changed_by": by.name}
    if any(field in RESTART_FIELDS for field in changed):
        values["revision"] = consumer.revision + 1
    with act(consumer, by, "update", changes.told(consumer, wanted, changed)):
        _check(wanted)
        swap(consumer, {"revision": consumer.revision, **supervised(consumer)}, values)
    return consumer


def supervised(consumer: Consumer) -> dict[str, Any]:
    """Return the fields that change without a new revision: with it, they tell one definition from another."""
    return {field: getattr(consumer, field) for field in SUPERVISOR_FIELDS}


def delete(*, consumer: Consumer, by: Actor) -> None:
    """Delete the definition with its processes and events. Raises Conflict while it runs, or is to run.

    Its records, counters and dedupe keys may be millions: they are nobody's then, and retention deletes them.
    """
    with act(consumer, by, "delete"):
        if consumer.desired != Desired.STOPPED:
            raise Conflict(_("Stop it first: it is told to run."), "not_stopped")
        live = _live(consumer).count()
        if live:
            raise Conflict(
                ngettext(
                    "%(n)d process still runs. Wait until it has stopped.",
                    "%(n)d processes still run. Wait until they have stopped.",
                    live,
                )
                % {"n": live},
                "still_running",
            )
        # A start that came meanwhile wins: then nothing is deleted.
        deleted, _rows = Consumer.objects.filter(
            pk=consumer.pk, desired=Desired.STOPPED, nudge=consumer.nudge
        ).delete()
        if not deleted:
            raise _overtaken(consumer)


def refuse_collector(consumer: Consumer) -> None:
    """Raise Conflict for a collector, which a person may not delete: its queue would only look tracked."""
    if consumer.is_collector:
        text = _("It captures a dead-letter queue: stop tracking that queue instead.")
        raise Conflict(text, "is_collector")


def start(*, consumer: Consumer, by: Actor) -> Consumer:
    """Tell it to run; one that is told to already, but failed or waits to start again, is started now.

    Raises Conflict when it runs already, or when somebody was faster.
    """
    if consumer.desired == Desired.RUNNING:
        with act(consumer, by, "start"):
            # Only the replicas that are down: a nudge would restart the others too.
            due = consumer.processes.filter(ended_at=None, state__in=DOWN).exclude(
                state=ConsumerProcess.State.BACKOFF, next_start_at__lte=timezone.now()
            )
            if not due.update(
                state=ConsumerProcess.State.BACKOFF, next_start_at=timezone.now(), crashes=0, early_deaths=0
            ):
                raise Conflict(_("It is told to run already."), "already_running")
            tell(consumer, _("%(who)s asked to start it now") % {"who": by.name})
        return consumer
    return _desire(consumer, by, "start", Desired.RUNNING, _("%(who)s asked to start it"))


def pause(*, consumer: Consumer, by: Actor) -> Consumer:
    """Tell its processes to take no more messages; they stay connected. Raises Conflict unless it runs."""
    if consumer.desired != Desired.RUNNING:
        _refuse(consumer, by, "pause", _("Only a consumer that is told to run can be paused."))
    return _desire(consumer, by, "pause", Desired.PAUSED, _("%(who)s asked to pause it"))


def resume(*, consumer: Consumer, by: Actor) -> Consumer:
    """Tell a paused consumer to go on. Raises Conflict unless it is paused."""
    if consumer.desired != Desired.PAUSED:
        _refuse(consumer, by, "resume", _("It is not paused."))
    return _desire(consumer, by, "resume", Desired.RUNNING, _("%(who)s asked to resume it"))


def stop(*, consumer: Consumer, by: Actor, only_running: bool = False) -> Consumer:
    """Tell it to finish what is in hand and end. A second time, while it is at that: kill it.

    `only_running`: whoever decided saw it run, and means no more than a stop: of two, the second does not kill.
    Raises Conflict when it is stopped already.
    """
    if only_running and consumer.desired == Desired.STOPPED:
        text = _("%(who)s was faster: it is told to be stopped now. Look again, then decide.")
        who = consumer.desired_by or _("Somebody")
        _refuse(consumer, by, "stop", text % {"who": who}, "changed_meanwhile")
    if consumer.desired != Desired.STOPPED:
        return _desire(consumer, by, "stop", Desired.STOPPED, _("%(who)s asked to stop it"))
    kill(consumer=consumer, by=by)
    return consumer


def kill(*, consumer: Consumer, by: Actor, process: ConsumerProcess | None = None) -> int:
    """Ask for the live processes of `consumer` (or one of them) to be killed; returns how many.

    What they have in hand returns to the queue. One that is still told to run is started again. Raises
    Conflict when there is nothing left to kill.
    """
    rows = _live(consumer).filter(kill_requested_at=None)
    detail = {}
    if process is not None:
        rows = rows.filter(pk=process.pk)
        detail = {"process": process.pk, "host": process.host, "pid": process.pid}
    with act(consumer, by, "kill", detail) as entry:
        entry.count = rows.update(kill_requested_at=timezone.now())
        if not entry.count:
            raise Conflict(_("No process is left to kill."), "nothing_to_kill")
        tell(consumer, _("%(who)s asked to kill it") % {"who": by.name}, process)
    return entry.count


def restart(*, consumer: Consumer, by: Actor, rolling: bool = True) -> Consumer:
    """Ask for its processes to be replaced, each after it finished what it has in hand.

    `rolling`: one after another, each once the one before consumes; else all at once. Raises Conflict when it
    is told to be stopped, or when somebody was faster.
    """
    with act(consumer, by, "restart", {"rolling": rolling}):
        if consumer.desired == Desired.STOPPED:
            raise Conflict(_("It is told to be stopped: start it instead."), "stopped")
        expected = {"desired": consumer.desired, "nudge": consumer.nudge}
        swap(consumer, expected, {"nudge": consumer.nudge + 1, "rolling": rolling})
        text = (
            _("%(who)s asked to restart its processes one after another")
            if rolling
            else _("%(who)s asked to restart its processes, all at once")
        )
        tell(consumer, text % {"who": by.name})
    return consumer


def redeliver(*, consumer: Consumer, by: Actor) -> Consumer:
    """Ask its processes to give what they have in hand back to the queue, which delivers it again.

    Raises Conflict when it is told to be stopped, or when somebody was faster.
    """
    with act(consumer, by, "redeliver"):
        if consumer.desired == Desired.STOPPED:
            raise Conflict(_("It is told to be stopped: what is in hand returns by itself."), "stopped")
        expected = {"desired": consumer.desired, "redelivers": consumer.redelivers}
        swap(consumer, expected, {"redelivers": consumer.redelivers + 1})
        tell(consumer, _("%(who)s asked for what is in hand to be delivered again") % {"who": by.name})
    return consumer


def scale(*, consumer: Consumer, by: Actor, replicas: int) -> Consumer:
    """Set how many processes run it.

    Raises Invalid, and Conflict where autoscaling decides it or somebody was faster.
    """
    before = consumer.replicas
    with act(consumer, by, "scale", {"replicas": {"from": before, "to": replicas}}):
        wanted = Consumer.objects.get(pk=consumer.pk)
        if wanted.is_autoscaled:
            raise Conflict(
                _("Autoscale decides how many there are: change its bounds instead."), "autoscaled"
            )
        wanted.replicas = replicas
        _check(wanted)
        swap(consumer, {"replicas": before}, {"replicas": replicas, "changed_by": by.name})
        tell(
            consumer,
            _("%(who)s asked for %(to)d processes instead of %(from)d")
            % {"who": by.name, "from": before, "to": replicas},
        )
    return consumer


def _desire(consumer: Consumer, by: Actor, action: str, desired: str, text: str) -> Consumer:
    with act(consumer, by, action, {"from": consumer.desired, "to": desired}):
        values: dict[str, Any] = {"desired": desired, "desired_by": by.name, "desired_at": timezone.now()}
        if action == "start" and consumer.desired == Desired.STOPPED:
            # Starting anew also forgets an earlier failure; resuming must not restart anything.
            values |= {"nudge": F("nudge") + 1, "rolling": False}
        swap(consumer, {"desired": consumer.desired}, values)
        tell(consumer, text % {"who": by.name})
    return consumer


def swap(consumer: Consumer, expected: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Write `values` if the row still has `expected`, and read it back into `consumer`."""
    rows = Consumer.objects.filter(pk=consumer.pk, **expected)
    if not rows.update(**values, changed_at=timezone.now()):
        raise _overtaken(consumer)
    consumer.refresh_from_db()


def _overtaken(consumer: Consumer) -> Conflict:
    now = Consumer.objects.filter(pk=consumer.pk).first()
    if now is None:
        return Conflict(_("Somebody has deleted it meanwhile."), "gone")
    who = now.desired_by if now.desired != consumer.desired else now.changed_by
    return Conflict(
        _("%(who)s was faster: it is told to be %(state)s now. Look again, then decide.")
        % {"who": who or _("Somebody"), "state": now.get_desired_display()},
        "changed_meanwhile",
    )


def _refuse(consumer: Consumer, by: Actor, action: str, text: str, code: str = "wrong_state") -> None:
    with act(consumer, by, action):
        raise Conflict(text, code)


def _live(consumer: Consumer) -> QuerySet[ConsumerProcess]:
    """The processes that run: that report themselves, or whose supervisor answers for them."""
    since = timezone.now() - SILENT
    there = Q(heartbeat_at__gt=since) | Q(started_at__gt=since) | Q(lease_until__gt=since)
    return ConsumerProcess.objects.filter(there, consumer=consumer, state__in=LIVE, ended_at=None)


def is_there(process: ConsumerProcess, now: datetime) -> bool:
    """Whether a live process counts as one that runs: see `_live`."""
    signs = (process.heartbeat_at, process.started_at, process.lease_until)
    return any(at is not None and at > now - SILENT for at in signs)


def _check(consumer: Consumer) -> None:
    found = validation.problems(consumer)
    if found:
        raise Invalid(found)


def _refuse_nul(fields: Mapping[str, Any]) -> None:
    """Raise Invalid for text with a NUL: RabbitMQ has none in names, PostgreSQL none in text of any table."""
    found = {name: _("Leave out the NUL.") for name, value in fields.items() if validation.holds_nul(value)}
    if found:
        raise Invalid(found)


def _known(fields: Mapping[str, Any], allowed: Sequence[str]) -> None:
    unknown = set(fields) - set(allowed)
    if unknown:
        raise TypeError(f"no field of a definition: {', '.join(sorted(unknown))}")


def act(
    consumer: Consumer, by: Actor, action: str, detail: Mapping[str, Any] | None = None
) -> AbstractContextManager[AuditEntry]:
    """Audit what is done to a consumer in the block; see `audit.act`."""
    return audit.act(
        by=by,
        action=f"consumer.{action}",
        broker=consumer.broker,
        target=consumer.name,
        detail=detail,
    )


def tell(consumer: Consumer, text: str, process: ConsumerProcess | None = None) -> None:
    """Put it among the consumer's events, where people look for what happened."""
    ConsumerEvent.objects.create(
        consumer=consumer, process=process, at=timezone.now(), kind="asked", text=text[:500]
    )
