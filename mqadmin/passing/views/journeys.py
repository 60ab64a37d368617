"""One message across queues and services."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from mqadmin.core import permissions
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.passing.journey import looking
from mqadmin.passing.journey.looking import Key
from mqadmin.passing.pages import journeys as pages

LONGEST = 255


@permissions.view.of("rows")
@require_GET
def journey(request: HttpRequest) -> HttpResponse:
    """What is known of the message that `q` names, on one line of time."""
    q = request.GET.get("q", "").strip()[:LONGEST]
    context: dict[str, Any] = {"q": q, "rows": [], "found": None, "refusal": "", "searched": looking.SEARCHED}
    status = 200
    if q:
        try:
            found = looking.look(Key.of(q))
        except Refusal as refusal:
            context["refusal"], status = refusal.text, refusal.status
        else:
            rows = pages.rows(found)
            brokers = {row.step.broker for row in rows}
            context |= {"found": found, "rows": rows, "has_brokers": len(brokers) > 1}
    return rendering.page(
        request, "passing/journey.html", context, fragment="passing/_journey.html", status=status
    )
