"""One outstanding claim per letter: taken by compare-and-set, given back with a reason (guarantees 4 and 8)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence

from django.db import connection, transaction
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core.models import Operation
from mqadmin.core.rows.batches import fitting
from mqadmin.deadletters.models import DeadLetter, LetterEvent
from mqadmin.deadletters.requeue.copies import COLUMNS, Claimed
from mqadmin.deadletters.search.selection import Selection

Status = DeadLetter.Status
BATCH = 1_000


def outstanding(operation: Operation) -> QuerySet[DeadLetter]:
    """Return the letters that the operation has claimed and not decided yet."""
    return DeadLetter.objects.filter(operation=operation, status=Status.REQUEUEING)


def free(operation: Operation, selection: Selection, *, after: int) -> QuerySet[DeadLetter]:
    """Return the letters behind id `after` that the operation may still claim, the oldest first."""
    rows = selection.rows().filter(status=Status.PARKED, pk__gt=after).exclude(operation=operation)
    return rows.order_by("pk")


def claim(
    operation: Operation, selection: Selection, *, after: int, at_most: int | None = None
) -> int | None:
    """Claim the next parked letters behind id `after`, each with an id of its own for the copy.

    `at_most`: so many, BATCH without it. Returns the last id that was looked at, None at the end. A letter
    that another operation was first to claim is passed over, and so is one that this operation gave back
    before.
    """
    rows = free(operation, selection, after=after)
    ids = fitting(rows.values_list("pk", "size")[: BATCH if at_most is None else min(at_most, BATCH)])
    if not ids:
        return None
    mark = f"{uuid.uuid4().hex[:16]}-"
    DeadLetter.objects.filter(pk__in=ids, status=Status.PARKED).update(
        status=Status.REQUEUEING,
        status_reason="",
        operation=operation,
        claimed_at=timezone.now(),
        requeue_id=Concat(Value(mark), Cast("pk", CharField()), output_field=CharField()),
        requeue_count=F("requeue_count") + 1,
    )
    return ids[-1]


def batches(operation: Operation) -> Iterable[list[Claimed]]:
    """Yield what the operation has claimed, bodies included, in batches that fit into memory."""
    after = 0
    while ids := fitting(
        outstanding(operation).filter(pk__gt=after).order_by("pk").values_list("pk", "size")[:BATCH]
    ):
        yield _load(operation, ids)
        after = ids[-1]


def claimed(operation: Operation, *, after: int, up_to: int) -> list[Claimed]:
    """Return what the operation has claimed behind id `after`: one batch, bodies included."""
    return _load(operation, (after + 1, up_to), is_range=True)


def _load(operation: Operation, ids: Sequence[int], *, is_range: bool = False) -> list[Claimed]:
    """Read letters past the ORM: of thousands a second, their instances would cost more than all the rest."""
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    where = "id BETWEEN %s AND %s" if is_range else f"id IN ({', '.join(['%s'] * len(ids))})"
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT {names} FROM "{DeadLetter._meta.db_table}" '  # noqa: S608
            f"WHERE operation_id = %s AND status = %s AND {where} ORDER BY id",
            [operation.pk, Status.REQUEUEING.value, *ids],
        )
        return [Claimed._make(row) for row in cursor.fetchall()]


def requeued(operation: Operation, letters: Mapping[int, str]) -> None:
    """Mark letters (id -> where to, in words) as requeued: the broker confirmed them."""
    with transaction.atomic():
        for text, ids in _by_text(letters).items():
            _note(operation, ids, "requeued", text)
        outstanding(operation).filter(pk__in=letters).update(
            status=Status.REQUEUED, decided_at=timezone.now(), status_reason=""
        )


def returned(operation: Operation, letters: Mapping[int, str]) -> None:
    """Put letters (id -> why, in words) back into the inbox."""
    with transaction.atomic():
        for reason, ids in _by_text(letters).items():
            _note(operation, ids, "returned", reason)
            outstanding(operation).filter(pk__in=ids).update(
                status=Status.PARKED, status_reason=reason, claimed_at=None
            )


def give_back(operation: Operation) -> None:
    """Put what the operation still holds back into the inbox: it ended before the broker answered."""
    reason = _("The operation ended before the broker answered: this letter may have been requeued already.")
    while ids := list(outstanding(operation).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        returned(operation, dict.fromkeys(ids, reason))


def _by_text(letters: Mapping[int, str]) -> dict[str, list[int]]:
    """Return the ids that share a text."""
    groups: dict[str, list[int]] = {}
    for pk, text in letters.items():
        groups.setdefault(text[:500], []).append(pk)
    return groups


def _note(operation: Operation, ids: Sequence[int], kind: str, text: str) -> None:
    """Write the history of those that are still claimed, before they are marked: one statement for all."""
    marks = ", ".join(["%s"] * len(ids))
    values = [connection.ops.adapt_datetimefield_value(timezone.now()), kind, operation.created_by, text]
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{LetterEvent._meta.db_table}" (letter_id, at, kind, "by", text, operation_id) '  # noqa: S608
            f'SELECT id, %s, %s, %s, %s, operation_id FROM "{DeadLetter._meta.db_table}" '
            f"WHERE operation_id = %s AND status = %s AND id IN ({marks})",
            [*values, operation.pk, Status.REQUEUEING.value, *ids],
        )
