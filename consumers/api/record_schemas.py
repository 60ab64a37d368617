"""What the API takes and gives for records of handled messages, and for trying a handler (API.md)."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any, Literal

from ninja import Field, Schema

from consumers.models import Record
from consumers.records import dead_letter
from mqadmin.core.api.plumbing import Body
from mqadmin.core.api.times import Moment


class RecordOut(Schema):
    """One handled message."""

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
    detail: str
    error_type: str
    error: str
    started_at: datetime
    duration_ms: float
    waited_ms: float | None
    size: int
    requeueable: bool

    @staticmethod
    def resolve_requeueable(obj: Any) -> bool:
        """In a list the body is not read: `stored` says whether it is there."""
        stored = getattr(obj, "stored", None)
        return bool(obj.requeueable if stored is None else stored)


class RecordList(Schema):
    items: list[RecordOut]
    total: int
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


class RecordQuery(Schema):
    """Which records; `q` searches the newest 50,000 of those the other fields leave; not their errors where fields
    are masked for who asks."""

    consumer: str | None = None
    outcome: Literal["acked", "retried", "dead_lettered", "duplicate", "released", "timed_out"] | None = None
    message_id: str | None = None
    q: str | None = None
    since: Moment | None = None
    until: Moment | None = None
    limit: int = 50
    cursor: str | None = None


class RequeueOut(Schema):
    """The broker confirmed the copy."""

    requeued: bool
    queue: str


class TryIn(Body):
    """A message to try a handler on: written down here, or with `record` that of a stored record.

    `encoding` says how `body` is written; `properties` and `headers` are lossless JSON, as records show it.
    `routing_key` is the queue's name unless another is given.
    """

    record: int | None = None
    body: str = ""
    encoding: Literal["utf-8", "base64"] = "utf-8"
    exchange: str = ""
    routing_key: str | None = None
    redelivered: bool = False
    properties: dict[str, Any] = {}
    headers: dict[str, Any] = {}


class TryOut(Schema):
    """How it went. `detail`: what a consumer would have done. `duration_ms` is null when it did not end."""

    outcome: Literal["acked", "retried", "dead_lettered", "timed_out", "crashed", "not_run"]
    detail: str
    duration_ms: float | None
    error_type: str
    error: str
    traceback: str
    log: list[LogLine]
    printed: str
