"""Bulk acts that outlive a request: a row says what is left to do, a worker with a lease does it.

A Celery message is only a nudge. Whoever executes an operation claims its lease by compare-and-set and renews
it with every step; a lease that runs out means that the worker is gone, and beat's
`resume_operations` hands the operation to another one. So a runner may be started again at any point and must
go on from what it finds.
"""

from __future__ import annotations

import logging
import os
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.run import GaveUp as GaveUp
from mqadmin.core.acts.run import Run as Run
from mqadmin.core.acts.run import Stopped as Stopped
from mqadmin.core.acts.run import Waiting as Waiting
from mqadmin.core.acts.run import lease_end
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.core.rights import asking
from mqadmin.core.rights.asking import Asking
from mqadmin.core.rights.rules import Rights
from mqadmin.rabbit.errors import RabbitError

log = logging.getLogger(__name__)

Status, Phase = Operation.Status, Operation.Phase
RETRY_SECONDS = 5.0
TASK = "mqadmin.core.run_operation"  # of Celery: calls `execute`
# The lease by which workers say that they are there; seconds without: they are not.
WORKER, WORKER_S = "worker", 60.0


@dataclass(frozen=True)
class _Kind:
    function: Callable[[Run], None]
    cancelled: Callable[[Operation], None] | None


_kinds: dict[str, _Kind] = {}


def runner(
    kind: str, *, cancelled: Callable[[Operation], None] | None = None
) -> Callable[[Callable[[Run], None]], Callable[[Run], None]]:
    """Register the function that carries out operations of `kind`; its module is imported in ready().

    It is called in a worker, maybe several times for one operation (after a pause, a crash, a lost broker),
    and must call `progress` or `checkpoint` at least every half LEASE_SECONDS of `run`. A RabbitError whose kind is
    "connection" and a lost database leave the operation open: it is tried again. Any other exception fails it.
    `cancelled(operation)` gives back what the operation holds once it is cancelled; it may be called twice.
    """

    def register(function: Callable[[Run], None]) -> Callable[[Run], None]:
        _kinds[kind] = _Kind(function, cancelled)
        return function

    return register


def start(
    *,
    kind: str,
    by: Actor,
    broker: str,
    summary: str,
    params: Mapping[str, Any],
    total: int,
    hold_seconds: float = 0,
    rate_limit: float = 0,
    canary: Mapping[str, Any] | None = None,
) -> Operation:
    """Write the operation and nudge a worker once that is committed. Never fails for want of a worker.

    With `hold_seconds` no worker takes it up before that time is over: cancelled until then, nothing happened.
    """
    held = {}
    if hold_seconds > 0:
        held = {"not_before": timezone.now() + timedelta(seconds=hold_seconds), "phase": Phase.HELD}
    who = asking.limited()
    operation = Operation.objects.create(
        kind=kind,
        created_by=by.name,
        broker=broker,
        summary=summary[:300],
        params=dict(params),
        rights=who.rights.as_json() if who is not None else None,
        total=total,
        rate_limit=rate_limit,
        canary=dict(canary or {}),
        **held,
    )
    if not held:
        transaction.on_commit(lambda: nudge(operation.pk))
    return operation


def nudge(operation_id: int) -> None:
    """Ask a Celery worker to look at the operation now; within 2 s, and without raising (beat looks too)."""
    from mqadmin import celery  # only where it is used: a consumer's process has operations and no Celery

    try:
        celery.send_now(TASK, operation_id)
    except Exception as error:
        log.warning("operation %s: no worker could be nudged, beat will find it: %s", operation_id, error)


def execute(operation_id: int) -> bool:
    """Claim the operation and carry it out in this thread. False when it is not free or not to be done.

    Raises only django.db.Error: then the lease runs out and another worker goes on.
    """
    now = timezone.now()
    holder = _holder()
    claimed = (
        Operation.objects.filter(
            _free(now), _due(now), pk=operation_id, status__in=(Status.PENDING, Status.RUNNING)
        )
    ).update(
        status=Status.RUNNING,
        lease_owner=holder,
        lease_until=lease_end(),
        started_at=Coalesce("started_at", now),
        error="",
    )
    if not claimed:
        return False
    run = Run(Operation.objects.get(pk=operation_id), holder)
    run.remember_start(now)
    if run.operation.phase == Phase.HELD:
        run.go_on()
    _carry_out(run)
    return True


def _began(operation: Operation) -> Asking | None:
    """Return who began it, with what they might do then; None where nothing was limited."""
    if operation.rights is None:
        return None
    who = operation.created_by, Rights.from_json(operation.rights)
    return Asking(lambda: who, "operate")


