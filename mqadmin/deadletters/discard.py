"""Discard letters: they leave the inbox but stay stored, and can be restored."""

from __future__ import annotations

from django.utils.translation import ngettext

from mqadmin.core import operations
from mqadmin.core.audit import Actor
from mqadmin.core.models import Operation
from mqadmin.core.operations import Run
from mqadmin.deadletters import decide
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.selection import Selection

KIND = "dead_letters.discard"
Status = DeadLetter.Status


def start(*, selection: Selection, by: Actor, expect: int | None = None) -> Operation:
    """Have a worker discard the parked letters. Raises Refusal when there are none, or not `expect`."""
    return decide.start(
        kind=KIND,
        of=Status.PARKED,
        summary=_summary,
        selection_=selection,
        by=by,
        expect=expect,
    )


def _summary(total: int) -> str:
    return ngettext("Discard %(n)d letter", "Discard %(n)d letters", total) % {"n": total}


@operations.runner(KIND)
def run(run: Run) -> None:
    """Carry it out; may be called again at any point."""
    decide.carry_out(run, of=Status.PARKED, to=Status.DISCARDED, event="discarded")
