"""The incidents: what fires, what is over, and what a person does about one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mqadmin.alerts.acts import incidents as acts
from mqadmin.alerts.acts import state
from mqadmin.alerts.models import Channel, Incident
from mqadmin.alerts.pages import channels, incidents, subjects, timeline
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.pages import rendering

FIRING_SHOWN = 200
PER_PAGE = 50


@permissions.view.of("rows")
@require_GET
def incident_list(request: HttpRequest) -> HttpResponse:
    """What fires, of all brokers or of one (`?on=`), then what is over, a page of it."""
    on = request.GET.get("on", "")
    on = on if on in brokers.configs() else ""
    firing = incidents.firing(on)
    page = Paginator(incidents.resolved(on), PER_PAGE).get_page(request.GET.get("page"))
    known = list(brokers.configs())
    context = {
        "firing": incidents.rows(firing[:FIRING_SHOWN]),
        "firing_count": firing.count(),
        "page": page,
        "resolved": incidents.rows(page),
        "on": on,
        "brokers": known if len(known) > 1 else [],
        "spans": incidents.spans(),
        "notes": channels.notes() if permissions.may(request.user, "view") else [],
        "examples": channels.EXAMPLES,
        "is_new": not Channel.objects.exists() and not Incident.objects.exists(),
        "engine": state.engine(),
        "is_part": not permissions.may(request.user, "view"),
    }
    return rendering.page(request, "alerts/list.html", context, fragment="alerts/_list.html")


@permissions.view.of("rows")
@require_GET
def incident_detail(request: HttpRequest, incident_id: int) -> HttpResponse:
    """One incident: what fires and why, what to do, who was told, who looks after it."""
    incident = get_object_or_404(Incident, pk=incident_id)
    row = incidents.row(incident)
    page = Paginator(subjects.of(incident), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "row": row,
        "incident": row.incident,
        "page": page,
        "subjects": subjects.shown(page),
        "advice": subjects.advice(incident, page),
        "steps": timeline.steps(row.incident),
        "spans": incidents.spans(),
        "silence_query": subjects.silence_query(incident, page),
        "is_part": not permissions.may(request.user, "view"),
        "no_silence": permissions.denial(request.user, "operate"),
    }
    return rendering.page(request, "alerts/incident.html", context, fragment="alerts/_incident.html")


def _acting(
    request: HttpRequest, incident_id: int, act: Callable[[Incident, Actor], Any], words: str
) -> HttpResponse:
    incident = get_object_or_404(Incident, pk=incident_id)
    act(incident, audit.actor(request))
    return rendering.acted(request, words, to=reverse("incident_detail", args=[incident_id]))


@permissions.operate.of("rows")
@require_POST
def incident_acknowledge(request: HttpRequest, incident_id: int) -> HttpResponse:
    """Say that one looks after it."""
    words = _("Acknowledged. It is not repeated and not escalated.")
    return _acting(request, incident_id, lambda found, by: acts.acknowledge(incident=found, by=by), words)


@permissions.operate.of("rows")
@require_POST
def incident_reopen(request: HttpRequest, incident_id: int) -> HttpResponse:
    """Take the acknowledgement back."""
    words = _("Nobody looks after it now.")
    return _acting(request, incident_id, lambda found, by: acts.reopen(incident=found, by=by), words)


@permissions.operate.of("rows")
@require_POST
def incident_snooze(request: HttpRequest, incident_id: int) -> HttpResponse:
    """Have nobody told of it for a while; `for`: one of `incidents.spans`, `seen`: what the page showed."""
    ends = incidents.until(request.POST.get("for", ""), timezone.now())
    seen = incidents.seen(request.GET.get("seen", ""))

    def act(found: Incident, by: Actor) -> Incident:
        return incidents.snooze(incident=found, ends=ends, seen=seen, by=by)

    return _acting(request, incident_id, act, _("Snoozed. You are told if it gets worse."))


@permissions.operate.of("rows")
@require_POST
def incident_wake(request: HttpRequest, incident_id: int) -> HttpResponse:
    """End a snooze before its time."""
    words = _("Awake again.")
    return _acting(request, incident_id, lambda found, by: acts.wake(incident=found, by=by), words)
