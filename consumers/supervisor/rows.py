"""What a supervisor reads and writes in the database. Every write is a filtered UPDATE or a claim.

The process itself writes its row too (state, heartbeat, counters); a supervisor writes how it began and
how it ended. All functions raise django.db.Error when the database is gone or locked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import DateTimeField, ExpressionWrapper, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from consumers.models import Consumer, ConsumerEvent, ConsumerMinute, ConsumerProcess, SupervisorHost
from consumers.scaling import placement, schedule_words
from consumers.scaling.placement import Host
from consumers.supervisor import single
from consumers.supervisor.fence import LEASE_S
from consumers.supervisor.machine import states
from consumers.supervisor.reconcile import Desired, Hold, Start

SUPERVISOR_SILENT = timedelta(seconds=10)
UNLEASED = timedelta(seconds=60)  # so long a row without a lease is its host's, after its last sign


def version() -> object:
    """Return something that differs after any change a supervisor must act on. Two cheap queries."""
    definitions = tuple(
        Consumer.objects.order_by("id").values_list(
            "id", "desired", "replicas", "autoscaled", "autoscale_max", "revision", "nudge", "schedule"
        )
    )
    processes = ConsumerProcess.objects.filter(ended_at=None).order_by("id")
    return definitions, tuple(processes.values_list("id", "nudge", "kill_requested_at", "next_start_at"))


def database_now() -> datetime:
    """Return the time by the database's clock: the one that all hosts share."""
    if connection.vendor == "sqlite":  # the host's own, and there is only one host
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found.astimezone(UTC)


def desired(now: datetime) -> list[Desired]:
    """Return every definition as it is meant at `now`."""
    consumers = list(Consumer.objects.all())
    for consumer in consumers:
        _begin_autoscaling(consumer)
    return [
        Desired(
            consumer=row.pk,
            name=row.name,
            wanted=row.desired != Consumer.Desired.STOPPED,
            replicas=row.target,
            revision=row.revision,
            nudge=row.nudge,
            stop_seconds=row.stop_seconds,
            rolling=row.rolling,
            strict=row.single or row.exclusive,
            placement=_labels(row.placement),
            open=schedule_words.is_open(row.schedule, now),
        )
        for row in consumers
    ]


def _begin_autoscaling(consumer: Consumer) -> None:
    """Have autoscaling, once switched on, start from what runs: it knows no rates yet, and load may be high.

    Written once, whichever host is first; forgotten once it is switched off.
    """
    if consumer.is_autoscaled == (consumer.autoscaled is not None):
        return
    begins = None
    if consumer.is_autoscaled:
        held = ConsumerProcess.objects.filter(consumer=consumer, ended_at=None).exclude(supervisor="").count()
        if not held:
            return  # from the least
        begins = max(consumer.autoscale_min, min(consumer.autoscale_max, held))
    unchanged = Consumer.objects.filter(
        pk=consumer.pk,
        autoscaled=consumer.autoscaled,
        autoscale_min=consumer.autoscale_min,
        autoscale_max=consumer.autoscale_max,
    )
    if unchanged.update(autoscaled=begins):
        consumer.autoscaled = begins


def _labels(text: str) -> dict[str, str]:
    try:
        return placement.parse(text)
    except placement.PlacementError:  # checked when it was written; if it came another way, no host fits
        return {text: ""}


def visible() -> list[ConsumerProcess]:
    """Return the rows that hold a replica, of every host (not those of processes started by hand)."""
    return list(ConsumerProcess.objects.filter(ended_at=None).exclude(supervisor=""))


def hosts(now: datetime) -> list[Host]:
    """Return the supervisors that reported lately, by name."""
    fresh = SupervisorHost.objects.filter(heartbeat_at__gte=now - SUPERVISOR_SILENT).order_by("name")
    return [
        Host(name=row.name, labels=row.labels, capacity=row.capacity, drained=row.drained) for row in fresh
    ]


def lapsed(row: ConsumerProcess, now: datetime, trusted_since: datetime) -> float:
    """Return for how many seconds the lease on `row` has been over, negative while it holds.

    Nothing is over before its host had the time to renew it since the database could be reached again.
    """
    until = row.lease_until
    if until is None:
        last = max((at for at in (row.heartbeat_at, row.started_at) if at is not None), default=now)
        until = last + UNLEASED
    elif until > now + timedelta(seconds=2 * LEASE_S):  # written by a clock that was set back since
        until = now + timedelta(seconds=LEASE_S)
    return (now - max(until, trusted_since + timedelta(seconds=LEASE_S))).total_seconds()


def renew(supervisor: str) -> None:
    """Renew the leases on all rows of this supervisor."""
    rows = ConsumerProcess.objects.filter(supervisor=supervisor, ended_at=None)
    rows.update(lease_until=lease_end())


def lease_end() -> ExpressionWrapper[Any]:
    """Return the end of a lease that is taken or renewed now, by the database's clock."""
    return ExpressionWrapper(Now() + timedelta(seconds=LEASE_S), output_field=DateTimeField())


