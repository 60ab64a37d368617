"""An operation in the hands of the worker that carries it out: what it may say, count, keep and wait for.

Whoever carries one out holds its lease, and renews it with every step; one that was lost ends the run.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NoReturn

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from mqadmin.core.models import Operation, OperationProblem

Status = Operation.Status
LEASE_SECONDS = float(getattr(settings, "MQADMIN_OPERATION_LEASE_SECONDS", 30))
PROBLEM_LIMIT = 5_000  # rows kept per operation; `failed` counts them all
_REST_SECONDS = 0.5  # so long a pause or a cancel may go unnoticed by a runner that keeps to its rate
_OWN_PARAMS = {"cursor", "run"}  # kept beside what `start` was given


class GaveUp(Exception):
    """The runner ends its operation as failed, for the reason given: a sentence for people."""


class Waiting(Exception):
    """The runner left it to be taken up again later: see `Run.wait`."""


class Stopped(Exception):
    """The operation was paused or cancelled, or another worker has it: leave at once, everything settled."""


class Run:
    """An operation in the hands of the one worker that holds its lease.

    One thread at a time may count and note with it (`progress`, `problem`); all else is for the runner's.
    """

    def __init__(self, operation: Operation, holder: str) -> None:
        self.operation = operation
        self.holder = holder
        self._problems: list[OperationProblem] = []
        self._room = PROBLEM_LIMIT - operation.problems.count()

    @property
    def params(self) -> dict[str, Any]:
        """What `start` was given."""
        return {key: value for key, value in self.operation.params.items() if key not in _OWN_PARAMS}

    @property
    def cursor(self) -> dict[str, Any]:
        """What `save_cursor` kept last, {} at the first start."""
        return dict(self.operation.params.get("cursor", {}))

    def progress(self, done: int = 0, failed: int = 0) -> None:
        """Add to the counts, store the problems since the last call, renew the lease.

        Counts also when a person paused or cancelled meanwhile: what was done is done.
        Raises Stopped when another worker took the operation over.
        """
        with transaction.atomic():
            OperationProblem.objects.bulk_create(self._problems)
            self._update(done=F("done") + done, failed=F("failed") + failed, lease_until=lease_end())
        self._problems = []

    def problem(self, target: str, reason: str) -> None:
        """Remember one thing that could not be done; stored with the next `progress` or at the end."""
        if self._room > 0:
            self._room -= 1
            self._problems.append(
                OperationProblem(operation=self.operation, target=target[:255], reason=reason[:500])
            )

    def checkpoint(self) -> None:
        """Renew the lease; raise Stopped if the operation was paused, cancelled or taken over."""
        open_now = Q(status__in=(Status.RUNNING, Status.PENDING))  # pending: resumed while still in hand
        updated = self.mine().filter(open_now).update(status=Status.RUNNING, lease_until=lease_end())
        if not updated:
            raise Stopped

    def rest(self, seconds: float) -> None:
        """Sleep that long, holding the lease. Raises Stopped when it is paused, cancelled or taken over."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.checkpoint()
            time.sleep(min(left, _REST_SECONDS))

    def wait(self, until: datetime, phase: Operation.Phase, words: str) -> NoReturn:
        """Give the operation back until a moment, with what it waits for in words. Raises Waiting or Stopped."""
        self._update(not_before=until, phase=phase, words=words[:500])
        raise Waiting

    def say(self, words: str) -> None:
        """Tell what it waits for, "" for nothing. Raises Stopped when another worker took over."""
        self._update(words=words[:500])

    def go_on(self) -> None:
        """Note that nothing is waited for any more. Raises Stopped when another worker took over."""
        self._update(phase="", words="")

    def save_total(self, total: int) -> None:
        """Keep of how many it is after all. Raises Stopped when another worker took over."""
        self._update(total=total)

    def save_canary(self, canary: Mapping[str, Any]) -> None:
        """Keep how far its first steps are. Raises Stopped when another worker took over."""
        self._update(canary=dict(canary))
        self.operation.canary = dict(canary)

    def save_cursor(self, cursor: Mapping[str, Any]) -> None:
        """Keep where to go on, for the next worker. Raises Stopped when another one took over."""
        params = {**self.operation.params, "cursor": dict(cursor)}
        self._update(params=params)
        self.operation.params = params

    def remember_start(self, now: datetime) -> None:
        """Keep when this worker began and with how much: a rate over an hour's pause would say nothing."""
        begun = {"at": now.timestamp(), "handled": self.operation.done + self.operation.failed}
        self.operation.params = {**self.operation.params, "run": begun}
        self._update(params=self.operation.params)

    def mine(self) -> QuerySet[Operation]:
        """Return its row, as long as it holds the lease; none afterwards."""
        # Also while it works with the rights of somebody who may not change it.
        return Operation._base_manager.filter(pk=self.operation.pk, lease_owner=self.holder)

    def _update(self, **values: Any) -> None:
        if not self.mine().update(**values):
            raise Stopped

    def leave(self, **values: Any) -> None:
        """Give the lease back, with the last values; does nothing when it is lost already."""
        OperationProblem.objects.bulk_create(self._problems)
        self._problems = []
        self.mine().update(lease_owner="", **{"lease_until": None, **values})


def lease_end() -> datetime:
    """Return until when a worker that takes or renews a lease now holds it."""
    return timezone.now() + timedelta(seconds=LEASE_SECONDS)
