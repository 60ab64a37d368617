"""Letters into a file, and out of one."""

from __future__ import annotations

from itertools import chain
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import prose, rendering
from mqadmin.core.pages.formats import number
from mqadmin.deadletters.acts import exporting, importing
from mqadmin.deadletters.forms.selections import chosen_each


@permissions.operate.of("rows")
@require_GET
def letter_export(request: HttpRequest) -> HttpResponse:
    """The letters that match, or the ticked ones, as a file of JSON Lines."""
    each = chosen_each(request.GET, brokers.scope(request), request.GET.get("status", ""))
    by = audit.actor(request)
    lines = chain.from_iterable([exporting.export(selection=letters, by=by) for letters in each])
    answer = StreamingHttpResponse(lines, content_type=exporting.CONTENT_TYPE)
    moment = timezone.localtime().strftime("%Y-%m-%d-%H%M%S")
    answer["Content-Disposition"] = f'attachment; filename="dead-letters-{moment}.jsonl"'
    return cast(HttpResponse, answer)  # the decorators know no other kind


@permissions.operate.of("rows")
@require_http_methods(["GET", "POST"])
def letter_import(request: HttpRequest) -> HttpResponse:
    """Take in a file that was exported; what is wrong with it is told line by line."""
    context: dict[str, Any] = {"broker": brokers.current(request), "outcome": None, "fault": ""}
    status = 200
    if request.method == "POST":
        try:
            done = _imported(request, context)
        except Refusal as refusal:
            context["fault"], done, status = refusal.text, None, refusal.status
        if done is not None:
            return done
        status = 422 if status == 200 and not context["is_check"] else status
    return rendering.page(request, "deadletters/import.html", context, status=status)


def _imported(request: HttpRequest, context: dict[str, Any]) -> HttpResponse | None:
    """Import, or leave in `context` what is wrong, or what would be."""
    context["is_check"] = "check" in request.POST
    uploaded = request.FILES.get("file")
    if uploaded is None:
        raise Refusal(_("Choose a file."), "invalid", status=422)
    with importing.received(uploaded) as file:
        by = audit.actor(request)
        outcome = importing.take(file=file, broker=context["broker"], by=by, only_check=context["is_check"])
    context["outcome"] = outcome
    if outcome.faults or context["is_check"]:
        return None
    text = ngettext("%(n)s letter imported", "%(n)s letters imported", outcome.imported) % {
        "n": number(outcome.imported)
    }
    here = ngettext("%(n)s was here already", "%(n)s were here already", outcome.duplicates) % {
        "n": number(outcome.duplicates)
    }
    return rendering.moved(
        request, reverse("letter_list"), prose.sentence_of([text, here] if outcome.duplicates else [text])
    )
