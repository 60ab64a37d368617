"""The link in a message: a page that asks, for who has it, signed in or not. Only a POST acts."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from mqadmin.alerts.acts import incidents as acts
from mqadmin.alerts.models import Incident
from mqadmin.alerts.pages import incidents
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.rights import asking

SPANS = ("15m", "1h", "4h")
NOBODY_KNOWN = Actor("link in a message")  # no user's name: it has blanks


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def incident_link(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether to acknowledge or to snooze; do it on a POST. Says so when the link is old, or none of ours."""
    with asking.asks(None):  # it is the link that opens this one incident, whoever has it
        return _answer(request, token)


def _answer(request: HttpRequest, token: str) -> HttpResponse:
    try:
        incident = acts.by_link(token)
    except Refusal as refusal:
        return _show(request, {"fault": refusal.text}, refusal.status)
    done, fault, status = "", "", 200
    if request.method == "POST":
        try:
            done = _act(request, incident, _who(request))
        except Refusal as refusal:
            fault, status = refusal.text, refusal.status
    spans = [(value, words) for value, words in incidents.spans() if value in SPANS]
    context = {
        "row": incidents.row(incident),
        "incident": incident,
        "done": done,
        "refused": fault,
        "spans": spans,
    }
    return _show(request, context, status)


def _act(request: HttpRequest, incident: Incident, by: Actor) -> str:
    if span := request.POST.get("for", ""):
        ends, seen = incidents.until(span, timezone.now()), incidents.seen(request.POST.get("seen", ""))
        incidents.snooze(by=by, incident=incident, ends=ends, seen=seen)
        return _("Snoozed until %(until)s.") % {"until": incidents.clock(incident.snoozed_until)}
    acts.acknowledge(by=by, incident=incident)
    return _("Acknowledged. It is not repeated and not escalated.")


def _who(request: HttpRequest) -> Actor:
    """Return who has the link: the person who is signed in; else nobody knows who."""
    return audit.actor(request) if request.user.is_authenticated else NOBODY_KNOWN


def _show(request: HttpRequest, context: dict[str, Any], status: int) -> HttpResponse:
    response = render(request, "alerts/link.html", context, status=status)
    response["Referrer-Policy"] = "no-referrer"  # the address is the right to act
    return response
