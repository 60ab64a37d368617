"""The overview of a broker: what is wrong first, then totals, rates and nodes."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from mqadmin.core import brokers, hooks, permissions
from mqadmin.core.pages import rendering
from mqadmin.queues.pages import history, nodes, rights
from mqadmin.queues.pages.broker_status import BrokerStatus, status_of


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
        "made_of": nodes.made_of(status.broker) if status and status.broker else "",
        "notes": rights.notes(status.broker) if status else [],
        "is_quiet": _is_quiet(status),
    }
    if not rendering.wants_fragment(request):
        shown = history.asked(request)
        context |= history.menu(shown) | {"happened": history.happened(shown, slug) if slug else []}
    return rendering.page(request, "queues/overview.html", context, fragment="queues/_overview_live.html")


def _is_quiet(status: BrokerStatus | None) -> bool:
    """Whether a broker answers but has no queue at all: then the page says how to begin."""
    return bool(status and status.broker and status.broker.sampled_at and not status.broker.queue_count)
