"""The API's call that tries a consumer's handler on one message."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema

from consumers.api.records import LogLine
from consumers.api.rows import find_consumer, find_record
from consumers.trying import trial_message, trying
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import OPERATE, VIEW, ApiError, Body

router = Router(tags=["consumers"], auth=VIEW.of("rows"))


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


@router.post("/consumers/{name}/try", response=TryOut, auth=OPERATE.of("rows"))
def consumer_try(request: HttpRequest, name: str, payload: TryIn) -> trying.Trial:
    """Run its handler, for real, on one message: nothing is consumed, recorded, retried or dead-lettered.

    Answers 200 however it went; `outcome` says how.
    """
    consumer = find_consumer(name)
    if payload.record is not None:
        record = find_record(payload.record)
        if record.consumer_id != consumer.pk:
            raise ApiError(404, "not_found", _("That record is of another consumer."))
        message = trial_message.recorded(record)
    else:
        key = consumer.queue if payload.routing_key is None else payload.routing_key
        message = trial_message.typed(**{**payload.dict(exclude={"record"}), "routing_key": key})
    return trying.run(consumer=consumer, by=audit.actor(request), message=message)
