"""The API's call that changes many letters alike."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema, Status

from mqadmin.core.acts import audit
from mqadmin.core.api.operations import OperationOut
from mqadmin.core.api.plumbing import OPERATE, VIEW
from mqadmin.deadletters.acts import patching
from mqadmin.deadletters.api.selections import SelectionIn, selection_of
from mqadmin.deadletters.models import DeadLetter
from mqadmin.rabbit.reading import jsontext

router = Router(tags=["dead letters"], auth=VIEW.of("rows"))


class BulkEditIn(SelectionIn):
    """One change for many letters: a JSON Patch on {"body", "headers", "properties"}, or find and replace in
    the text of the body. `preview` only shows what would become of the first ten."""

    patch: list[dict[str, Any]] = []
    find: str = ""
    replace: str = ""
    preview: bool = False


class TriedOut(Schema):
    """What would become of one letter, without hidden values; with an `error` it would stay as it is."""

    id: int
    before: str
    after: str
    error: str


class PreviewOut(Schema):
    items: list[TriedOut]
    total: int
    next: str | None = None


@router.post("/dead-letters/edit", response={202: OperationOut, 200: PreviewOut}, auth=OPERATE.of("rows"))
def letters_edit(request: HttpRequest, wanted: BulkEditIn) -> Status[Any]:
    """Change many parked letters alike; with `preview` only show what would become of the first ten."""
    chosen = selection_of(wanted)
    # Read once more: what was parsed has lost how the numbers were written.
    steps = jsontext.exact(request.body).get("patch") if wanted.patch else None
    change = patching.Change.from_json({"patch": steps, "find": wanted.find, "replace": wanted.replace})
    if wanted.preview:
        tried = patching.preview(selection=chosen, change=change)
        total = chosen.rows().filter(status=DeadLetter.Status.PARKED).count()
        return Status(200, {"items": tried, "total": total})
    by = audit.actor(request)
    return Status(202, patching.start(selection=chosen, change=change, by=by, expect=wanted.expect))
