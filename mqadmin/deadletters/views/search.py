"""What the search box offers while somebody types."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from mqadmin.core import brokers, permissions
from mqadmin.deadletters.query import completing

_LONGEST = 500


@permissions.view
@require_GET
def letter_complete(request: HttpRequest) -> HttpResponse:
    """Offer what the word before the cursor (`at`) of the query `q` could become."""
    query = request.GET.get("q", "")[:_LONGEST]
    place = request.GET.get("at", "")
    at = int(place) if place.isdecimal() and len(place) < 6 else len(query)
    found = completing.offers(brokers.current(request), query, at)
    response = render(request, "deadletters/_offers.html", {"offers": found})
    response["Cache-Control"] = "private, max-age=20"
    return response
