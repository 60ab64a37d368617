"""The overview: all brokers, the worst first; of one what is wrong, its totals and rates, and what stands out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from mqadmin.core import brokers, hooks, permissions
from mqadmin.core.hooks import Attention
from mqadmin.core.pages import once, rendering
from mqadmin.core.rights import naming
from mqadmin.history.happenings import Happening
from mqadmin.queues.pages import fleet, halves, history, nodes, rights, standouts, totals
from mqadmin.queues.pages.broker_status import BrokerStatus, status_now
from mqadmin.queues.pages.fleet import Seen
from mqadmin.queues.pages.halves import Part
from mqadmin.queues.pages.standouts import Standouts

HAPPENED = 12


@permissions.view.of("rows")
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """All brokers where there are several; the one that was chosen, else the worst, in full."""
    with once.reading():
        return _overview(request)


def _overview(request: HttpRequest) -> HttpResponse:
    everywhere = fleet.everywhere(request.user) if len(brokers.configs()) > 1 else []
    slug = _chosen(request, everywhere)
    status = status_now(slug) if slug else None
    broker = status.broker if status else None
    shown = history.asked(request)
    is_whole = naming.holds("view", slug)  # of a part there are sums and queues, no nodes, no history
    context = {
        "slug": slug,
        "everywhere": everywhere,
        "broker_status": status,
        "tiles": hooks.overview_tiles(slug) if slug else [],
        "attention": _attention(request, slug, everywhere),
        "is_whole": is_whole,
        "nodes": [nodes.shown(node) for node in broker.nodes] if broker and is_whole else [],
        "made_of": nodes.made_of(broker) if broker else "",
        "clients": nodes.clients(broker) if broker and is_whole else [],
        "notes": rights.notes(broker) if status else [],
        "is_quiet": _is_quiet(status),
        "standouts": standouts.of(broker, time.time()) if broker else [],
        "happened": history.happened(shown, slug)[:HAPPENED] if slug else [],
        **history.menu(shown),
    }
    if not rendering.wants_fragment(request):
        context["columns"] = _columns(context)
    return rendering.page(request, "queues/overview.html", context, fragment="queues/_overview_live.html")


def _chosen(request: HttpRequest, everywhere: Sequence[Seen]) -> str:
    """Return the broker that was chosen, now or before in this session; of several, until one was, the worst."""
    asked = request.GET.get("broker") or request.session.get(brokers.SESSION_KEY)
    if everywhere and (not asked or brokers.scope(request) == brokers.EVERY):
        brokers.show(request, everywhere[0].slug)
    return brokers.current(request)


def _attention(request: HttpRequest, slug: str, everywhere: Sequence[Seen]) -> Sequence[Attention]:
    found = next((item.attention for item in everywhere if item.slug == slug), None)
    if found is not None:
        return found
    return hooks.attention(slug, request.user) if slug else []


def _columns(context: dict[str, Any]) -> tuple[list[Part], list[Part]]:
    found: list[Standouts] = context["standouts"]
    happened: list[Happening] = context["happened"]
    is_whole: bool = context["is_whole"]
    return halves.balanced(
        Part("queues/_attention.html", halves.rows(max(len(context["attention"]), 1), each=88)),
        Part("queues/_rates.html", 320 if is_whole else 0),
        [
            *([Part("queues/_nodes.html", halves.rows(len(context["nodes"]), each=92))] if is_whole else []),
            *(Part("queues/_standouts.html", halves.rows(len(item.queues)), item) for item in found),
            Part("queues/_happened.html", halves.rows(len(happened))),
        ],
    )


def _is_quiet(status: BrokerStatus | None) -> bool:
    """Whether a broker answers but has no queue at all: then the page says how to begin."""
    return bool(status and status.broker and status.broker.sampled_at and not totals.queues(status.broker))
