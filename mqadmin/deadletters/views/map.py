"""The map of dead letters: a vhost's queues as a picture and as a list, with what is wrong."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from mqadmin.core import brokers, permissions
from mqadmin.core.pages import rendering
from mqadmin.deadletters.map import drawing, mapping
from mqadmin.queues.pages.broker_status import status_of

_LISTED = 500


@permissions.view.of("rows")
@require_GET
def letter_map(request: HttpRequest) -> HttpResponse:
    """Where every queue's dead letters go. Vhost, text and "only what is wrong" are in the address."""
    broker = brokers.current(request)
    vhosts = mapping.vhosts(broker)
    asked = request.GET.get("vhost", "")
    vhost = asked if asked in vhosts else mapping.first(broker)
    whole = mapping.of(broker, vhost)
    q, only = request.GET.get("q", "")[:255], request.GET.get("show") == "wrong"
    found = mapping.narrowed(whole, q=q, only_flagged=only)
    places = sorted(
        found.places.values(), key=lambda place: (place.level != "red", not place.level, place.name)
    )
    context = {
        "broker": broker,
        "vhosts": vhosts,
        "vhost": vhost,
        "q": q,
        "only": only,
        "whole": whole,
        "found": found,
        "wrong": whole.flagged,
        "picture": drawing.draw(found),
        "sources": [place for place in places if place.target.exchange is not None][:_LISTED],
        "inboxes": [place for place in places if place.target.from_][:_LISTED],
        "broker_status": status_of(broker) if broker else None,
    }
    return rendering.page(request, "deadletters/map.html", context, fragment="deadletters/_map.html")
