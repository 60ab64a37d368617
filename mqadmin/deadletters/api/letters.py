"""The API's calls for dead letters."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router, Status

from mqadmin.core.acts import audit
from mqadmin.core.api import paging
from mqadmin.core.api.paging import Page, paginate
from mqadmin.core.api.plumbing import (
    CONFIGURE,
    OPERATE,
    VIEW,
    ApiError,
    OperationOut,
    PageQuery,
    a_broker,
    one,
    the_broker,
)
from mqadmin.core.models import Operation
from mqadmin.deadletters.acts import decide, editing, exporting, importing, patching
from mqadmin.deadletters.api import automatic
from mqadmin.deadletters.api.schemas import (
    BulkEditIn,
    CauseOut,
    CausePatch,
    DryRunOut,
    GroupList,
    ImportOut,
    ImportQuery,
    LetterDetailOut,
    LetterList,
    LetterPatch,
    LetterQuery,
    PreviewOut,
    RequeueIn,
    SelectionIn,
    TrackedOut,
)
from mqadmin.deadletters.capture import tracking
from mqadmin.deadletters.inbox import inbox, lists
from mqadmin.deadletters.masking import masking, revealing
from mqadmin.deadletters.models import CauseNote, DeadLetter
from mqadmin.deadletters.requeue import dryrun, requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.search import selection
from mqadmin.deadletters.search.selection import Filter, Selection
from mqadmin.queues.models import Queue

router = Router(tags=["dead letters"], auth=VIEW)
router.add_router("", automatic.router)

_LINES = {"content": {exporting.CONTENT_TYPE: {"schema": {"type": "string"}}}}  # a file, for the description


@router.get("/dead-letters", response=LetterList)
def letter_list(request: HttpRequest, page: Query[PageQuery], wanted: Query[LetterQuery]) -> Page:
    """List letters, newest first."""
    return paginate(lists.listed(_filter(wanted)), limit=page.limit, cursor=page.cursor)


@router.get("/dead-letters/groups", response=GroupList)
def letter_groups(request: HttpRequest, page: Query[PageQuery], wanted: Query[LetterQuery]) -> dict[str, Any]:
    """List the causes of the letters that match, the most frequent first; parked ones unless `status` says.

    A cause may be on two pages, or on none, where letters come in between two calls.
    """
    if not wanted.status:
        wanted.status = DeadLetter.Status.PARKED
    filter = _filter(wanted, one_broker=True)
    skip, size = paging.skipped(page.cursor), paging.clipped(page.limit)
    found = inbox.causes(filter, most=size + 1, skip=skip)
    goes_on = len(found) > size
    total = inbox.how_many_causes(filter) if skip or goes_on else len(found)
    return {"items": found[:size], "total": total, "next": str(skip + size) if goes_on else None}


@router.patch("/dead-letters/groups/{group}", response=CauseOut, auth=OPERATE)
def group_patch(request: HttpRequest, group: str, changes: CausePatch) -> dict[str, str]:
    """Write a note on a cause, or who looks after it; 404 where no letter has it."""
    cause, by = {"broker": the_broker(changes.broker), "group": group}, audit.actor(request)
    if not DeadLetter.objects.filter(**cause).exists():
        raise ApiError(404, "not_found", _("No letter has this cause."))
    if changes.note is not None:
        editing.note_cause(**cause, text=changes.note, by=by)
    if changes.owner is not None:
        editing.own_cause(**cause, owner=changes.owner, by=by)
    now = CauseNote.objects.filter(**cause).first() or CauseNote()
    return {**cause, "note": now.text, "owner": now.owner}


@router.get("/dead-letters/{int:letter_id}", response=LetterDetailOut)
def letter_detail(request: HttpRequest, letter_id: int) -> DeadLetter:
    """Show one letter with body, headers, deaths and history; masked fields are hidden."""
    letter = _letter(letter_id)
    masking.hide(letter)
    return letter


@router.post("/dead-letters/{int:letter_id}/reveal", response=LetterDetailOut, auth=OPERATE)
def letter_reveal(request: HttpRequest, letter_id: int) -> DeadLetter:
    """Show one letter with its masked fields, once; that is written down."""
    letter = _letter(letter_id)
    with revealing.act(letter=letter, by=audit.actor(request)):
        return letter


@router.patch("/dead-letters/{int:letter_id}", response=LetterDetailOut, auth=OPERATE)
def letter_patch(request: HttpRequest, letter_id: int, changes: LetterPatch) -> DeadLetter:
    """Edit a parked letter, or write a note. What was captured is kept beside it.

    Headers that are sent as they were shown keep their stored values where these are hidden, and so does the
    encoding of a body that is not sent. A body, or another header, with the sign of a hidden value in its place is
    refused: 422, `masked`.
    """
    letter, by = _letter(letter_id), audit.actor(request)
    if changes.body is not None or changes.headers is not None or changes.properties is not None:
        body = None if changes.body is None else editing.decode_body(changes.body, changes.encoding)
        letter = editing.edit(
            letter=letter, by=by, body=body, properties=changes.properties, headers=changes.headers
        )
    if changes.note is not None:
        letter = editing.note(letter=letter, text=changes.note, by=by)
    masking.hide(letter)
    return letter


@router.post("/dead-letters/{int:letter_id}/revert", response=LetterDetailOut, auth=OPERATE)
def letter_revert(request: HttpRequest, letter_id: int) -> DeadLetter:
    """Bring back what was captured, undoing every edit."""
    letter = editing.revert(letter=_letter(letter_id), by=audit.actor(request))
    masking.hide(letter)
    return letter


@router.post("/dead-letters/requeue", response={202: OperationOut, 200: DryRunOut}, auth=OPERATE)
def letter_requeue(request: HttpRequest, wanted: RequeueIn) -> Status[Any]:
    """Requeue parked letters; with `dry_run` only tell where they would go."""
    chosen = _selection(wanted)
    to = To.from_json(wanted.to if isinstance(wanted.to, str) else wanted.to.dict())
    if wanted.dry_run:
        return Status(200, dryrun.of(selection=chosen, to=to))
    by = audit.actor(request)
    return Status(202, requeue.start(selection=chosen, to=to, by=by, expect=wanted.expect, care=wanted.care))


@router.post("/dead-letters/discard", response={202: OperationOut}, auth=OPERATE)
def letter_discard(request: HttpRequest, wanted: SelectionIn) -> Status[Operation]:
    """Take parked letters out of the inbox; they stay stored."""
    chosen = _selection(wanted)
    return Status(202, decide.discard(selection=chosen, by=audit.actor(request), expect=wanted.expect))


@router.post("/dead-letters/restore", response={202: OperationOut}, auth=OPERATE)
def letter_restore(request: HttpRequest, wanted: SelectionIn) -> Status[Operation]:
    """Put discarded letters back into the inbox."""
    chosen = _selection(wanted)
    return Status(202, decide.restore(selection=chosen, by=audit.actor(request), expect=wanted.expect))


@router.post("/dead-letters/edit", response={202: OperationOut, 200: PreviewOut}, auth=OPERATE)
def letters_edit(request: HttpRequest, wanted: BulkEditIn) -> Status[Any]:
    """Change many parked letters alike; with `preview` only show what would become of the first ten."""
    chosen = _selection(wanted)
    change = patching.Change.from_json(wanted.dict(include={"patch", "find", "replace"}))
    if wanted.preview:
        tried = patching.preview(selection=chosen, change=change)
        total = chosen.rows().filter(status=DeadLetter.Status.PARKED).count()
        return Status(200, {"items": tried, "total": total})
    by = audit.actor(request)
    return Status(202, patching.start(selection=chosen, change=change, by=by, expect=wanted.expect))


@router.get("/dead-letters/export", response=None, auth=OPERATE, openapi_extra={"responses": {200: _LINES}})
def letter_export(request: HttpRequest, wanted: Query[LetterQuery]) -> StreamingHttpResponse:
    """Give the letters that match as JSON Lines, one a line with everything, bodies in base64."""
    return _file(request, selection.all_that_match(_filter(wanted, one_broker=True)))


@router.post("/dead-letters/export", response=None, auth=OPERATE, openapi_extra={"responses": {200: _LINES}})
def letter_export_chosen(request: HttpRequest, wanted: SelectionIn) -> StreamingHttpResponse:
    """The same for letters by id, or by a filter."""
    return _file(request, _selection(wanted))


def _file(request: HttpRequest, chosen: Selection) -> StreamingHttpResponse:
    lines = exporting.export(selection=chosen, by=audit.actor(request))
    return StreamingHttpResponse(lines, content_type=exporting.CONTENT_TYPE)


@router.post(
    "/dead-letters/import",
    response={200: ImportOut, 422: ImportOut},
    auth=OPERATE,
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


@router.post("/queues/{int:queue_id}/track", response=TrackedOut, auth=CONFIGURE)
def queue_track(request: HttpRequest, queue_id: int, force: bool = False) -> dict[str, Any]:
    """Capture the letters of a dead-letter queue from now on; 409 when it is tracked already.

    Also 409 where another program consumes from the queue, unless `force`: it would lose its messages.
    """
    tracked = tracking.track(queue=_queue(queue_id), by=audit.actor(request), force=force)
    return {
        "queue": queue_id,
        "tracked": True,
        "consumer": tracked.consumer.name if tracked.consumer else None,
    }


@router.post("/queues/{int:queue_id}/untrack", response=TrackedOut, auth=CONFIGURE)
def queue_untrack(request: HttpRequest, queue_id: int) -> dict[str, Any]:
    """Stop capturing; what is stored stays. 409 when it is not tracked."""
    tracking.untrack(queue=_queue(queue_id), by=audit.actor(request))
    return {"queue": queue_id, "tracked": False, "consumer": None}


def _filter(wanted: LetterQuery, *, one_broker: bool = False) -> Filter:
    """Return the filter; names the broker if it must and only one is configured."""
    values = wanted.dict()
    if one_broker:
        values["broker"] = the_broker(values["broker"])
    return Filter(**values)


def _selection(wanted: SelectionIn) -> Selection:
    if (wanted.ids is None) == (wanted.filter is None):
        raise ApiError(422, "invalid", _("Give either ids or a filter."))
    if wanted.filter is not None:
        return selection.all_that_match(_filter(wanted.filter, one_broker=True))
    ids = wanted.ids or []
    found = set(DeadLetter.objects.filter(pk__in=ids[: selection.MOST_IDS]).values_list("broker", flat=True))
    if len(found) > 1:
        raise ApiError(422, "several_brokers", _("These letters are of several brokers."))
    if ids and not found:
        raise ApiError(404, "not_found", _("There are no such letters."))
    return selection.some(next(iter(found), ""), ids)


def _letter(letter_id: int) -> DeadLetter:
    return one(DeadLetter.objects.filter(pk=letter_id), _("There is no letter %(id)s.") % {"id": letter_id})


def _queue(queue_id: int) -> Queue:
    return one(
        Queue.objects.select_related("broker").filter(pk=queue_id),
        _("There is no queue %(id)s.") % {"id": queue_id},
    )
