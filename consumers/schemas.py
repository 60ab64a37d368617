"""What the API takes and gives for consumers, processes and records (API.md)."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any, Literal

from ninja import Field, Schema
from pydantic import ConfigDict

from consumers import records
from consumers.models import Record
from consumers.summary import Summary
from consumers.validation import NULLABLE


class HandlerOut(Schema):
    """A registered handler; `options_schema` is a JSON schema. `batch`: one call gets a list of messages."""

    name: str
    title: str
    description: str
    options_schema: dict[str, Any]
    batch: bool


class HandlerList(Schema):
    items: list[HandlerOut]
    total: int
    next: str | None


class StatusOut(Schema):
    """What it is doing: the state in a word, the reason in a sentence."""

    state: str
    reason: str
    running: int
    wanted: int
    older_settings: int


class DefinitionOut(Schema):
    """The fields of a definition, as they are set."""

    name: str
    broker: str
    vhost: str
    queue: str
    handler: str
    options: dict[str, Any]
    desired: str
    replicas: int
    concurrency: int
    prefetch: int
    mode: str
    pull_interval: float
    ack: str
    order: str
    batch_size: int
    batch_seconds: float
    retry_attempts: int
    retry_first_delay: float
    retry_factor: float
    retry_max_delay: float
    retry_jitter: float
    connection_retries: int | None
    connection_delay: float
    connect_attempts: int
    dedupe_key: str
    dedupe_path: str
    dedupe_seconds: float
    timeout_seconds: float
    deaths_limit: int
    rate_limit: float
    record_one_in: int
    on_failure: str
    records: str
    body_capture: str
    body_cap: int
    consumer_priority: int
    exclusive: bool
    stop_seconds: float
    is_collector: bool
    revision: int
    changed_by: str
    changed_at: datetime
    created_at: datetime


class ConsumerOut(DefinitionOut):
    """A definition with its state and counters. `rate` a second; `p95_ms` and the counts of the last hour.

    `retry_queues_depth`: messages in the retry queues of its vhost, which all its consumers share, as the
    monitor last saw them; null when it never did.
    """

    status: StatusOut
    rate: float
    in_flight: int
    handled_last_hour: int
    failed_last_hour: int
    success_percent: float | None
    p95_ms: float | None
    retry_queues_depth: int | None


def consumer_out(summary: Summary) -> dict[str, Any]:
    """Return a consumer as `ConsumerOut` gives it."""
    definition = DefinitionOut.from_orm(summary.consumer).dict()
    total, status = summary.hour.total, summary.status
    return {
        **definition,
        "status": {
            "state": status.state,
            "reason": summary.words,
            "running": status.running,
            "wanted": status.wanted,
            "older_settings": status.older,
        },
        "rate": summary.rate,
        "in_flight": summary.in_flight,
        "handled_last_hour": total.handled,
        "failed_last_hour": total.failed,
        "success_percent": summary.success_percent,
        "p95_ms": total.quantile_ms(0.95),
        "retry_queues_depth": summary.delayed,
    }


class ConsumerList(Schema):
    items: list[ConsumerOut]
    total: int
    next: str | None


class DefinitionIn(Schema):
    """What may be set; what is left out keeps its default, or on a PATCH its value.

    `connection_retries` null: errors that say "not reachable now" are treated like all others. `dedupe_key`
    empty: no check for duplicates.
    """

    broker: str | None = None
    vhost: str | None = None
    queue: str | None = None
    handler: str | None = None
    options: dict[str, Any] | None = None
    replicas: int | None = None
    concurrency: int | None = None
    prefetch: int | None = None
    mode: Literal["push", "pull"] | None = None
    pull_interval: float | None = None
    ack: Literal["manual", "auto"] | None = None
    order: Literal["fifo", "priority"] | None = None
    batch_size: int | None = None
    batch_seconds: float | None = None
    retry_attempts: int | None = None
    retry_first_delay: float | None = None
    retry_factor: float | None = None
    retry_max_delay: float | None = None
    retry_jitter: float | None = None
    connection_retries: int | None = None
    connection_delay: float | None = None
    connect_attempts: int | None = None
    dedupe_key: Literal["", "message_id", "header", "json", "body"] | None = None
    dedupe_path: str | None = None
    dedupe_seconds: float | None = None
    timeout_seconds: float | None = None
    deaths_limit: int | None = None
    rate_limit: float | None = None
    record_one_in: int | None = None
    on_failure: Literal["republish", "reject"] | None = None
    records: Literal["durable", "best_effort", "failures", "off"] | None = None
    body_capture: Literal["failures", "all", "none"] | None = None
    body_cap: int | None = None
    consumer_priority: int | None = None
    exclusive: bool | None = None
    stop_seconds: float | None = None

    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """Return the fields that were sent; null counts as left out, save where it has a meaning."""
        sent = self.dict(exclude_unset=True)
        return {name: value for name, value in sent.items() if value is not None or name in NULLABLE}


class ConsumerIn(DefinitionIn):
    """A new definition. `desired`: whether to start it at once."""

    name: str
    queue: str
    handler: str
    desired: Literal["running", "paused", "stopped"] = "stopped"


class ScaleIn(Schema):
    replicas: int


class KillIn(Schema):
    """`process`: the id of one process; without it all are killed."""

    process: int | None = None


class ProcessOut(Schema):
    """One operating-system process, as it last reported itself."""

    id: int
    host: str
    pid: int | None
    replica: int
    supervisor: str
    revision: int
    state: str
    state_reason: str
    state_since: datetime
    started_at: datetime | None
    connected_at: datetime | None
    blocked_reason: str
    connections: int
    connection_errors: int
    channel_errors: int
    heartbeat_at: datetime | None
    next_start_at: datetime | None
    ended_at: datetime | None
    exit_reason: str
    restarts: int
    crashes: int
    processed: int
    failed: int
    retried: int
    in_flight: int
    rate: float
    rss_bytes: int | None
    cpu_percent: float | None


class ProcessList(Schema):
    items: list[ProcessOut]
    total: int
    next: str | None


class OutputOut(Schema):
    """What a process printed. `text` is null, with the `reason`, where it is not to be had here."""

    process: int
    host: str
    text: str | None
    reason: str


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
        found = records.letter(obj)
        return found.id if found else None


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


class RecordQuery(Schema):
    """Which records; `q` searches the newest 50,000 of those the other fields leave."""

    consumer: str | None = None
    outcome: Literal["acked", "retried", "dead_lettered", "duplicate", "released", "timed_out"] | None = None
    message_id: str | None = None
    q: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 50
    cursor: str | None = None


class RequeueOut(Schema):
    """The broker confirmed the copy."""

    requeued: bool
    queue: str


class TryIn(Schema):
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

    model_config = ConfigDict(extra="forbid")


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
