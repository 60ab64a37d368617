"""The API's calls for why a queue is stuck, and for what changed before it was."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema

from mqadmin.core.api.plumbing import VIEW
from mqadmin.queues.api.queues import find_queue
from mqadmin.queues.pages import live_queue
from mqadmin.queues.why import before, gather, steps

router = Router(tags=["brokers and queues"], auth=VIEW.of("rows"))


class WhyStepOut(Schema):
    """One cause, in the order in which a message meets them. `ok`: true, it is not this; false, it stands in the
    way; null, nothing can be said. `text` is the evidence, in words."""

    code: str
    title: str
    ok: bool | None
    text: str


class WhyOut(Schema):
    """`stuck`: something stands in the way, and `text` says what. `seen`: whether the broker told of it now."""

    stuck: bool
    text: str
    seen: Literal["live", "gone", "down", "unasked"]
    steps: list[WhyStepOut]


class HappeningOut(Schema):
    """What happened: an act, a deployment, a start or a crash of a consumer. `who` did it."""

    at: datetime
    what: str
    who: str
    link: str


class BeforeOut(Schema):
    """`since`: when the worst that is wrong with it began, `code` what it is; null where nothing is wrong, or
    nobody knows since when. `found`: what happened in the hour before, nearest first."""

    since: datetime | None
    code: str | None
    found: list[HappeningOut]


@router.get("/queues/{int:queue_id}/why", response=WhyOut)
def queue_why(request: HttpRequest, queue_id: int) -> dict[str, Any]:
    """Walk the causes for which a queue may be stuck, with the evidence for each; asked of the broker now."""
    queue = find_queue(queue_id)
    facts = gather.facts(queue, live_queue.ask(queue))
    found = steps.walk(facts)
    stuck = any(step.ok is False for step in found)
    return {"stuck": stuck, "text": steps.verdict(found), "seen": facts.seen, "steps": found}


@router.get("/queues/{int:queue_id}/before", response=BeforeOut)
def queue_before(request: HttpRequest, queue_id: int) -> dict[str, Any]:
    """Return what changed in the hour before the queue broke, as far as anybody told mqadmin of it."""
    found = before.of_queue(find_queue(queue_id))
    if found is None:
        return {"since": None, "code": None, "found": []}
    return {"since": found.at, "code": found.code, "found": found.found}
