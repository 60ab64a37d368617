"""The page on which a handler is tried on one message."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from consumers.forms.trying import SampleForm
from consumers.models import Consumer, Record
from consumers.status import tones
from consumers.trying import trial_message, trying
from consumers.trying.trying import Trial
from consumers.views.records import LogLine
from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.core.tones import LOG_LEVEL
from mqadmin.rabbit.numbers import whole

OUTCOMES: dict[str, Any] = {
    "acked": gettext_lazy("acked"),
    "retried": gettext_lazy("retried"),
    "dead_lettered": gettext_lazy("dead-lettered"),
    "timed_out": gettext_lazy("timed out"),
    "crashed": gettext_lazy("crashed"),
    "not_run": gettext_lazy("not run"),
}


@permissions.operate.of("rows")
@require_http_methods(["GET", "POST"])
def consumer_try(request: HttpRequest, name: str) -> HttpResponse:
    """GET: the form, filled with the message of `record` where the address names one. POST: run it."""
    consumer = get_object_or_404(Consumer, name=name)
    if request.method == "GET":
        try:
            return _show(request, consumer, SampleForm(initial=_initial(request, consumer)))
        except Refusal as refusal:
            form = SampleForm(initial={"routing_key": consumer.queue})
            return _show(request, consumer, form, refused=refusal.text, status=refusal.status)
    form = SampleForm(request.POST)
    if not form.is_valid():
        return _show(request, consumer, form, status=422)
    try:
        message = trial_message.typed(**form.cleaned_data)
        trial = trying.run(consumer=consumer, by=audit.actor(request), message=message)
    except Refusal as refusal:
        for field, text in refusal.fields.items():
            form.add_error(field, text)
        refused = "" if refusal.fields else refusal.text
        return _show(request, consumer, form, refused=refused, status=refusal.status)
    return _show(request, consumer, form, trial=trial)


def _initial(request: HttpRequest, consumer: Consumer) -> dict[str, Any]:
    """The message of the record that the address names, as the form writes it. Raises Refusal, Http404."""
    pk = whole(request.GET.get("record", ""))
    if pk is None:
        return {"routing_key": consumer.queue}
    record = get_object_or_404(Record.objects.select_related("consumer"), pk=pk, consumer=consumer)
    message = trial_message.recorded(record)
    body, encoding = trial_message.written(message.body)
    return {
        "body": body,
        "encoding": encoding,
        "exchange": message.exchange,
        "routing_key": message.routing_key,
        "redelivered": message.redelivered,
        "headers": _written(record.headers),
        "properties": _written(record.properties),
    }


def _written(table: Any) -> str:
    return json.dumps(table, ensure_ascii=False) if table else ""


def _show(
    request: HttpRequest,
    consumer: Consumer,
    form: SampleForm,
    *,
    trial: Trial | None = None,
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "consumer": consumer,
        "form": form,
        "trial": trial,
        "refused": refused,
        "limit": trying.limit(consumer),
    }
    if trial is not None:
        context |= {
            "outcome": OUTCOMES[trial.outcome],
            "tone": tones.OUTCOME[trial.outcome],
            "seconds": None if trial.duration_ms is None else trial.duration_ms / 1000,
            "log": [
                LogLine(line.offset_ms / 1000, line.level, LOG_LEVEL.get(line.level, ""), line.text)
                for line in trial.log
            ],
        }
    return rendering.page(request, "consumers/try.html", context, status=status)
