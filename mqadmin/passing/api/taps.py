"""The API's calls for taps: started, read, stopped, kept, replayed."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status

from mqadmin.core.acts import audit
from mqadmin.core.api.operations import OperationOut
from mqadmin.core.api.paging import Page, paginate
from mqadmin.core.api.plumbing import OPERATE, VIEW, Body, PageQuery, a_broker, one, the_broker
from mqadmin.core.models import Operation
from mqadmin.passing.acts import replaying
from mqadmin.passing.acts import taps as acts
from mqadmin.passing.models import Seen, Tap
from mqadmin.passing.tapping import words

router = Router(tags=["taps"], auth=VIEW.of("rows"))


class TapOut(Schema):
    """A tap. `passed`: messages that the broker counted into its queue, null where it does not; `unseen`: of those
    never looked at; `taken`: looked at; `matched`: what it looks for; `kept`. `ended`: why. `notes`: what it cannot
    see. `bound`: exchange, routing key and arguments of each binding that is copied."""

    id: int
    broker: str
    vhost: str
    kind: str
    name: str
    is_firehose: bool
    query: str
    rate: int
    state: str
    ended: str
    notes: list[str]
    bound: list[list[Any]]
    passed: int | None
    unseen: int | None
    taken: int
    matched: int
    kept: int
    title: str
    created_by: str
    created_at: datetime
    ends_at: datetime
    ended_at: datetime | None

    @staticmethod
    def resolve_ended(tap: Tap) -> str:
        return words.ended(tap)

    @staticmethod
    def resolve_notes(tap: Tap) -> list[str]:
        return words.notes(tap.notes)


class TapList(Schema):
    items: list[TapOut]
    total: int
    next: str | None


class TapQuery(PageQuery):
    """Whose taps."""

    broker: str = ""


class TapIn(Body):
    """What is tapped, and how. `query`: as `id:A-17 key:orders.* header.tenant:acme payload.total>100`.

    `use_firehose` traces the whole virtual host, which costs the broker a copy of each of its messages.
    """

    broker: str = ""
    vhost: str
    kind: Literal["queue", "exchange"] = "queue"
    name: str
    query: str = ""
    rate: int = acts.RATE
    minutes: int = acts.MINUTES
    use_firehose: bool = False


class SeenOut(Schema):
    """A message that was seen, with masked fields hidden. `cut`: `body` is its beginning, `size` the whole."""

    id: int
    at: datetime
    exchange: str
    routing_key: str
    message_id: str
    correlation_id: str
    trace_id: str
    redelivered: bool
    size: int
    cut: bool
    masked: bool
    encoding: Literal["utf-8", "base64"]
    body: str
    properties: dict[str, Any]
    headers: dict[str, Any]


class SeenList(Schema):
    items: list[SeenOut]
    total: int
    next: str | None


class KeepIn(Body):
    """The title of the set; "" lets it go."""

    title: str


class ReplayIn(Body):
    """Where to, and how many a second; 0: at the pace in which they came."""

    to_queue: str
    rate: int = 0
    even_original: bool = False
    allow_loss: bool = False


@router.get("/taps", response=TapList)
def tap_list(request: HttpRequest, wanted: Query[TapQuery]) -> Page:
    """List taps, the newest first."""
    rows = Tap.objects.filter(broker=the_broker(wanted.broker))
    return paginate(rows, limit=wanted.limit, cursor=wanted.cursor)


@router.post("/taps", response={201: TapOut}, auth=OPERATE.of("rows"))
def tap_start(request: HttpRequest, wanted: TapIn) -> Status[Tap]:
    """Start a tap: 409 with the reason where it cannot be done (`only_default`: the firehose would do),
    `tracing_on` where somebody else has the firehose on, `too_many`."""
    values = wanted.dict()
    tap = acts.start(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(201, tap)


@router.get("/taps/{int:tap_id}", response=TapOut)
def tap_detail(request: HttpRequest, tap_id: int) -> Tap:
    """Return one tap."""
    return _tap(tap_id)


@router.get("/taps/{int:tap_id}/messages", response=SeenList, auth=OPERATE.of("rows"))
def tap_messages(request: HttpRequest, tap_id: int, wanted: Query[PageQuery]) -> dict[str, Any]:
    """List what a tap saw, the newest first."""
    found = paginate(Seen.objects.filter(tap=_tap(tap_id)), limit=wanted.limit, cursor=wanted.cursor)
    return {**found, "items": [seen_out(row) for row in found["items"]]}


@router.post("/taps/{int:tap_id}/stop", response=TapOut, auth=OPERATE.of("rows"))
def tap_stop(request: HttpRequest, tap_id: int) -> Tap:
    """End a tap; 409 where it has ended."""
    acts.stop(tap=_tap(tap_id), by=audit.actor(request))
    return _tap(tap_id)


@router.post("/taps/{int:tap_id}/keep", response=TapOut, auth=OPERATE.of("rows"))
def tap_keep(request: HttpRequest, tap_id: int, wanted: KeepIn) -> Tap:
    """Keep what it saw under a title, or let it go."""
    acts.keep(tap=_tap(tap_id), title=wanted.title, by=audit.actor(request))
    return _tap(tap_id)


@router.post("/taps/{int:tap_id}/replay", response={202: OperationOut}, auth=OPERATE.of("rows"))
def tap_replay(request: HttpRequest, tap_id: int, wanted: ReplayIn) -> Status[Operation]:
    """Publish what it saw to a queue of the same virtual host; 409 `original` for one that got it already."""
    return Status(202, replaying.replay(tap=_tap(tap_id), by=audit.actor(request), **wanted.dict()))


def seen_out(row: Seen) -> dict[str, Any]:
    """Return a message as the API tells it."""
    body = bytes(row.body)
    try:
        encoding, text = "utf-8", body.decode()
    except UnicodeDecodeError:
        encoding, text = "base64", base64.b64encode(body).decode()
    same = (
        "at",
        "exchange",
        "routing_key",
        "message_id",
        "correlation_id",
        "trace_id",
        "redelivered",
        "size",
    )
    return {
        **{name: getattr(row, name) for name in (*same, "properties", "headers")},
        "id": row.pk,
        "cut": row.is_cut,
        "masked": row.is_masked,
        "encoding": encoding,
        "body": text,
    }


def _tap(number: int) -> Tap:
    return one(Tap.objects.filter(pk=number), _("There is no tap %(id)s.") % {"id": number})
