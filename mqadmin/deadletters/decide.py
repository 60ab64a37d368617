"""What discard and restore share: letters change status in batches, each with a line in its history."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from mqadmin.core import audit, operations
from mqadmin.core.audit import Actor
from mqadmin.core.models import Operation
from mqadmin.core.operations import Run
from mqadmin.deadletters import leftover, requeue, selection
from mqadmin.deadletters.models import DeadLetter, LetterEvent
from mqadmin.deadletters.selection import Selection

BATCH = 1_000


def start(
    *,
    kind: str,
    of: DeadLetter.Status,
    summary: Callable[[int], str],
    selection_: Selection,
    by: Actor,
    expect: int | None,
) -> Operation:
    """Start the operation on the letters that have status `of`; `summary` says it of a number. Raises Refusal."""
    with audit.act(
        by=by,
        action=kind,
        broker=selection_.broker,
        target=requeue.describe(selection_),
        detail={"selection": selection_.told()},
    ) as entry:
        total = selection.count(selection_, of, expect)
        entry.count = total
        return operations.start(
            kind=kind,
            by=by,
            broker=selection_.broker,
            summary=summary(total),
            params={"selection": selection_.to_json()},
            total=total,
        )


def carry_out(run: Run, *, of: DeadLetter.Status, to: DeadLetter.Status, event: str) -> None:
    """Turn the letters from status `of` into `to`; what somebody else was first to change is passed over."""
    chosen = Selection.from_json(run.params["selection"])
    after = 0
    while True:
        run.checkpoint()
        rows = chosen.rows().filter(status=of, pk__gt=after).order_by("pk")
        ids = list(rows.values_list("pk", flat=True)[:BATCH])
        if not ids:
            leftover.tell(run)
            return
        with transaction.atomic():
            changed = _change(run.operation, ids, of, to, event)
            run.progress(done=changed)
        after = ids[-1]


def _change(
    operation: Operation, ids: list[int], of: DeadLetter.Status, to: DeadLetter.Status, event: str
) -> int:
    now = timezone.now()
    rows = DeadLetter.objects.select_for_update().filter(pk__in=ids, status=of)
    mine = list(rows.values_list("pk", flat=True))
    LetterEvent.objects.bulk_create(
        [
            LetterEvent(letter_id=pk, at=now, kind=event, by=operation.created_by, operation=operation)
            for pk in mine
        ]
    )
    decided = None if to == DeadLetter.Status.PARKED else now
    return DeadLetter.objects.filter(pk__in=mine, status=of).update(
        status=to, status_reason="", decided_at=decided, operation=operation
    )
