"""One outstanding claim per letter: taken by compare-and-set, given back with a reason (guarantees 4 and 8).

A batch that is on its way to the broker is claimed by one row, `ClaimedBatch`; the letters' own rows, wide and with
many indexes, are written once, with the answer. Where no answer comes (the broker is away, the worker is gone) the
claim is written down: each letter is `requeueing` in its own row then, and sent once more from there.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core.models import Operation
from mqadmin.core.rows.batches import fitting
from mqadmin.deadletters.models import ClaimedBatch, DeadLetter, LetterEvent
from mqadmin.deadletters.requeue.copies import COLUMNS, Claimed
from mqadmin.deadletters.search.selection import Selection

Status = DeadLetter.Status
BATCH = 1_000
_LETTERS = DeadLetter._meta.db_table
_NAMES = ", ".join(f'"{name}"' for name in COLUMNS)


@dataclass(frozen=True)
class Batch:
    """Letters to publish together. `held`: the claim on them; None where each is claimed in its own row."""

    letters: list[Claimed]
    held: ClaimedBatch | None = None


def outstanding(operation: Operation) -> QuerySet[DeadLetter]:
    """Return the letters that the operation has claimed, as their own rows say, and not decided yet."""
    # Whoever has them given back: they were this operation's to claim.
    return DeadLetter._base_manager.filter(operation=operation, status=Status.REQUEUEING)


def free(operation: Operation, selection: Selection, *, after: int) -> QuerySet[DeadLetter]:
    """Return the letters behind id `after` that the operation may still claim, the oldest first."""
    rows = selection.rows().filter(status=Status.PARKED, pk__gt=after).exclude(operation=operation)
    return rows.order_by("pk")


in_flight = ClaimedBatch.among


def tell(letter: DeadLetter) -> None:
    """Have the letter say `requeueing` where an operation publishes it now. It must not be saved afterwards."""
    if letter.status == Status.PARKED and in_flight([letter.pk]):
        letter.status = Status.REQUEUEING


def claim(
    operation: Operation, selection: Selection, *, after: int, at_most: int | None = None
) -> tuple[int, Batch] | None:
    """Claim the next parked letters behind id `after`, each with an id of its own for the copy.

    `at_most`: so many, BATCH without it. Returns the last id that was looked at and the letters, bodies included;
    None at the end. A letter that another operation was first to claim is passed over, and so is one that this
    operation gave back before.
    """
    rows = free(operation, selection, after=after)
    ids = fitting(rows.values_list("pk", "size")[: BATCH if at_most is None else min(at_most, BATCH)])
    if not ids:
        return None
    mark = f"{uuid.uuid4().hex[:16]}-"
    with transaction.atomic(savepoint=False):
        locked = _locked(ids, mark)
        others = in_flight([letter.id for letter in locked])
        letters = [letter for letter in locked if letter.id not in others] if others else locked
        mine = [letter.id for letter in letters]
        if not mine:
            return ids[-1], Batch([])
        held = ClaimedBatch.objects.create(
            operation=operation, first=mine[0], last=mine[-1], ids=mine, mark=mark, at=timezone.now()
        )
    return ids[-1], Batch(letters, held)


def _locked(ids: Sequence[int], mark: str) -> list[Claimed]:
    """Read the letters that are still parked, and lock their rows: nobody else decides them until the commit."""
    where, values = _among(ids, Status.PARKED.value)
    lock = " FOR NO KEY UPDATE" if connection.features.has_select_for_update else ""
    return _rows(
        f"SELECT {_NAMES}, %s || id FROM {_LETTERS} WHERE {where} ORDER BY id{lock}",  # noqa: S608
        [mark, *values],
    )


def batches(operation: Operation) -> Iterable[Batch]:
    """Yield what the operation has claimed in the letters' own rows, in batches that fit into memory."""
    after = 0
    while ids := fitting(
        outstanding(operation).filter(pk__gt=after).order_by("pk").values_list("pk", "size")[:BATCH]
    ):
        where, values = _among(ids, Status.REQUEUEING.value)
        yield Batch(
            _rows(
                f"SELECT {_NAMES}, requeue_id FROM {_LETTERS} "  # noqa: S608
                f"WHERE operation_id = %s AND {where} ORDER BY id",
                [operation.pk, *values],
            )
        )
        after = ids[-1]


