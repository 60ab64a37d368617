"""The versions of a broker's definitions, one of them, and two compared."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mqadmin.core import brokers, permissions
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.definitions.acts import sources
from mqadmin.definitions.comparing import differing
from mqadmin.definitions.keeping import asking, versions, who
from mqadmin.definitions.models import Version, Watch
from mqadmin.definitions.pages import showing, timeline, words
from mqadmin.queues.pages.broker_status import live_fault
from mqadmin.rabbit.errors import RabbitError

PER_PAGE = 30
TO_CHOOSE = 100  # versions in the lists of the page that compares


@permissions.view.of("broker")
@require_GET
def version_list(request: HttpRequest) -> HttpResponse:
    """The timeline, the newest first."""
    broker = brokers.current(request)
    permissions.about(request, broker)
    page = Paginator(Version.objects.filter(broker=broker).defer("parts"), PER_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "broker": broker,
        "page": page,
        "rows": timeline.rows(page.object_list),
        "state": timeline.state(broker),
    }
    return rendering.page(request, "definitions/list.html", context, fragment="definitions/_list.html")


@permissions.operate.of("broker")
@require_POST
def version_look(request: HttpRequest) -> HttpResponse:
    """Ask the broker now."""
    broker = brokers.current(request)
    if not broker:
        raise Refusal(_("No broker is configured."), "no_broker")
    made = asking.look(broker)
    text = _("They changed: a new version is kept.") if made else _("Nothing changed.")
    return rendering.acted(request, text, to=reverse("definitions_list"))


@permissions.view.of("rows")
@require_GET
def version_detail(request: HttpRequest, version_id: int) -> HttpResponse:
    """What one version changed, object by object, and who did it; of one virtual host alone (`vhost`)."""
    version = get_object_or_404(Version, pk=version_id)
    permissions.about(request, version.broker)
    brokers.show(request, version.broker)
    earlier = versions.before(version)
    found = [] if earlier is None else versions.between(earlier, version)
    traces = None
    if earlier is not None:
        # Where versions between the two were dropped, what changed in them was done before the last look, too.
        was_thinned = len(found) != sum(version.changed.values())
        since = earlier.at if was_thinned else version.since
        traces = who.traces(version.broker, since, version.at)
    if vhost := request.GET.get("vhost"):
        found = [item for item in found if item.key.vhost == vhost]
    context = {
        "version": version,
        "earlier": earlier,
        "later": Version.objects.filter(broker=version.broker, pk__gt=version.pk).last(),
        "counts": words.kinds_counted(version.counts),
        "compared": showing.compared(found, traces),
        "is_heard": _is_heard(version),
        "is_newest": versions.newest(version.broker) == version,
    }
    return rendering.page(request, "definitions/version.html", context)


def _is_heard(version: Version) -> bool:
    """Whether the broker's events were listened to when it changed."""
    since = Watch.objects.filter(broker=version.broker).values_list("listening_since", flat=True).first()
    return since is not None and since <= (version.since or version.at)


@permissions.view.of("broker")
@require_GET
def version_compare(request: HttpRequest) -> HttpResponse:
    """Any two: versions, or brokers as they are now; of all or of one virtual host."""
    broker = brokers.current(request)
    permissions.about(request, broker)
    one, other = request.GET.get("one", ""), request.GET.get("other", "") or sources.NOW
    vhost = request.GET.get("vhost") or None
    context: dict[str, Any] = {
        "one": one,
        "other": other,
        "vhost": vhost,
        "choices": _choices(broker, one, other),
        "fault": None,
        "refusal": "",
        "compared": None,
        "broker": broker,
    }
    status = 200
    if one:
        try:
            before, after = sources.found(one, broker), sources.found(other, broker)
            found = differing.differences(before.objects, after.objects, vhost=vhost)
            names = {*sources.vhosts_of(before.objects), *sources.vhosts_of(after.objects)}
            context |= {
                "compared": showing.compared(found),
                "before": before,
                "after": after,
                "vhosts": sorted(names)[:500],
            }
        except Refusal as error:
            context["refusal"], status = error.text, error.status
        except RabbitError as error:
            context["fault"], status = live_fault(error), 503
    return rendering.page(request, "definitions/compare.html", context, status=status)


def _choices(broker: str, *asked: str) -> list[tuple[str, str]]:
    """Return what may be compared: (value, words)."""
    now = [(sources.NOW, _("%(broker)s now") % {"broker": broker})]
    now += [
        (f"{sources.NOW}:{slug}", _("%(broker)s now") % {"broker": slug})
        for slug in brokers.configs()
        if slug != broker and permissions.allows(slug)
    ]
    rows = list(Version.objects.filter(broker=broker).defer("parts", "told")[:TO_CHOOSE])
    known = {str(row.pk) for row in rows}
    numbers = [int(spec) for spec in asked if spec.isdecimal() and len(spec) < 18 and spec not in known]
    rows += list(Version.objects.filter(pk__in=numbers).defer("parts", "told"))
    return now + [(str(row.pk), _called(row)) for row in rows]


def _called(version: Version) -> str:
    return f"{version.broker} {version.at:%Y-%m-%d %H:%M:%S} · {timeline.summary(version)}"


def compare_address(one: object, other: object) -> str:
    """Return the address of the page that compares two."""
    return f"{reverse('definitions_compare')}?{urlencode({'one': str(one), 'other': str(other)})}"
