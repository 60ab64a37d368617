"""What charts show: how far back, beside which earlier time, and from where, the broker or our own history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.history import happenings, reading, steps
from mqadmin.history.happenings import Asked, Happening
from mqadmin.history.reading import Lines
from mqadmin.queues.pages import charting

HOUR_S = 3_600
DAY_S = 86_400
MOST_SHOWN = 30


@dataclass(frozen=True)
class Span:
    """How much of the past a chart shows. `key` stands in addresses."""

    key: str
    seconds: int
    name: str | Promise


SPANS = (
    Span("5m", 300, gettext_lazy("last 5 minutes")),
    Span("1h", HOUR_S, gettext_lazy("last hour")),
    Span("6h", 6 * HOUR_S, gettext_lazy("last 6 hours")),
    Span("1d", DAY_S, gettext_lazy("last day")),
    Span("7d", 7 * DAY_S, gettext_lazy("last week")),
    Span("30d", 30 * DAY_S, gettext_lazy("last 30 days")),
    Span("90d", 90 * DAY_S, gettext_lazy("last 90 days")),
)
DEFAULT = SPANS[1]
EARLIER = {"1d": DAY_S, "7d": 7 * DAY_S}


@dataclass(frozen=True)
class Shown:
    """What a page's charts show: a span, perhaps beside the same span `earlier` seconds ago."""

    span: Span = DEFAULT
    against: str = ""

    @property
    def earlier(self) -> int:
        return EARLIER.get(self.against, 0)

    @property
    def query(self) -> str:
        """What addresses of charts and pages carry for it."""
        return f"span={self.span.key}" + (f"&against={self.against}" if self.against else "")


def lines(thing: tuple[str, str, str, str], key: str, now: float) -> Lines:
    """Return the lines of a thing (broker, kind, vhost, name) over the span of that key. Raises KeyError."""
    return _read(thing, {span.key: span for span in SPANS}[key], now, 0)


def asked(request: HttpRequest) -> Shown:
    """Return what an address asks for; what it does not know is the last hour, alone."""
    span = next((span for span in SPANS if span.key == request.GET.get("span")), DEFAULT)
    against = request.GET.get("against", "")
    return Shown(span, against if against in EARLIER else "")


def menu(shown: Shown) -> dict[str, Any]:
    """Return what `queues/_spans.html` needs."""
    names = {"": _("nothing"), "1d": _("the day before"), "7d": _("the week before")}
    return {
        "shown": shown,
        "spans": [(span, Shown(span, shown.against).query, span == shown.span) for span in SPANS],
        "against": [(names[key], Shown(shown.span, key).query, key == shown.against) for key in names],
    }


Wanted = Sequence[tuple[str, str, str]]
"""Label, tone, name of the number (`history.kinds`)."""


def kept(
    broker: str, kind: str, names: tuple[str, str], wanted: Wanted, shown: Shown, now: float
) -> dict[str, Any]:
    """Return the chart of a thing (`names`: vhost and name) from our own history."""
    thing = (broker, kind, *names)
    if not shown.earlier:
        return _chart(wanted, _read(thing, shown.span, now, 0))
    # An earlier time may be kept by coarser steps: both are told by those, so that they lie beside each other.
    before = _read(thing, shown.span, now, shown.earlier)
    found = _chart(wanted, _read(thing, shown.span, now, 0, width=before.seconds))
    label, _tone, number = wanted[0]
    text = _("%(what)s, the day before") if shown.against == "1d" else _("%(what)s, the week before")
    earlier = _chart([(text % {"what": label}, "grey", number)], before, moved=shown.earlier)
    joined = charting.joined(found, earlier)
    joined["series"][-1]["shape"] = "dashed"
    return joined


def marked(chart: dict[str, Any], found: Sequence[Happening]) -> dict[str, Any]:
    """Return the chart with the moments of what happened, as `static/js/charts.js` takes them."""
    chart["marks"] = [
        {"at": round(item.at.timestamp()), "tone": item.tone, "text": item.what} for item in found
    ]
    return chart


def _chart(wanted: Wanted, found: Lines, moved: int = 0) -> dict[str, Any]:
    times = [(at + moved) // found.seconds * found.seconds for at in found.times]
    return charting.chart(
        [(label, tone, list(zip(times, found.lines[number], strict=True))) for label, tone, number in wanted]
    )


def _read(thing: tuple[str, str, str, str], span: Span, now: float, earlier: int, width: int = 0) -> Lines:
    """Return lines of the span that ended `earlier` seconds ago."""
    until = int(now) - earlier
    return reading.read(
        *thing, since=until - span.seconds, until=until, steps=steps.configured(), now=now, width=width
    )


def happened(shown: Shown, broker: str, queue: tuple[str, str] | None = None) -> list[Happening]:
    """Return what happened in the span, the newest first."""
    now = timezone.now()
    since = now - timedelta(seconds=shown.span.seconds)
    return happenings.between(Asked(broker, since, now, queue), most=MOST_SHOWN)
