"""What a supervisor reads and writes in the database. Every write is a filtered UPDATE or a claim.

The process itself writes its row too (state, heartbeat, counters); a supervisor writes how it began and
how it ended. All functions raise django.db.Error when the database is gone or locked.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess, SupervisorHost
from consumers.supervisor import states
from consumers.supervisor.reconcile import Desired, Hold, Start

SUPERVISOR_SILENT = timedelta(seconds=30)


def version() -> object:
    """Return something that differs after any change a supervisor must act on. Two cheap queries."""
    definitions = tuple(
        Consumer.objects.order_by("id").values_list("id", "desired", "replicas", "revision", "nudge")
    )
    processes = ConsumerProcess.objects.filter(ended_at=None).order_by("id")
    return definitions, tuple(processes.values_list("id", "kill_requested_at", "next_start_at"))


def desired() -> list[Desired]:
    """Return every definition."""
    fields = ("id", "name", "desired", "replicas", "revision", "nudge", "stop_seconds")
    return [
        Desired(
            consumer=row.pk,
            name=row.name,
            wanted=row.desired != Consumer.Desired.STOPPED,
            replicas=row.replicas,
            revision=row.revision,
            nudge=row.nudge,
            stop_seconds=row.stop_seconds,
        )
        for row in Consumer.objects.only(*fields)
    ]


def visible() -> list[ConsumerProcess]:
    """Return the rows that hold a replica, of every host (not those of processes started by hand)."""
    return list(ConsumerProcess.objects.filter(ended_at=None).exclude(supervisor=""))


def living_supervisors(now: datetime) -> set[str]:
    """Return the names of the supervisors that reported lately."""
    fresh = SupervisorHost.objects.filter(heartbeat_at__gte=now - SUPERVISOR_SILENT)
    return set(fresh.values_list("name", flat=True))


def claim(start: Start, definition: Desired, supervisor: str) -> ConsumerProcess | None:
    """Return the row for a new process of this replica; None when another host was faster.

    The definition is read again under the claim: a stop that came meanwhile wins.
    """
    now = timezone.now()
    try:
        with transaction.atomic():
            if not Consumer.objects.filter(
                ~Q(desired=Consumer.Desired.STOPPED), pk=start.consumer, replicas__gt=start.replica
            ).exists():
                return None
            if start.replaces is not None:
                ConsumerProcess.objects.filter(pk=start.replaces, ended_at=None).update(ended_at=now)
            return ConsumerProcess.objects.create(
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
            )
    except IntegrityError:
        return None


def spawned(process_id: int, pid: int, created: float) -> None:
    """Note the pid of a process that was just started."""
    _open(process_id).update(pid=pid, pid_created=created)


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
        in_flight=0,
        rate=0,
    )


def forgiven(process_id: int) -> None:
    """Start the count of crashes again."""
    _open(process_id).update(crashes=0, early_deaths=0)


def event(process_id: int, kind: str, text: str) -> None:
    """Keep what happened for the consumer's timeline; nothing when the row is gone."""
    consumer = ConsumerProcess.objects.filter(pk=process_id).values_list("consumer_id", flat=True).first()
    if consumer is not None:
        ConsumerEvent.objects.create(
            consumer_id=consumer, process_id=process_id, at=timezone.now(), kind=kind, text=text[:500]
        )


def _open(process_id: int) -> QuerySet[ConsumerProcess]:
    return ConsumerProcess.objects.filter(pk=process_id, ended_at=None)


def present(name: str, pid: int) -> None:
    """Show that the supervisor of this host runs."""
    now = timezone.now()
    if not SupervisorHost.objects.filter(name=name, pid=pid).update(heartbeat_at=now):
        SupervisorHost.objects.update_or_create(
            name=name, defaults={"pid": pid, "started_at": now, "heartbeat_at": now}
        )


def absent(name: str, pid: int) -> None:
    """Show that the supervisor of this host was stopped."""
    SupervisorHost.objects.filter(name=name, pid=pid).delete()


def by_hand_to_kill(host: str) -> list[ConsumerProcess]:
    """Return the rows of processes of this host that no supervisor started and a person wants killed."""
    rows = ConsumerProcess.objects.filter(ended_at=None, supervisor="", host=host)
    return list(rows.filter(kill_requested_at__isnull=False))
