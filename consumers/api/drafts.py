"""The API's calls before a consumer is defined: settings that go together, and what a definition would do."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from consumers.api.consumer_schemas import (
    ConsumerOut,
    DraftIn,
    DraftOut,
    DuplicateIn,
    PresetOut,
    consumer_out,
)
from consumers.api.rows import find_consumer
from consumers.definitions import copying, presets, sentence, validation
from consumers.handlers import registry
from consumers.models import Consumer
from consumers.status import summary
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, the_broker
from mqadmin.core.pages import prose

router = Router(tags=["consumers"], auth=VIEW.of("rows"))


@router.get("/consumer-presets", response=list[PresetOut])
def preset_list(request: HttpRequest) -> list[dict[str, Any]]:
    """List the presets that the form offers. They are not stored: send their fields."""
    return [
        {"name": item.name, "title": str(item.title), "about": str(item.about), "fields": item.fields}
        for item in presets.ALL
    ]


@router.post("/consumers/{name}/duplicate", response={201: ConsumerOut}, auth=CONFIGURE.of("rows"))
def consumer_duplicate(
    request: HttpRequest, name: str, payload: DuplicateIn | None = None
) -> Status[dict[str, Any]]:
    """Define a stopped consumer with all settings of another. Options are copied whole, secrets too."""
    wanted = payload.name if payload is not None else ""
    copy = copying.duplicate(consumer=find_consumer(name), by=audit.actor(request), name=wanted)
    return Status(201, consumer_out(summary.summary(copy), whole=True))


@router.post("/consumer-summary", response=DraftOut, auth=CONFIGURE.of("rows"))
def consumer_summary(request: HttpRequest, payload: DraftIn) -> dict[str, Any]:
    """Say in plain sentences what a definition would do, and what is wrong with it. Nothing is stored."""
    draft = find_consumer(payload.name) if payload.name else Consumer(name="a-draft", broker="")
    fields = payload.given()
    fields.pop("name", None)
    for name, value in fields.items():
        setattr(draft, name, value)
    if not payload.name:
        draft.broker = the_broker(payload.broker or "")
    problems = validation.problems(draft)
    try:
        wrong = registry.mistyped(registry.get(draft.handler), draft.options)
    except registry.HandlerError:
        wrong = {}
    problems = {**problems, **{f"{validation.OPTION}{name}": text for name, text in wrong.items()}}
    return {"summary": "" if problems else prose.paragraph(sentence.of(draft)), "problems": problems}
