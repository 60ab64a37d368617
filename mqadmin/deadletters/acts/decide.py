"""Discard letters, which leave the inbox but stay stored, and restore them: a batch at a time, each letter with a
line in its history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.approvals.gate import gate, kinds
from mqadmin.approvals.gate.gate import Asked, Foretold
from mqadmin.approvals.gate.size import Size
from mqadmin.core.acts import audit, operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.operations import Run
from mqadmin.core.models import Operation
from mqadmin.deadletters.models import DeadLetter, LetterEvent
from mqadmin.deadletters.requeue import claims, passed_over
from mqadmin.deadletters.search import selection
from mqadmin.deadletters.search.selection import Selection

BATCH = 1_000
Status = DeadLetter.Status


@dataclass(frozen=True)
class _Decision:
    """Letters with status `of` become `to`, with `event` in their history; `summary` says it of a number."""

    kind: str
    of: DeadLetter.Status
    to: DeadLetter.Status
    event: str
    summary: Callable[[int], str]
    foretold: Callable[[], str]


_DISCARD = _Decision(
    "dead_letters.discard",
    Status.PARKED,
    Status.DISCARDED,
    "discarded",
    lambda n: ngettext("Discard %(n)d letter", "Discard %(n)d letters", n) % {"n": n},
    lambda: _("They leave the inbox but stay stored: they can be restored."),
)
_RESTORE = _Decision(
    "dead_letters.restore",
    Status.DISCARDED,
    Status.PARKED,
    "restored",
    lambda n: ngettext("Restore %(n)d letter", "Restore %(n)d letters", n) % {"n": n},
    lambda: _("They are back in the inbox, to be decided anew."),
)


def discard(*, selection: Selection, by: Actor, expect: int | None = None) -> Operation:
    """Have a worker discard the parked letters. Raises Refusal when there are none, or not `expect`."""
    return _start(_DISCARD, selection, by, expect)


def restore(*, selection: Selection, by: Actor, expect: int | None = None) -> Operation:
    """Have a worker restore the discarded letters. Raises Refusal when there are none, or not `expect`."""
    return _start(_RESTORE, selection, by, expect)


def _start(decision: _Decision, letters: Selection, by: Actor, expect: int | None) -> Operation:
    with audit.act(
        by=by,
        action=decision.kind,
        broker=letters.broker,
        target=letters.described(),
        detail={"selection": letters.for_audit()},
    ) as entry:
        total = selection.count(letters, decision.of, expect)
        entry.count = total
        summary = decision.summary(total)
        asked = Asked(
            decision.kind,
            letters.broker,
            summary,
            {"selection": letters.to_json()},
            Size(total),
            foretell=lambda: [Foretold("tells", decision.foretold())],
        )
        gate.ask(asked, by=by, entry=entry)
        return operations.start(
            kind=decision.kind,
            by=by,
            broker=letters.broker,
            summary=summary,
            params={"selection": letters.to_json()},
            total=total,
        )


@kinds.register(_DISCARD.kind, needs="operate", counts_as="discard")
def _discard_agreed(given: Mapping[str, Any], by: Actor) -> Operation:
    """Start what waited for a second person."""
    return discard(selection=Selection.from_json(given["selection"]), by=by)


@kinds.register(_RESTORE.kind, needs="operate", counts_as="restore")
def _restore_agreed(given: Mapping[str, Any], by: Actor) -> Operation:
    """Start what waited for a second person."""
    return restore(selection=Selection.from_json(given["selection"]), by=by)


@operations.runner(_DISCARD.kind)
def run_discard(run: Run) -> None:
    """Carry it out; may be called again at any point."""
    _carry_out(run, _DISCARD)


@operations.runner(_RESTORE.kind)
def run_restore(run: Run) -> None:
    """Carry it out; may be called again at any point."""
    _carry_out(run, _RESTORE)


def _carry_out(run: Run, decision: _Decision) -> None:
    """Turn the letters from one status into the other; what somebody else was first to change is passed over."""
    chosen = Selection.from_json(run.params["selection"])
    after = 0
    while True:
        run.checkpoint()
        rows = chosen.rows().filter(status=decision.of, pk__gt=after).order_by("pk")
        ids = list(rows.values_list("pk", flat=True)[:BATCH])
        if not ids:
            passed_over.report(run)
            return
        with transaction.atomic():
            changed = _change(run.operation, ids, decision)
            run.progress(done=changed)
        after = ids[-1]


def _change(operation: Operation, ids: list[int], decision: _Decision) -> int:
    now = timezone.now()
    rows = DeadLetter.objects.select_for_update().filter(pk__in=ids, status=decision.of)
    mine = list(rows.values_list("pk", flat=True))
    if busy := claims.in_flight(mine):
        mine = [pk for pk in mine if pk not in busy]
    LetterEvent.objects.bulk_create(
        [
            LetterEvent(
                letter_id=pk, at=now, kind=decision.event, by=operation.created_by, operation=operation
            )
            for pk in mine
        ]
    )
    decided = None if decision.to == Status.PARKED else now
    return DeadLetter.objects.filter(pk__in=mine, status=decision.of).update(
        status=decision.to, status_reason="", decided_at=decided, operation=operation
    )
