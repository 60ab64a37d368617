"""The API's calls that write letters into a file, and read them out of one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status

from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import OPERATE, VIEW, Asked, a_broker
from mqadmin.deadletters.acts import exporting, importing
from mqadmin.deadletters.api.selections import LetterQuery, SelectionIn, filter_of, selection_of
from mqadmin.deadletters.search import selection
from mqadmin.deadletters.search.selection import Selection

router = Router(tags=["dead letters"], auth=VIEW.of("rows"))

_LINES = {"content": {exporting.CONTENT_TYPE: {"schema": {"type": "string"}}}}  # a file, for the description


class ImportQuery(Asked):
    """Which broker's letters they become; `dry_run` only tells what would be."""

    broker: str = ""
    dry_run: bool = False


class FaultOut(Schema):
    """What is wrong with a line, counted from 1."""

    line: int
    error: str


class ImportOut(Schema):
    """How many lines, how many became letters, how many were here already; `faults`: the first hundred."""

    total: int
    imported: int
    duplicates: int
    faults: list[FaultOut]
    detail: str = ""
    code: str = ""


@router.get(
    "/dead-letters/export", response=None, auth=OPERATE.of("rows"), openapi_extra={"responses": {200: _LINES}}
)
def letter_export(request: HttpRequest, wanted: Query[LetterQuery]) -> StreamingHttpResponse:
    """Give the letters that match as JSON Lines, one a line with everything, bodies in base64."""
    return _file(request, selection.all_that_match(filter_of(wanted, one_broker=True)))


@router.post(
    "/dead-letters/export", response=None, auth=OPERATE.of("rows"), openapi_extra={"responses": {200: _LINES}}
)
def letter_export_chosen(request: HttpRequest, wanted: SelectionIn) -> StreamingHttpResponse:
    """The same for letters by id, or by a filter."""
    return _file(request, selection_of(wanted))


def _file(request: HttpRequest, chosen: Selection) -> StreamingHttpResponse:
    lines = exporting.export(selection=chosen, by=audit.actor(request))
    return StreamingHttpResponse(lines, content_type=exporting.CONTENT_TYPE)


@router.post(
    "/dead-letters/import",
    response={200: ImportOut, 422: ImportOut},
    auth=OPERATE.of("rows"),
    openapi_extra={"requestBody": {**_LINES, "required": True}},
)
def letter_import(request: HttpRequest, wanted: Query[ImportQuery]) -> Status[Any]:
    """Take in a file that `export` gave, as the request's body; 422 and nothing stored if a line is wrong.

    Letters that are here already are not stored again. With `dry_run` nothing is.
    """
    with importing.received(request) as file:
        outcome = importing.take(
            file=file, broker=a_broker(wanted.broker), by=audit.actor(request), only_check=wanted.dry_run
        )
    if outcome.faults:
        text = _("Line %(line)d: %(error)s Nothing was imported.")
        first = {"line": outcome.faults[0].line, "error": outcome.faults[0].error}
        return Status(422, {**asdict(outcome), "detail": text % first, "code": "invalid"})
    return Status(200, outcome)
