"""The API's call for a journey."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema

from mqadmin.core.api.plumbing import VIEW, Asked
from mqadmin.core.errors import Refusal
from mqadmin.passing.journey import looking, steps
from mqadmin.passing.journey.looking import Key
from mqadmin.telemetry import carried

router = Router(tags=["taps"], auth=VIEW.of("rows"))


class JourneyQuery(Asked):
    """At least one of them; `traceparent` may be the trace id alone."""

    message_id: str = ""
    correlation_id: str = ""
    traceparent: str = ""


class JourneyStepOut(Schema):
    """One thing that happened; `at` null: nobody knows when. `source` and `id`: the record, the letter, or the
    message of the tap `parent` that it is read from."""

    at: datetime | None
    kind: str
    what: str
    where: str
    broker: str
    vhost: str
    message_id: str
    detail: str
    source: str
    id: int
    parent: int


class JourneyOut(Schema):
    """Steps in the order of time. `trace_ids`: of the traces that they are of, five at most. `partial`: of records
    and letters only the newest were looked through, as they have no index by correlation or trace; `cut`: there are
    more."""

    items: list[JourneyStepOut]
    message_ids: list[str]
    trace_ids: list[str]
    partial: bool
    cut: bool


@router.get("/journey", response=JourneyOut)
def journey(request: HttpRequest, wanted: Query[JourneyQuery]) -> dict[str, Any]:
    """Return what is known of one message across queues and services."""
    trace = carried.trace_of(wanted.traceparent)
    if wanted.traceparent and not trace:
        text = _("That is no traceparent, and no trace id of 32 hexadecimal digits.")
        raise Refusal(text, "invalid", status=422, fields={"traceparent": text})
    key = Key(wanted.message_id, wanted.correlation_id, trace)
    if key.is_empty:
        raise Refusal(_("Name a message id, a correlation id or a traceparent."), "invalid", status=422)
    found = looking.look(key)
    return {
        "items": [asdict(step) for step in steps.line(found)],
        "message_ids": found.message_ids,
        "trace_ids": found.trace_ids,
        "partial": found.is_partial,
        "cut": found.is_cut,
    }
