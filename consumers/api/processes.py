"""The API's calls for processes, and for what they print."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema

from consumers.api.rows import find_consumer, find_process
from consumers.process import outputs
from mqadmin.core.api.paging import Page, paginate
from mqadmin.core.api.plumbing import VIEW, Asked, PageQuery

router = Router(tags=["consumers"], auth=VIEW.of("rows"))


class ProcessOut(Schema):
    """One operating-system process, as it last reported itself.

    `unacked`: of the processed, those that RabbitMQ was not told of. `held_times`: how often it took messages back
    that were held for longer than `held_limit_ms`, null where it did not say; `held_at`: when last. `kills`: how
    often in a row the replica was killed from outside while it worked, since `kills_since`.
    """

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
    kills: int
    kills_since: datetime | None
    processed: int
    failed: int
    retried: int
    unacked: int
    held_times: int
    held_limit_ms: int | None
    held_at: datetime | None
    in_flight: int
    rate: float
    rss_bytes: int | None
    cpu_percent: float | None
    threads: int | None
    open_files: int | None
    subscribed_at: datetime | None
    lease_until: datetime | None


class ProcessList(Schema):
    items: list[ProcessOut]
    total: int
    next: str | None


class OutputOut(Schema):
    """What a process printed. `text` is null, with the `reason`, where it is not to be had here.

    `position`: the byte up to which `text` goes, for `since` next time; `skipped`: bytes before it that are gone
    or were too many. Both only of a call with `since`.
    """

    process: int
    host: str
    text: str | None
    reason: str
    position: int | None = None
    skipped: int = 0


class OutputQuery(Asked):
    """The newest `tail` lines; or with `since` what is new behind that byte."""

    tail: int = 200
    since: int | None = None


@router.get("/consumers/{name}/processes", response=ProcessList)
def process_list(request: HttpRequest, name: str, page: Query[PageQuery]) -> Page:
    """List its processes, the newest first; those with `ended_at` are over."""
    return paginate(find_consumer(name).processes.all(), limit=page.limit, cursor=page.cursor)


@router.get("/processes/{int:process_id}/output", response=OutputOut)
def process_output(request: HttpRequest, process_id: int, wanted: Query[OutputQuery]) -> dict[str, Any]:
    """The newest lines that a process printed, at most 5,000 and half a megabyte; or what is new since a byte."""
    process = find_process(process_id)
    found = {"process": process.pk, "host": process.host}
    if wanted.since is None:
        text, reason = outputs.read(process, lines=wanted.tail)
        return {**found, "text": text, "reason": reason}
    news, reason = outputs.since(process, wanted.since)
    if news is None:
        return {**found, "text": None, "reason": reason}
    return {**found, "reason": "", "text": news.text, "position": news.position, "skipped": news.skipped}
