"""The overview of a broker: what is wrong first, then totals, rates and nodes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from mqadmin.core import brokers, hooks, permissions
from mqadmin.core.pages import rendering
from mqadmin.core.pages.formats import ago, size
from mqadmin.queues.models import Broker
from mqadmin.queues.pages.broker_status import BrokerStatus, status_of
from mqadmin.queues.pages.charting import chart

NEAR = 0.75  # of its limit: a node's memory is then amber


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
        "nodes": [_node(node) for node in status.broker.nodes] if status and status.broker else [],
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


def _node(node: dict[str, Any]) -> dict[str, Any]:
    used, limit = node.get("mem_used"), node.get("mem_limit")
    share = used / limit if used is not None and limit else None
    alarm = bool(node.get("mem_alarm") or node.get("disk_free_alarm"))
    down = not node.get("running", True)
    near = share is not None and share >= NEAR
    tone = "red" if alarm or down else "amber" if near or node.get("partitions") else "green"
    return {
        "name": node["name"],
        "tone": tone,
        "state": _node_state(node, near=near),
        "mem_used": used,
        "mem_limit": limit,
        "percent": None if share is None else round(100 * share),
        "memory": size(limit),
        "disk_free": node.get("disk_free"),
        "uptime": _uptime(node.get("uptime_s")),
        "is_down": down,
    }


def _uptime(seconds: float | None) -> str:
    """Return the largest unit only: "41 d"."""
    return ago(None if seconds is None else timezone.now() - timedelta(seconds=seconds))


def _node_state(node: dict[str, Any], *, near: bool) -> str:
    if not node.get("running", True):
        return _("down")
    if node.get("mem_alarm"):
        return _("memory alarm")
    if node.get("disk_free_alarm"):
        return _("disk alarm")
    if node.get("partitions"):
        return _("partitioned")
    return _("memory nearly used up") if near else _("running")
