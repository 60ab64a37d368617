"""The API's calls for records of handled messages."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from consumers.api.rows import find_consumer, find_record
from consumers.models import Record
from consumers.records import dead_letter, finding, masks, replaying
from mqadmin.core.acts import audit
from mqadmin.core.api.paging import Page, paginate
from mqadmin.core.api.plumbing import OPERATE, VIEW, Asked, PageQuery
from mqadmin.core.api.times import Moment

router = Router(tags=["consumers"], auth=VIEW.of("rows"))


class RecordOut(Schema):
    """One handled message. `ack_lost`: why RabbitMQ was never told of it and delivers it again; else null.
    `trace_id`: of the trace that it was handled in, or published in; "" where nobody said, or it is masked."""

    id: int
    consumer: str = Field(alias="consumer.name")
    process: int | None = Field(alias="process_id")
    queue: str
    exchange: str
    routing_key: str
    message_id: str
    redelivered: bool
    attempt: int
    outcome: str
    ack_lost: str | None
    detail: str
    error_type: str
    error: str
    started_at: datetime
    duration_ms: float
    waited_ms: float | None
    size: int
    trace_id: str
    requeueable: bool

    @staticmethod
    def resolve_trace_id(obj: Any) -> str:
        return masks.trace_id(obj)

    @staticmethod
    def resolve_requeueable(obj: Any) -> bool:
        """In a list the body is not read: `stored` says whether it is there."""
        stored = getattr(obj, "stored", None)
        return bool(obj.requeueable if stored is None else stored)


class RecordList(Schema):
    """`total`: how many match, null with `count=false`."""

    items: list[RecordOut]
    total: int | None
    next: str | None


class LogLine(Schema):
    """`offset_ms` since the handler began."""

    offset_ms: float
    level: str
    text: str


class RecordDetail(RecordOut):
    """One handled message with all that was kept. `properties`, `headers`: lossless JSON, null if not kept.

    `body` in `encoding` "utf-8" or "base64"; null if not kept. `dead_letter`: id of the letter it became.
    """

    properties: dict[str, Any] | None
    headers: dict[str, Any] | None
    body: str | None
    encoding: Literal["utf-8", "base64"]
    body_truncated: bool
    log: list[LogLine]
    traceback: str
    dead_letter: int | None

    @staticmethod
    def resolve_body(obj: Record) -> str | None:
        if obj.body is None:
            return None
        body = bytes(obj.body)
        return body.decode() if _is_text(body) else base64.b64encode(body).decode()

    @staticmethod
    def resolve_encoding(obj: Record) -> str:
        return "utf-8" if obj.body is None or _is_text(bytes(obj.body)) else "base64"

    @staticmethod
    def resolve_log(obj: Record) -> list[dict[str, Any]]:
        return [{"offset_ms": offset, "level": level, "text": text} for offset, level, text in obj.log or []]

    @staticmethod
    def resolve_dead_letter(obj: Record) -> int | None:
        found = dead_letter.find(obj)
        return found.id if found else None


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


class RecordQuery(PageQuery):
    """Which records; `q` searches the newest 20,000 of those the other fields leave; not their errors where fields
    are masked for who asks. `count=false`: without `total`, which takes seconds among very many."""

    consumer: str | None = None
    outcome: Literal["acked", "retried", "dead_lettered", "duplicate", "released", "timed_out"] | None = None
    ack_lost: bool | None = None
    message_id: str | None = None
    q: str | None = None
    since: Moment | None = None
    until: Moment | None = None
    count: bool = True


class RequeueOut(Schema):
    """The broker confirmed the copy."""

    requeued: bool
    queue: str


@router.get("/records", response=RecordList)
def record_list(request: HttpRequest, query: Query[RecordQuery]) -> Page:
    """List handled messages, newest first."""
    consumer = find_consumer(query.consumer) if query.consumer else None
    wanted = finding.RecordSearch(
        outcome=query.outcome or "",
        ack_lost=query.ack_lost,
        q=query.q or "",
        message_id=query.message_id or "",
        since=query.since,
        until=query.until,
    )
    found = finding.find(wanted, consumer)
    return paginate(
        found.rows.select_related("consumer"),
        limit=query.limit,
        cursor=query.cursor,
        counted=query.count,
        narrow=found.narrow,
    )


@router.get("/records/{int:record_id}", response=RecordDetail)
def record_detail(request: HttpRequest, record_id: int) -> Record:
    """Show one handled message with all that was kept of it; masked fields only to who may operate."""
    return masks.masked(find_record(record_id))


class ReplayQuery(Asked):
    """How a record is replayed."""

    keep_headers: bool = False
    allow_loss: bool = False


@router.post("/records/{int:record_id}/requeue", response=RequeueOut, auth=OPERATE.of("rows"))
def record_requeue(request: HttpRequest, record_id: int, query: Query[ReplayQuery]) -> dict[str, Any]:
    """Publish the recorded message to its queue again; answers once the broker has confirmed it.

    `keep_headers`: with what another framework wrote into its headers when it gave the message up. `allow_loss`:
    also where the queue is full and would drop its oldest message, or would drop this one by its TTL: else 409
    `would_lose`.
    """
    record = find_record(record_id)
    replaying.requeue(record=record, by=audit.actor(request), **query.dict())
    return {"requeued": True, "queue": record.queue}
