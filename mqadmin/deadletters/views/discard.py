"""Discard letters, and restore them."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.models import Operation
from mqadmin.deadletters.acts import conflict, decide
from mqadmin.deadletters.forms.selections import chosen, expected
from mqadmin.deadletters.views.dialog import DISCARDED, PARKED, decision, dialog, started


@permissions.operate
@require_http_methods(["GET", "POST"])
def letter_discard(request: HttpRequest) -> HttpResponse:
    """GET: say how many letters. POST: discard them."""
    return _decided(request, "letter_discard", PARKED, decide.discard)


@permissions.operate
@require_http_methods(["GET", "POST"])
def letter_restore(request: HttpRequest) -> HttpResponse:
    """GET: say how many letters. POST: put them back into the inbox."""
    return _decided(request, "letter_restore", DISCARDED, decide.restore)


def _decided(
    request: HttpRequest, url_name: str, status: str, decide_: Callable[..., Operation]
) -> HttpResponse:
    broker = brokers.current(request)
    if request.method == "POST":
        letters = chosen(request.POST, broker, status)
        by, expect = audit.actor(request), expected(request.POST)
        with conflict.explained(letters, by):
            operation = decide_(selection=letters, by=by, expect=expect)
        return started(request, operation)
    context = decision(request, broker, url_name, status)
    return dialog(request, context)
