"""Restore discarded letters to the inbox."""

from __future__ import annotations

from django.utils.translation import ngettext

from mqadmin.core import operations
from mqadmin.core.audit import Actor
from mqadmin.core.models import Operation
from mqadmin.core.operations import Run
from mqadmin.deadletters import decide
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.selection import Selection

KIND = "dead_letters.restore"
Status = DeadLetter.Status


def start(*, selection: Selection, by: Actor, expect: int | None = None) -> Operation:
    """Have a worker restore the discarded letters. Raises Refusal when there are none, or not `expect`."""
    return decide.start(
        kind=KIND,
        of=Status.DISCARDED,
        summary=_summary,
        selection_=selection,
        by=by,
        expect=expect,
    )


def _summary(total: int) -> str:
    return ngettext("Restore %(n)d letter", "Restore %(n)d letters", total) % {"n": total}


@operations.runner(KIND)
def run(run: Run) -> None:
    """Carry it out; may be called again at any point."""
    decide.carry_out(run, of=Status.DISCARDED, to=Status.PARKED, event="restored")
