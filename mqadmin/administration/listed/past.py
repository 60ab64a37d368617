"""Charts on the pages of exchanges, connections, channels and virtual hosts: the last hour, from the broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from mqadmin.administration.listed.naming import asked
from mqadmin.administration.listing import kinds, reading
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

    `require` sees that who asks may see that; `lines`: label, tone and the line's name in what `read` returns.
    """

    names: tuple[str, ...]
    require: Callable[..., None]
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


def _in_vhost(slug: str, vhost: str, _name: str) -> None:
    permissions.require(slug, vhost)


def _listed_in(kind: str) -> Callable[[str, str], None]:
    """Return what sees that there is such a row in a list of who asks: its name does not tell of what it is."""

    def require(slug: str, name: str) -> None:
        found = kinds.kind(kind)
        if not permissions.allows(slug) and (
            found is None or reading.look(slug, found).rows().before((name,)) is None
        ):
            raise Http404(_("There is no such chart."))

    return require


_CHARTS = {
    "exchanges": _Chart(("vhost", "name"), _in_vhost, past.exchange, _exchange),
    "connections": _Chart(("name",), _listed_in("connections"), past.connection, _connection),
    "channels": _Chart(("name",), _listed_in("channels"), past.channel, _channel),
    "vhosts": _Chart(("name",), permissions.require, past.vhost, _rates),
    "vhost-lengths": _Chart(("name",), permissions.require, past.vhost, _lengths),
}


@permissions.view.of("vhost")
@require_safe
def noun_past(request: HttpRequest, kind: str) -> HttpResponse:
    """Return the lines of one chart, for `static/js/charts.js`. Raises RabbitError where it is not told."""
    if kind not in _CHARTS:
        raise Http404(_("There is no such chart."))
    wanted = _CHARTS[kind]
    slug = brokers.current(request)
    names = asked(request, *wanted.names)
    wanted.require(slug, *names)
    # However many look, and at however many charts of one thing, the broker is asked once.
    key = (slug, wanted.read, *names, int(time.time() // FRESH_S))
    with patience.asking(slug):
        found = _kept.made(key, lambda: wanted.read(brokers.client(slug), *names))
    lines = [(label, tone, past.points(found[name])) for label, tone, name in wanted.lines() if name in found]
    return JsonResponse(chart(lines))
