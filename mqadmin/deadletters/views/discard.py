"""Discard letters, and restore them."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.models import Operation
from mqadmin.deadletters.acts import decide
from mqadmin.deadletters.views.dialog import DISCARDED, PARKED, decision, dialog, start, started


@permissions.operate.of("rows")
@require_http_methods(["GET", "POST"])
def letter_discard(request: HttpRequest) -> HttpResponse:
    """GET: say how many letters. POST: discard them."""
    return _decided(request, "letter_discard", PARKED, decide.discard)


@permissions.operate.of("rows")
@require_http_methods(["GET", "POST"])
def letter_restore(request: HttpRequest) -> HttpResponse:
    """GET: say how many letters. POST: put them back into the inbox."""
    return _decided(request, "letter_restore", DISCARDED, decide.restore)


def _decided(
    request: HttpRequest, url_name: str, status: str, decide_: Callable[..., Operation]
) -> HttpResponse:
    if request.method == "POST":
        by = audit.actor(request)
        done = start(
            request, status, lambda letters, expect: decide_(selection=letters, by=by, expect=expect)
        )
        return started(request, done)
    return dialog(request, decision(request, url_name, status))
