"""What the search box offers while somebody types."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from mqadmin.core import brokers, permissions
from mqadmin.deadletters.search import completing
from mqadmin.rabbit.numbers import whole

_LONGEST = 500


@permissions.view.of("rows")
@require_GET
def letter_complete(request: HttpRequest) -> HttpResponse:
    """Offer what the word before the cursor (`at`) of the query `q` could become."""
    query = request.GET.get("q", "")[:_LONGEST]
    at = whole(request.GET.get("at", ""), 5)
    found = completing.offers(brokers.current(request), query, len(query) if at is None else at)
    response = render(request, "core/_offers.html", {"offers": found})
    response["Cache-Control"] = "private, max-age=20"
    return response
