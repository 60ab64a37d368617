"""Records of handled messages: the live list and the single record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from consumers.forms.records import RecordFilter
from consumers.models import Consumer, Record
from consumers.records import dead_letter, finding, masks, replaying, wording
from consumers.views.actions import about
from consumers.views.detail import record_context
from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.pages import rendering
from mqadmin.core.tones import LOG_LEVEL
from mqadmin.rabbit.message import from_json
from mqadmin.rabbit.reading import frameworks
from mqadmin.rabbit.reading.display import display_text


@dataclass(frozen=True)
class LogLine:
    """One line that was logged while the message was handled; `offset` in seconds from its start."""

    offset: float
    level: str
    tone: str
    text: str


@permissions.view.of("rows")
@require_GET
def record_list(request: HttpRequest, name: str) -> HttpResponse:
    """The newest records of a consumer; with `after`, only how many have come since that id."""
    consumer = get_object_or_404(Consumer, name=name)
    about(request, consumer)
    form = RecordFilter(request.GET)
    after = form.number("after")
    if after is not None:
        count = finding.newer(form.wanted, consumer, after)
        context = {
            "consumer": consumer,
            "form": form,
            "newest": after,
            "count": count,
            "most": finding.COUNTED,
        }
        return rendering.page(request, "consumers/_new.html", context)
    context = record_context(consumer, form)
    return rendering.page(request, "consumers/records.html", context, fragment="consumers/_records.html")


@permissions.view.of("rows")
@require_GET
def record_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything that was kept of one handled message."""
    record = masks.masked(get_object_or_404(Record.objects.select_related("consumer", "process"), pk=pk))
    about(request, record.consumer)
    text, kind = _body(record)
    context = {
        "record": record,
        "consumer": record.consumer,
        "meaning": wording.meaning(record),
        "waited": wording.waited(record),
        "trace_id": masks.trace_id(record),
        "body": text,
        "body_kind": kind,
        "log": _log(record),
        "properties": _table(record.properties),
        "headers": _table(record.headers),
        "letter": dead_letter.find(record),
        "why_not": replaying.why_not(record),
        "would_lose": replaying.would_lose(record),
        "left_behind": _left_behind(record),
    }
    return rendering.page(request, "consumers/record.html", context)


@permissions.operate.of("rows")
@require_POST
def record_requeue(request: HttpRequest, pk: int) -> HttpResponse:
    """Publish the recorded message to its queue again."""
    record = get_object_or_404(Record.objects.select_related("consumer"), pk=pk)
    replaying.requeue(
        record=record,
        by=audit.actor(request),
        keep_headers="keep_headers" in request.POST,
        allow_loss="allow_loss" in request.POST,
    )
    text = _("Published to %(queue)s again, and confirmed.") % {"queue": record.queue}
    return rendering.acted(request, text, to=reverse("record_detail", args=[pk]))


def _left_behind(record: Record) -> list[tuple[str, list[str]]]:
    """Return what another framework wrote into the headers that does not go with a replay: (who, names)."""
    found = replaying.left_behind(record)
    return [(frameworks.title(name), found[name]) for name in frameworks.OTHERS if name in found]


def _body(record: Record) -> tuple[str, str]:
    properties: dict[str, Any] = record.properties or {}
    if record.body is None:
        return "", ""
    return display_text(
        bytes(record.body),
        properties.get("content_type"),
        properties.get("content_encoding"),
        queue=record.queue,
    )


def _log(record: Record) -> list[LogLine]:
    lines = record.log if isinstance(record.log, list) else []
    return [
        LogLine(float(offset) / 1000, str(level), LOG_LEVEL.get(str(level), ""), str(text))
        for offset, level, text in lines
    ]


def _table(stored: Any) -> list[tuple[str, str]]:
    """Return name and value of a stored table as text for a person; one that cannot be read as it is kept."""
    try:
        table = from_json(stored) or {}
    except ValueError:
        table = stored
    return [(str(name), _shown(value)) for name, value in table.items()]


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value)
