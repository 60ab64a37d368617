"""The API's calls for causes: letters that died of the same."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from mqadmin.core.acts import audit
from mqadmin.core.api import paging
from mqadmin.core.api.plumbing import OPERATE, VIEW, ApiError, Body, PageQuery, the_broker
from mqadmin.deadletters.acts import editing
from mqadmin.deadletters.api.selections import LetterQuery, filter_of
from mqadmin.deadletters.inbox import inbox, remembered
from mqadmin.deadletters.models import CauseNote, DeadLetter
from mqadmin.deadletters.search import cause_rights
from mqadmin.history.reading import Lines
from mqadmin.queues.api.history import HistoryOut, HistoryQuery
from mqadmin.queues.pages import history

router = Router(tags=["dead letters"], auth=VIEW.of("rows"))


class GroupOut(Schema):
    """Letters with one cause. `came_back`: how many had been requeued before; `owner`: who looks after it."""

    group: str
    count: int
    error_type: str
    error: str
    source_queue: str
    reason: str
    first_at: datetime
    last_at: datetime
    came_back: int
    note: str
    owner: str


class GroupList(Schema):
    items: list[GroupOut]
    total: int
    next: str | None


class CausePatch(Body):
    """What to write beside a cause, "" for nothing; what is left out stays. `owner`: who looks after it."""

    broker: str = ""
    note: str | None = Field(None, max_length=500)
    owner: str | None = Field(None, max_length=150)


class CauseOut(Schema):
    """What is written beside a cause."""

    broker: str
    group: str
    note: str
    owner: str


class GroupHistoryQuery(HistoryQuery):
    """How far back, and of which broker; it may be left out where only one is configured."""

    broker: str = ""


@router.get("/dead-letters/groups", response=GroupList)
def letter_groups(request: HttpRequest, page: Query[PageQuery], wanted: Query[LetterQuery]) -> dict[str, Any]:
    """List the causes of the letters that match, the most frequent first; parked ones unless `status` says.

    A cause may be on two pages, or on none, where letters come in between two calls.
    """
    return causes(page, wanted)


def causes(page: PageQuery, wanted: LetterQuery) -> dict[str, Any]:
    """Return a page of causes. Raises ApiError where a broker must be named, Refusal for a wrong filter."""
    if not wanted.status:
        wanted.status = DeadLetter.Status.PARKED
    filter = filter_of(wanted, one_broker=True)
    skip, size = paging.skipped(page.cursor), paging.clipped(page.limit)
    found = inbox.causes(filter, most=size + 1, skip=skip)
    goes_on = len(found) > size
    total = inbox.how_many_causes(filter) if skip or goes_on else len(found)
    return {"items": found[:size], "total": total, "next": str(skip + size) if goes_on else None}


@router.get("/dead-letters/groups/{group}/history", response=HistoryOut)
def group_history(request: HttpRequest, group: str, wanted: Query[GroupHistoryQuery]) -> Lines:
    """Return how many letters of a cause waited, and how many there were."""
    broker = the_broker(wanted.broker)
    cause_rights.require(broker, group)
    return history.lines((broker, remembered.KIND, "", group), wanted.span, time.time())


@router.patch("/dead-letters/groups/{group}", response=CauseOut, auth=OPERATE.of("rows"))
def group_patch(request: HttpRequest, group: str, changes: CausePatch) -> dict[str, str]:
    """Write a note on a cause, or who looks after it; 404 where no letter has it."""
    cause, by = {"broker": the_broker(changes.broker), "group": group}, audit.actor(request)
    if not DeadLetter.objects.filter(**cause).exists():
        raise ApiError(404, "not_found", _("No letter has this cause."))
    if changes.note is not None:
        editing.note_cause(**cause, text=changes.note, by=by)
    if changes.owner is not None:
        editing.own_cause(**cause, owner=changes.owner, by=by)
    cause_rights.require(**cause)
    now = CauseNote._base_manager.filter(**cause).first() or CauseNote()
    return {**cause, "note": now.text, "owner": now.owner}
