"""The lines of the charts: the last hour from the broker itself, all else from our own history."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from mqadmin.core import brokers, permissions
from mqadmin.queues.models import Queue
from mqadmin.queues.pages import history, live_queue
from mqadmin.queues.pages.charting import chart
from mqadmin.queues.pages.history import DEFAULT, Shown
from mqadmin.queues.views.queue import find
from mqadmin.rabbit.errors import RabbitError


@permissions.view.of("rows")
@require_safe
def queue_lengths(request: HttpRequest, queue_id: int) -> HttpResponse:
    """How long a queue was."""

    def live(queue: Queue) -> dict[str, Any]:
        lines = live_queue.history(queue)["lengths"]
        return chart(
            [
                (_("ready"), "accent", lines.get("ready", [])),
                (_("unacked"), "amber", lines.get("unacked", [])),
            ]
        )

    wanted = [(_("ready"), "accent", "ready"), (_("unacked"), "amber", "unacked")]
    return _of_queue(request, find(queue_id), live, wanted)


@permissions.view.of("rows")
@require_safe
def queue_rates(request: HttpRequest, queue_id: int) -> HttpResponse:
    """What came, was delivered and acked."""

    def live(queue: Queue) -> dict[str, Any]:
        lines = live_queue.history(queue)["rates"]
        return chart(
            [
                (_("in"), "accent", lines.get("publish", [])),
                (_("delivered"), "grey", lines.get("deliver", [])),
                (_("acked"), "green", lines.get("ack", [])),
                (_("redelivered"), "red", lines.get("redeliver", [])),
            ]
        )

    wanted = [
        (_("in"), "accent", "publish_rate"),
        (_("delivered"), "grey", "deliver_rate"),
        (_("acked"), "green", "ack_rate"),
        (_("redelivered"), "red", "redeliver_rate"),
    ]
    return _of_queue(request, find(queue_id), live, wanted)


@permissions.view.of("rows")
@require_safe
def queue_waits(request: HttpRequest, queue_id: int) -> HttpResponse:
    """How long its oldest ready message had waited: the broker keeps no such thing, so it is our own history."""
    queue = find(queue_id)
    shown = history.asked(request)
    names = (queue.vhost, queue.name)
    wanted = [(_("oldest waits"), "amber", "oldest")]
    found = history.kept(queue.broker.slug, "queue", names, wanted, shown, time.time())
    return JsonResponse(history.marked(found, history.happened(shown, queue.broker.slug, names)))


@permissions.view.of("broker")
@require_safe
def overview_rates(request: HttpRequest) -> JsonResponse:
    """What went through a broker."""
    wanted = [
        (_("in"), "accent", "publish_rate"),
        (_("acked"), "green", "ack_rate"),
        (_("redelivered"), "red", "redeliver_rate"),
    ]
    slug = brokers.current(request)
    shown = history.asked(request)
    found = history.kept(slug, "broker", ("", ""), wanted, shown, time.time())
    return JsonResponse(history.marked(found, history.happened(shown, slug)))


def _of_queue(
    request: HttpRequest, queue: Queue, live: Callable[[Queue], dict[str, Any]], wanted: history.Wanted
) -> JsonResponse:
    """Return the lines as asked for. Raises RabbitError where the broker does not answer and nothing is kept."""
    shown = history.asked(request)
    names = (queue.vhost, queue.name)
    found, fault = None, None
    if shown == Shown(DEFAULT):
        try:
            found = live(queue)
        except RabbitError as error:
            fault = error
    if found is None:
        found = history.kept(queue.broker.slug, "queue", names, wanted, shown, time.time())
    if fault and all(value is None for line in found["series"] for value in line["y"]):
        raise fault
    return JsonResponse(history.marked(found, history.happened(shown, queue.broker.slug, names)))