def _carry_out(run: Run) -> None:
    kind = _kinds.get(run.operation.kind)
    try:
        if kind is None:
            raise LookupError(f"no runner is registered for operations of kind {run.operation.kind!r}")
        with asking.asks(_began(run.operation)):
            kind.function(run)
    except Stopped:
        _wind_up(run)
    except Waiting:
        _hand_back(run, "", seconds=0)
    except GaveUp as error:
        _end(run, Status.FAILED, str(error))
    except (OperationalError, InterfaceError):
        raise
    except RabbitError as error:
        if error.kind == "connection":
            log.warning("%s waits for the broker: %s", run.operation, error)
            _hand_back(run, str(error))
        else:
            _end(run, Status.FAILED, str(error))
    except Exception as error:
        log.exception("%s failed", run.operation)
        _end(run, Status.FAILED, f"{type(error).__name__}: {error}")
    else:
        _end(run, Status.DONE, "")


def _end(run: Run, status: Operation.Status, error: str) -> None:
    """Close the operation; one that was cancelled meanwhile stays cancelled."""
    run.mine().filter(status__in=Operation.OPEN).update(
        status=status, error=error[:2000], finished_at=timezone.now(), phase="", words=""
    )
    _wind_up(run)


def _hand_back(run: Run, error: str, seconds: float = RETRY_SECONDS) -> None:
    """Leave the operation open for another try, not before so many seconds."""
    run.mine().filter(status=Status.RUNNING).update(status=Status.PENDING, error=error[:2000])
    _wind_up(run, lease_until=timezone.now() + timedelta(seconds=seconds))


def _wind_up(run: Run, **values: Any) -> None:
    """Let a cancelled operation give back what it holds, then release the lease."""
    kind = _kinds.get(run.operation.kind)
    run.operation.refresh_from_db(fields=["status"])
    if run.operation.status == Status.CANCELLED and kind is not None and kind.cancelled is not None:
        kind.cancelled(run.operation)
    run.leave(**values)


def pause(*, operation: Operation, by: Actor) -> None:
    """Stop after the batch in hand; `resume` goes on. Raises Refusal when it is not running."""
    with audit.act(by=by, action="operation.pause", broker=operation.broker, target=_target(operation)):
        _change(
            operation,
            (Status.PENDING, Status.RUNNING),
            _("It cannot be paused: it is %(status)s."),
            status=Status.PAUSED,
        )


def resume(*, operation: Operation, by: Actor) -> None:
    """Go on with a paused operation. Raises Refusal when it is not paused."""
    with audit.act(by=by, action="operation.resume", broker=operation.broker, target=_target(operation)):
        _change(operation, (Status.PAUSED,), _("It cannot go on: it is %(status)s."), status=Status.PENDING)
    nudge(operation.pk)


def cancel(*, operation: Operation, by: Actor) -> None:
    """End it after the batch in hand; what is done stays done. Raises Refusal when it has ended already."""
    with audit.act(by=by, action="operation.cancel", broker=operation.broker, target=_target(operation)):
        _change(
            operation,
            Operation.OPEN,
            _("It cannot be cancelled: it is %(status)s."),
            status=Status.CANCELLED,
            finished_at=timezone.now(),
            phase="",
            words="",
        )
        # Nobody may have it in hand: then what it holds is given back here, else by who has it.
        with asking.asks(None):
            _reap(operation.pk)


def _change(operation: Operation, allowed: tuple[Operation.Status, ...], refusal: str, **values: Any) -> None:
    if not Operation.objects.filter(pk=operation.pk, status__in=allowed).update(**values):
        operation.refresh_from_db()
        raise Refusal(refusal % {"status": operation.get_status_display()}, "wrong_state")
    operation.refresh_from_db()


def _reap(operation_id: int) -> None:
    """Give back what a cancelled operation holds, unless a living worker is about to."""
    holder = _holder()
    claimed = Operation.objects.filter(
        _free(timezone.now()), pk=operation_id, status=Status.CANCELLED
    ).update(lease_owner=holder, lease_until=lease_end())
    if claimed:
        _wind_up(Run(Operation.objects.get(pk=operation_id), holder))


def orphans() -> list[int]:
    """Return the ids of open operations that nobody has in hand, oldest first; reap the cancelled ones."""
    now = timezone.now()
    for cancelled in Operation.objects.filter(status=Status.CANCELLED, lease_until__lte=now):
        _reap(cancelled.pk)
    waiting = Operation.objects.filter(_free(now), _due(now), status__in=(Status.PENDING, Status.RUNNING))
    return list(waiting.order_by("id").values_list("pk", flat=True))


def _free(now: datetime) -> Q:
    return Q(lease_until__isnull=True) | Q(lease_until__lte=now)


def _due(now: datetime) -> Q:
    return Q(not_before__isnull=True) | Q(not_before__lte=now)


def _holder() -> str:
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


def _target(operation: Operation) -> str:
    return f"operation {operation.pk}: {operation.summary}"
