"""The overview of a broker: what is wrong first, then totals, rates and nodes."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from mqadmin.core import brokers, hooks, permissions
from mqadmin.core.pages import rendering
from mqadmin.queues.models import Broker
from mqadmin.queues.pages import nodes, rights
from mqadmin.queues.pages.broker_status import BrokerStatus, status_of
from mqadmin.queues.pages.charting import chart


@permissions.view
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """What needs attention, the totals, the rates of the last hour, the nodes."""
    slug = brokers.current(request)
    status = status_of(slug) if slug else None
    context = {
        "slug": slug,
        "broker_status": status,
        "tiles": hooks.overview_tiles(slug) if slug else [],
        "attention": hooks.attention(slug, request.user) if slug else [],
        "nodes": [nodes.shown(node) for node in status.broker.nodes] if status and status.broker else [],
        "notes": rights.notes(status.broker) if status else [],
        "is_quiet": _is_quiet(status),
    }
    return rendering.page(request, "queues/overview.html", context, fragment="queues/_overview_live.html")


@permissions.view
@require_safe
def overview_rates(request: HttpRequest) -> JsonResponse:
    """The rates of the last hour, for the chart."""
    broker = Broker.objects.filter(slug=brokers.current(request)).first()
    history = broker.history if broker else {}
    lines = [
        (_("in"), "accent", history.get("publish_rate", [])),
        (_("acked"), "green", history.get("ack_rate", [])),
        (_("redelivered"), "red", history.get("redeliver_rate", [])),
    ]
    return JsonResponse(chart(lines))


def _is_quiet(status: BrokerStatus | None) -> bool:
    """Whether a broker answers but has no queue at all: then the page says how to begin."""
    return bool(status and status.broker and status.broker.sampled_at and not status.broker.queue_count)
