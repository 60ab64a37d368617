"""The API's calls for one letter, and the list of them."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema

from mqadmin.core.acts import audit
from mqadmin.core.api.description import SECRET
from mqadmin.core.api.paging import Page, paginate
from mqadmin.core.api.plumbing import OPERATE, VIEW, Body, PageQuery, one
from mqadmin.deadletters.acts import editing
from mqadmin.deadletters.api.selections import LetterQuery, filter_of
from mqadmin.deadletters.inbox import lists, presenting
from mqadmin.deadletters.masking import masking, revealing
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import claims

router = Router(tags=["dead letters"], auth=VIEW.of("rows"))

Encoding = Literal["utf-8", "base64"]


class LetterOut(Schema):
    """One letter. `group` is its cause; `size` that of the body in bytes."""

    id: int
    broker: str
    vhost: str
    dead_letter_queue: str
    source_queue: str
    source_exchange: str
    routing_keys: list[str]
    reason: str
    death_count: int
    first_death_at: datetime | None
    captured_at: datetime
    message_id: str
    error_type: str
    error: str
    group: str
    status: str
    status_reason: str
    size: int
    requeue_count: int
    came_back: bool
    maybe_duplicate_of: int | None
    note: str

    @staticmethod
    def resolve_came_back(obj: DeadLetter) -> bool:
        return bool(obj.came_back_as)

    @staticmethod
    def resolve_maybe_duplicate_of(obj: DeadLetter) -> int | None:
        return obj.maybe_duplicate_of_id


class LetterList(Schema):
    items: list[LetterOut]
    total: int
    next: str | None


class DeathOut(Schema):
    """One entry of x-death, newest first."""

    queue: str
    reason: str
    count: int
    time: datetime | None
    exchange: str
    routing_keys: list[str]


class EventOut(Schema):
    """Something that was done with the letter here."""

    at: datetime
    kind: str
    by: str
    text: str
    operation: int | None

    @staticmethod
    def resolve_operation(obj: Any) -> int | None:
        number: int | None = obj.operation_id
        return number


class LetterDetailOut(LetterOut):
    """One letter with everything. `trace_id`: of the distributed trace that it is of, "" where nobody says.

    `properties` and `headers` are JSON that keeps every AMQP type: what JSON has no type for is an object with one
    name, as {"$time": "2026-01-02T03:04:05+00:00"} or {"$int64": 5}.
    """

    return_queue: str
    framework: str
    consumer: str
    trace: str
    trace_id: str
    properties: dict[str, Any]
    headers: Any
    encoding: Encoding
    body: str
    edited: bool
    requeue_id: str
    operation: int | None
    deaths: list[DeathOut]
    history: list[EventOut]

    @staticmethod
    def resolve_trace_id(obj: DeadLetter) -> str:
        return presenting.trace_id(obj)

    @staticmethod
    def resolve_encoding(obj: DeadLetter) -> Encoding:
        return body_text(obj)[0]

    @staticmethod
    def resolve_body(obj: DeadLetter) -> str:
        return body_text(obj)[1]

    @staticmethod
    def resolve_edited(obj: DeadLetter) -> bool:
        return obj.original is not None

    @staticmethod
    def resolve_operation(obj: DeadLetter) -> int | None:
        return obj.operation_id

    @staticmethod
    def resolve_deaths(obj: DeadLetter) -> list[dict[str, Any]]:
        return presenting.deaths(obj)

    @staticmethod
    def resolve_history(obj: DeadLetter) -> list[Any]:
        return list(obj.events.all())


class LetterPatch(Body):
    """What to change; what is left out stays. `encoding` says how `body` is written."""

    body: str | None = None
    encoding: Encoding = "utf-8"
    headers: dict[str, Any] | None = None
    properties: dict[str, Any] | None = None
    note: str | None = None


def body_text(letter: DeadLetter) -> tuple[Encoding, str]:
    """Return (encoding, body)."""
    body = bytes(letter.body)
    try:
        return "utf-8", body.decode()
    except UnicodeDecodeError:
        return "base64", base64.b64encode(body).decode()


@router.get("/dead-letters", response=LetterList)
def letter_list(request: HttpRequest, page: Query[PageQuery], wanted: Query[LetterQuery]) -> Page:
    """List letters, newest first."""
    return paginate(lists.listed(filter_of(wanted)), limit=page.limit, cursor=page.cursor)


@router.get("/dead-letters/{int:letter_id}", response=LetterDetailOut)
def letter_detail(request: HttpRequest, letter_id: int) -> DeadLetter:
    """Show one letter with body, headers, deaths and history; masked fields are hidden."""
    letter = _letter(letter_id)
    claims.tell(letter)
    masking.hide(letter)
    return letter


@router.post(
    "/dead-letters/{int:letter_id}/reveal",
    response=LetterDetailOut,
    auth=VIEW.of("rows"),
    openapi_extra=SECRET,
)
def letter_reveal(request: HttpRequest, letter_id: int) -> DeadLetter:
    """Show one letter with its masked fields, once; that is written down."""
    revealing.require_some()
    letter = _letter(letter_id)
    revealing.require(letter)
    with revealing.act(letter=letter, by=audit.actor(request)):
        return letter


@router.patch("/dead-letters/{int:letter_id}", response=LetterDetailOut, auth=OPERATE.of("rows"))
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


@router.post("/dead-letters/{int:letter_id}/revert", response=LetterDetailOut, auth=OPERATE.of("rows"))
def letter_revert(request: HttpRequest, letter_id: int) -> DeadLetter:
    """Bring back what was captured, undoing every edit."""
    letter = editing.revert(letter=_letter(letter_id), by=audit.actor(request))
    masking.hide(letter)
    return letter


def _letter(letter_id: int) -> DeadLetter:
    return one(DeadLetter.objects.filter(pk=letter_id), _("There is no letter %(id)s.") % {"id": letter_id})
