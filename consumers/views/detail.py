"""One consumer: its state in words, its processes, what happened, what it handled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_GET

from consumers import outputs, records, status, summary, wording
from consumers.forms import RecordFilter
from consumers.handlers import registry
from consumers.models import Consumer, ConsumerEvent, ConsumerProcess
from consumers.views import buttons
from mqadmin.core import permissions, rendering
from mqadmin.queues.models import Queue

EVENTS = 30
ENDED = 5  # processes that are over, shown below those that run
LINES = 500
EVENT_TONES = {
    "connected": "green",
    "unblocked": "green",
    "started": "green",
    "asked": "blue",
    "redeliver": "blue",
    "blocked": "amber",
    "disconnected": "amber",
    "unsubscribed": "amber",
    "parked": "amber",
    "copy_refused": "amber",
    "overdue": "amber",
    "crashed": "red",
    "killed": "red",
    "failed": "red",
    "configuration": "red",
}


@dataclass(frozen=True)
class ProcessRow:
    """One line of the table of processes."""

    process: ConsumerProcess
    tone: str
    words: str
    is_live: bool
    is_older: bool
    connection: str = ""
    blocked: str = ""
    room: int | None = None  # how many it may hold unacked; None: it runs with settings that are gone


@dataclass(frozen=True)
class EventRow:
    """One thing that happened, with the colour of its point."""

    event: ConsumerEvent

    @property
    def tone(self) -> str:
        return EVENT_TONES.get(self.event.kind, "grey")


@permissions.view
@require_GET
def consumer_detail(request: HttpRequest, name: str) -> HttpResponse:
    """The page; its fragment is everything above the records."""
    consumer = get_object_or_404(Consumer, name=name)
    found = summary.summary(consumer)
    form = RecordFilter(request.GET)
    context = {
        "consumer": consumer,
        "summary": found,
        "buttons": buttons.buttons(found),
        "more": buttons.more(found),
        "restart": buttons.restart(found),
        "processes": _processes(consumer, found),
        "events": [EventRow(row) for row in consumer.events.all()[:EVENTS]],
        "is_fragment": rendering.wants_fragment(request),
        "queue": (queue := _queue(consumer)),
        "ready": queue.ready if queue is not None else None,
        "handler": _handler(consumer),
        "settings": wording.beyond_defaults(consumer),
    }
    if not rendering.wants_fragment(request):
        context |= record_context(consumer, form)
    return rendering.page(request, "consumers/detail.html", context, fragment="consumers/_state.html")


def record_context(consumer: Consumer, form: RecordFilter) -> dict[str, Any]:
    """Return what the list of records is rendered with."""
    wanted = form.wanted
    before = form.number("before")
    return {
        "consumer": consumer,
        "form": form,
        "wanted": wanted,
        "before": before,
        "page": records.page(wanted, consumer, before=before),
        "searched": records.SEARCHED,
    }


def _processes(consumer: Consumer, found: summary.Summary) -> list[ProcessRow]:
    now = timezone.now()
    ended = consumer.processes.exclude(ended_at=None).order_by("-ended_at")[:ENDED]
    return [_process(row, consumer, now) for row in [*found.processes, *ended]]


def _process(row: ConsumerProcess, consumer: Consumer, now: datetime) -> ProcessRow:
    is_live = row.ended_at is None and row.state in status.LIVE
    is_older = is_live and row.revision < consumer.revision
    return ProcessRow(
        process=row,
        tone="red" if status.is_silent(row, now) else status.PROCESS_TONES.get(row.state, "grey"),
        words=status.process_words(row, now),
        is_live=is_live,
        is_older=is_older,
        connection=status.connection_words(row, now) if is_live else "",
        blocked=status.blocked_words(row) if is_live else "",
        room=None if is_older else consumer.prefetch,
    )


def _queue(consumer: Consumer) -> Queue | None:
    rows = Queue.objects.filter(broker__slug=consumer.broker, vhost=consumer.vhost, name=consumer.queue)
    return rows.filter(gone_at=None).first()


def _handler(consumer: Consumer) -> dict[str, Any]:
    """Return the handler's title, or why it cannot be used: a process would fail for the same reason."""
    try:
        found = registry.get(consumer.handler)
    except registry.HandlerError as error:
        return {"problem": str(error)}
    labels = {item.name: item.label for item in registry.option_fields(found)}
    options = [(labels.get(name, name), value) for name, value in consumer.options.items()]
    return {"title": found.title, "options": options}


@permissions.view
@require_GET
def process_output(request: HttpRequest, pk: int) -> HttpResponse:
    """What a process printed: its newest lines."""
    process = get_object_or_404(ConsumerProcess.objects.select_related("consumer"), pk=pk)
    text, reason = outputs.read(process, lines=LINES)
    context = {
        "process": process,
        "consumer": process.consumer,
        "text": text,
        "reason": reason,
        "lines": LINES,
    }
    return rendering.page(request, "consumers/output.html", context, fragment="consumers/_output.html")