def claim(start: Start, definition: Desired, supervisor: str) -> ConsumerProcess | None:
    """Return the row for a new process of this replica; None when another host was faster.

    The definition is read again under the claim: a stop that came meanwhile wins.
    """
    now = timezone.now()
    try:
        with transaction.atomic():
            known = Consumer.objects.select_for_update() if definition.strict else Consumer.objects
            wanted = known.filter(~Q(desired=Consumer.Desired.STOPPED), pk=start.consumer).first()
            if wanted is None or wanted.target <= start.replica:
                return None
            if wanted.single and single.is_held_by_hand(wanted, database_now()):
                return None
            if start.replaces is not None:
                ConsumerProcess.objects.filter(pk=start.replaces, ended_at=None).update(ended_at=now)
            row = ConsumerProcess.objects.create(
                consumer_id=start.consumer,
                host=supervisor,
                supervisor=supervisor,
                replica=start.replica,
                revision=definition.revision,
                nudge=definition.nudge,
                state=states.STARTING,
                state_since=now,
                started_at=now,
                restarts=start.restarts,
                crashes=start.crashes,
                early_deaths=start.early_deaths,
                kills=start.kills,
                kills_since=start.kills_since,
            )
            ConsumerProcess.objects.filter(pk=row.pk).update(lease_until=lease_end())
            return row
    except IntegrityError:
        return None


def spawned(process_id: int, pid: int, created: float) -> None:
    """Note the pid of a process that was just started."""
    _open(process_id).update(pid=pid, pid_created=created)


def handled(process_id: int) -> int:
    """Return how many messages a process has handled lately: exact, since that is committed with their records."""
    minutes = (
        ConsumerMinute.objects.filter(process=process_id)
        .order_by("-minute")
        .values_list("handled", flat=True)
    )
    return sum(minutes[:2])


def stop_requested(process_id: int) -> None:
    """Note that the process was asked to stop, once."""
    _open(process_id).filter(stop_requested_at=None).update(stop_requested_at=timezone.now())


def ended(process_id: int, state: str, reason: str) -> None:
    """Close the row."""
    now = timezone.now()
    _open(process_id).update(
        state=state,
        state_reason="",
        state_since=now,
        exit_reason=reason[:500],
        kills=0,
        ended_at=now,
        in_flight=0,
        rate=0,
    )


def held(hold: Hold) -> None:
    """Show that the process died, and when or whether it will be started again."""
    _open(hold.process).update(
        state=hold.state,
        state_reason=hold.reason[:500],
        state_since=timezone.now(),
        exit_reason=hold.reason[:500],
        next_start_at=hold.start_at,
        crashes=hold.crashes,
        early_deaths=hold.early_deaths,
        kills=hold.kills,
        kills_since=hold.kills_since,
        in_flight=0,
        rate=0,
    )


def forgiven(process_id: int) -> None:
    """Start the counts of deaths again."""
    _open(process_id).update(crashes=0, early_deaths=0, kills=0, kills_since=None)


def event(process_id: int, kind: str, text: str, detail: str = "") -> None:
    """Keep what happened for the consumer's timeline; nothing when the row is gone."""
    consumer = ConsumerProcess.objects.filter(pk=process_id).values_list("consumer_id", flat=True).first()
    if consumer is not None:
        ConsumerEvent.objects.create(
            consumer_id=consumer,
            process_id=process_id,
            at=timezone.now(),
            kind=kind,
            text=text[:500],
            detail=detail,
        )


def _open(process_id: int) -> QuerySet[ConsumerProcess]:
    return ConsumerProcess.objects.filter(pk=process_id, ended_at=None)


@dataclass(frozen=True)
class Identity:
    """What a supervisor tells of itself. `machine`: the host's own name. `capacity`: processes, 0 = no limit."""

    name: str
    pid: int
    machine: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    capacity: int = 0
    version: str = ""
    started_at: datetime = field(default_factory=timezone.now)


def present(me: Identity, *, first: bool = True) -> SupervisorHost | None:
    """Show that the supervisor of this host runs. What a person said of it (`drained`) stays.

    Unless it is the `first` time: returns another of this name that has taken its place, and writes nothing then.
    """
    named = SupervisorHost.objects.filter(name=me.name)
    if named.filter(pid=me.pid, started_at=me.started_at).update(heartbeat_at=Now()):
        return None
    if not first:
        other = named.filter(heartbeat_at__gte=database_now() - SUPERVISOR_SILENT).first()
        if other is not None:
            return other
    facts = {"machine": me.machine, "labels": me.labels, "capacity": me.capacity, "version": me.version}
    began = {"started_at": me.started_at, "heartbeat_at": timezone.now()}
    SupervisorHost.objects.update_or_create(name=me.name, defaults={"pid": me.pid, **began, **facts})
    named.update(heartbeat_at=Now())
    return None


def absent(me: Identity) -> None:
    """Show that the supervisor of this host was stopped. That a person drained the host outlives it."""
    mine = SupervisorHost.objects.filter(name=me.name, pid=me.pid, started_at=me.started_at)
    mine.filter(drained=False).delete()
    mine.update(heartbeat_at=timezone.now() - timedelta(days=1))


def by_hand_to_kill(host: str) -> list[ConsumerProcess]:
    """Return the rows of processes of this host that no supervisor started and a person wants killed."""
    rows = ConsumerProcess.objects.filter(ended_at=None, supervisor="", host=host)
    return list(rows.filter(kill_requested_at__isnull=False))
