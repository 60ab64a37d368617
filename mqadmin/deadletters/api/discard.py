"""The API's calls that discard letters, and that restore them."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router, Status

from mqadmin.core.acts import audit
from mqadmin.core.api.operations import OperationOut
from mqadmin.core.api.plumbing import OPERATE, VIEW
from mqadmin.core.models import Operation
from mqadmin.deadletters.acts import decide
from mqadmin.deadletters.api.selections import SelectionIn, selection_of

router = Router(tags=["dead letters"], auth=VIEW.of("rows"))


@router.post("/dead-letters/discard", response={202: OperationOut}, auth=OPERATE.of("rows"))
def letter_discard(request: HttpRequest, wanted: SelectionIn) -> Status[Operation]:
    """Take parked letters out of the inbox; they stay stored."""
    chosen = selection_of(wanted)
    return Status(202, decide.discard(selection=chosen, by=audit.actor(request), expect=wanted.expect))


@router.post("/dead-letters/restore", response={202: OperationOut}, auth=OPERATE.of("rows"))
def letter_restore(request: HttpRequest, wanted: SelectionIn) -> Status[Operation]:
    """Put discarded letters back into the inbox."""
    chosen = selection_of(wanted)
    return Status(202, decide.restore(selection=chosen, by=audit.actor(request), expect=wanted.expect))