def _rows(query: str, values: Sequence[Any]) -> list[Claimed]:
    """Read letters past the ORM: of thousands a second, their instances would cost more than all the rest."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return [Claimed._make(row) for row in cursor.fetchall()]


def _among(ids: Sequence[int], status: str) -> tuple[str, list[Any]]:
    """Return SQL for a letter with one of these ids and this status, and its values.

    PostgreSQL takes the ids as one value. It is not to see that an index has the status: without fresh statistics,
    and there are none in the middle of a large requeue, it reads all that was ever parked for each batch.
    """
    if connection.vendor == "postgresql":
        return "id = ANY(%s) AND id BETWEEN %s AND %s AND status || '' = %s", [
            list(ids),
            min(ids, default=0),
            max(ids, default=0),
            status,
        ]
    return f"id IN ({', '.join(['%s'] * len(ids))}) AND status = %s", [*ids, status]


def settle(
    operation: Operation, batch: Batch, confirmed: Mapping[int, str], refused: Mapping[int, str]
) -> None:
    """Write what became of a batch: id -> where to, id -> why not, in words. What neither names stays claimed."""
    with transaction.atomic(savepoint=False):
        held = batch.held
        if held is not None and ClaimedBatch.objects.filter(pk=held.pk).delete()[0]:
            for text, ids in _by_text(confirmed).items():
                _confirm(operation, held, ids, text)
            _write_down(operation, held, [one.id for one in batch.letters if one.id not in confirmed])
        else:  # also where another worker took the operation over, and wrote it down
            requeued(operation, confirmed)
        if refused:
            returned(operation, refused)


def _confirm(operation: Operation, held: ClaimedBatch, ids: Sequence[int], text: str) -> None:
    """Mark letters of a batch as requeued, with their history: the broker confirmed them."""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    where, among = _among(ids, Status.PARKED.value)
    change = (
        f"UPDATE {_LETTERS} SET status = %s, status_reason = '', operation_id = %s, requeue_id = %s || id, "  # noqa: S608
        f"requeue_count = requeue_count + 1, claimed_at = %s, decided_at = %s WHERE {where}"
    )
    at = connection.ops.adapt_datetimefield_value(held.at)
    changed = [Status.REQUEUED.value, operation.pk, held.mark, at, now, *among]
    note = (
        f'INSERT INTO {LetterEvent._meta.db_table} (letter_id, at, kind, "by", text, operation_id) '  # noqa: S608
        "SELECT id, %s, %s, %s, %s, %s FROM "
    )
    noted = [now, "requeued", operation.created_by, text, operation.pk]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"WITH done AS ({change} RETURNING id) {note} done", [*changed, *noted])
        else:
            cursor.execute(f"{note} {_LETTERS} WHERE {where}", [*noted, *among])
            cursor.execute(change, changed)


def write_down(operation: Operation) -> None:
    """Say in the letters' own rows what the operation has claimed: nobody is about to write what became of it."""
    with transaction.atomic():
        for held in ClaimedBatch.objects.select_for_update().filter(operation=operation):
            held.delete()
            _write_down(operation, held, held.ids)


def write_down_orphans() -> int:
    """Do so for all operations that no living worker has in hand, so that pages show it. Returns how many."""
    left = Q(lease_until__isnull=True) | Q(lease_until__lte=timezone.now())
    found = Operation.objects.filter(left, pk__in=ClaimedBatch.objects.values("operation"))
    for operation in found:
        write_down(operation)
    return len(found)


def _write_down(operation: Operation, held: ClaimedBatch, ids: Sequence[int]) -> None:
    if not ids:
        return
    DeadLetter._base_manager.filter(pk__in=ids, status=Status.PARKED).update(
        status=Status.REQUEUEING,
        status_reason="",
        operation=operation,
        claimed_at=held.at,
        requeue_id=Concat(Value(held.mark), Cast("pk", CharField()), output_field=CharField()),
        requeue_count=F("requeue_count") + 1,
    )


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
    write_down(operation)
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
