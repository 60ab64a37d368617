"""One change for many letters: asked for, shown on ten, then done."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.deadletters.acts import patching
from mqadmin.deadletters.acts.patching import Change, Tried
from mqadmin.deadletters.forms.bulk_edit import BulkEdit
from mqadmin.deadletters.inbox import comparing
from mqadmin.deadletters.inbox.comparing import Content, DiffPart
from mqadmin.deadletters.views.dialog import PARKED, decision, start, told

SHOWN = 10


@permissions.operate.of("rows")
@require_http_methods(["GET", "POST"])
def letters_edit(request: HttpRequest) -> HttpResponse:
    """GET: the form, and once it is filled in what would become of ten. POST: change them all."""
    if request.method == "POST":
        change, by = BulkEdit(request.POST).change, audit.actor(request)
        done = start(
            request,
            PARKED,
            lambda letters, expect: patching.start(selection=letters, change=change, by=by, expect=expect),
        )
        href = reverse("operation_list")
        if len(done.operations) == 1:
            href = reverse("operation_detail", args=[done.operations[0].pk])
        return rendering.moved(request, href, told(done))
    form = BulkEdit(request.GET if "way" in request.GET else None)
    context = decision(request, "letters_edit", PARKED, form.fields.keys())
    context |= {"form": form, "tried": [], "fault": ""}
    if form.is_bound:
        try:
            each = (patching.preview(selection=part, change=form.change) for part in context["each"])
            tried = [item for part in each for item in part][:SHOWN]
            context["tried"] = [(item, _parts(item, form.change)) for item in tried]
        except Refusal as refusal:
            context["fault"] = refusal.text
    context["is_ready"] = form.is_bound and not context["fault"]
    return rendering.page(request, "deadletters/bulk_edit.html", context)


def _parts(item: Tried, change: Change) -> list[DiffPart]:
    """Return what would become of one letter, line by line; hidden values stay hidden."""
    if item.error:
        return []
    before = comparing.now(item.letter)
    found = patching.changed(item.letter, change)
    after = Content(
        found.get("body", before.body),
        found.get("headers", before.headers),
        found.get("properties", before.properties),
    )
    return comparing.between(item.letter, before, after)
