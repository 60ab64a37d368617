"""One consumer: its state in words, its processes, what happened, what it handled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from consumers.definitions import sentence, wording
from consumers.files import truth
from consumers.forms.records import RecordFilter
from consumers.handlers import registry
from consumers.models import Consumer, ConsumerEvent
from consumers.records import finding
from consumers.status import remembered, summary, tones
from consumers.views import buttons
from consumers.views.actions import about
from consumers.views.process_rows import process_rows
from mqadmin.core import permissions
from mqadmin.core.pages import rendering
from mqadmin.queues.models import Queue
from mqadmin.queues.pages import history

EVENTS = 30
DECISIONS = 5  # of autoscaling, below its chart
SCALING = timedelta(hours=6)  # that the chart shows


@dataclass(frozen=True)
class EventRow:
    """One thing that happened, with the colour of its point."""

    event: ConsumerEvent

    @property
    def tone(self) -> str:
        return tones.EVENT.get(self.event.kind, "grey")

    @property
    def printed(self) -> str:
        """The last lines that a process printed before it died; "" of anything else."""
        return "" if self.event.kind in ("scaled", "not_scaled") else self.event.detail


@permissions.view.of("rows")
@require_GET
def consumer_detail(request: HttpRequest, name: str) -> HttpResponse:
    """The page; its fragment is everything above the records."""
    consumer = get_object_or_404(Consumer, name=name)
    about(request, consumer)
    found = summary.summary(consumer)
    form = RecordFilter(request.GET)
    context = {
        "consumer": consumer,
        "summary": found,
        "buttons": buttons.buttons(found),
        "more": buttons.more(found),
        "restarts": buttons.restarts(found),
        "scaling_buttons": buttons.scaling(found),
        "processes": process_rows(consumer, found),
        "events": [EventRow(row) for row in consumer.events.all()[:EVENTS]],
        "scaling": wording.autoscaled(consumer),
        "decisions": _decisions(consumer),
        "is_fragment": rendering.wants_fragment(request),
        "queue": (queue := _queue(consumer)),
        "ready": queue.ready if queue is not None else None,
        "handler": _handler(consumer, whole=not permissions.denial_of(request, "configure")),
        "truth": truth.of(consumer),
        "outlook": wording.outlook(consumer),
        "settings": wording.beyond_defaults(consumer),
    }
    if not rendering.wants_fragment(request):
        context |= record_context(consumer, form)
        context["sentences"] = sentence.of(consumer)
        context |= history.menu(history.asked(request))
    return rendering.page(request, "consumers/detail.html", context, fragment="consumers/_state.html")


def _decisions(consumer: Consumer) -> list[ConsumerEvent]:
    """The newest decisions of autoscaling; none of one that is not autoscaled."""
    if not consumer.is_autoscaled:
        return []
    return list(consumer.events.filter(kind__in=("scaled", "not_scaled"))[:DECISIONS])


@permissions.view.of("rows")
@require_GET
def consumer_history(request: HttpRequest, name: str) -> HttpResponse:
    """What it handled and how many processes ran, for `static/js/charts.js`."""
    return JsonResponse(remembered.chart(get_object_or_404(Consumer, name=name), history.asked(request)))


@permissions.view.of("rows")
@require_GET
def consumer_scaling(request: HttpRequest, name: str) -> HttpResponse:  # noqa: ARG001
    """What autoscaling saw and decided lately, for `static/js/charts.js`: processes over the backlog."""
    consumer = get_object_or_404(Consumer, name=name)
    rows = consumer.scale_points.filter(at__gte=timezone.now() - SCALING).order_by("at")
    points = list(rows.values_list("at", "backlog", "replicas"))
    return JsonResponse(
        {
            "x": [round(at.timestamp()) for at, _backlog, _replicas in points],
            "series": [
                {
                    "label": _("waiting"),
                    "tone": "amber",
                    "shape": "area",
                    "y": [backlog for _at, backlog, _replicas in points],
                },
                {
                    "label": _("processes"),
                    "tone": "accent",
                    "shape": "steps",
                    "axis": "right",
                    "y": [replicas for _at, _backlog, replicas in points],
                },
            ],
        }
    )


def record_context(consumer: Consumer, form: RecordFilter) -> dict[str, Any]:
    """Return what the list of records is rendered with."""
    wanted = form.wanted
    before = form.number("before")
    return {
        "consumer": consumer,
        "form": form,
        "wanted": wanted,
        "before": before,
        "page": finding.page(wanted, consumer, before=before),
        "searched": finding.SEARCHED,
    }


def _queue(consumer: Consumer) -> Queue | None:
    rows = Queue.objects.filter(broker__slug=consumer.broker, vhost=consumer.vhost, name=consumer.queue)
    return rows.filter(gone_at=None).first()


def _handler(consumer: Consumer, *, whole: bool) -> dict[str, Any]:
    """Return the handler's title, or why it cannot be used: a process would fail for the same reason.

    `whole`: with all of its options; else what may be a secret in them is hidden.
    """
    try:
        found = registry.get(consumer.handler)
    except registry.HandlerError as error:
        return {"problem": str(error)}
    labels = registry.labels(consumer.handler)
    values = consumer.options if whole else registry.shown(consumer.handler, consumer.options)
    return {
        "title": found.title,
        "options": [(labels.get(name, name), value) for name, value in values.items()],
    }
