"""Charts on the pages of exchanges, connections, channels and virtual hosts: the last hour, from the broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from mqadmin.administration.listed.naming import asked
from mqadmin.core import brokers, patience, permissions
from mqadmin.core.remembered import Remembered
from mqadmin.queues.pages.charting import chart
from mqadmin.rabbit.administration import past
from mqadmin.rabbit.types import Series

FRESH_S = 10.0  # so old a chart is at most
_kept: Remembered[Mapping[str, Series]] = Remembered(200)
Words = Callable[[], list[tuple[str, str, str]]]


@dataclass(frozen=True)
class _Chart:
    """What one chart takes: the names in its address, who reads its lines, what they are called.

    `lines`: label, tone and the line's name in what `read` returns.
    """

    names: tuple[str, ...]
    read: Callable[..., Mapping[str, Series]]
    lines: Words


def _exchange() -> list[tuple[str, str, str]]:
    return [(_("in"), "accent", "in"), (_("out, to queues"), "green", "out")]


def _connection() -> list[tuple[str, str, str]]:
    return [(_("from the client"), "accent", "received"), (_("to the client"), "green", "sent")]


def _rates() -> list[tuple[str, str, str]]:
    return [
        (_("in"), "accent", "publish"),
        (_("delivered"), "grey", "deliver"),
        (_("acked"), "green", "ack"),
        (_("redelivered"), "red", "redeliver"),
    ]


def _channel() -> list[tuple[str, str, str]]:
    return [*_rates(), (_("confirmed"), "blue", "confirm"), (_("returned"), "amber", "returned")]


def _lengths() -> list[tuple[str, str, str]]:
    return [(_("ready"), "accent", "ready"), (_("unacked"), "amber", "unacked")]


_CHARTS = {
    "exchanges": _Chart(("vhost", "name"), past.exchange, _exchange),
    "connections": _Chart(("name",), past.connection, _connection),
    "channels": _Chart(("name",), past.channel, _channel),
    "vhosts": _Chart(("name",), past.vhost, _rates),
    "vhost-lengths": _Chart(("name",), past.vhost, _lengths),
}


@permissions.view
@require_safe
def noun_past(request: HttpRequest, kind: str) -> HttpResponse:
    """Return the lines of one chart, for `static/js/charts.js`. Raises RabbitError where it is not told."""
    if kind not in _CHARTS:
        raise Http404(_("There is no such chart."))
    wanted = _CHARTS[kind]
    slug = brokers.current(request)
    names = asked(request, *wanted.names)
    # However many look, and at however many charts of one thing, the broker is asked once.
    key = (slug, wanted.read, *names, int(time.time() // FRESH_S))
    with patience.asking(slug):
        found = _kept.made(key, lambda: wanted.read(brokers.client(slug), *names))
    lines = [(label, tone, past.points(found[name])) for label, tone, name in wanted.lines() if name in found]
    return JsonResponse(chart(lines))
