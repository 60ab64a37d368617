"""One change for many letters: asked for, shown on ten, then done."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.deadletters.acts import patching
from mqadmin.deadletters.acts.patching import Change, Tried
from mqadmin.deadletters.forms.bulk_edit import BulkEdit
from mqadmin.deadletters.forms.selections import chosen, expected
from mqadmin.deadletters.inbox import comparing
from mqadmin.deadletters.inbox.comparing import Content, DiffPart
from mqadmin.deadletters.views.dialog import PARKED, decision


@permissions.operate
@require_http_methods(["GET", "POST"])
def letters_edit(request: HttpRequest) -> HttpResponse:
    """GET: the form, and once it is filled in what would become of ten. POST: change them all."""
    broker = brokers.current(request)
    if request.method == "POST":
        operation = patching.start(
            selection=chosen(request.POST, broker, PARKED),
            change=BulkEdit(request.POST).change,
            by=audit.actor(request),
            expect=expected(request.POST),
        )
        href = reverse("operation_detail", args=[operation.pk])
        return rendering.moved(request, href, _("%(what)s: begun.") % {"what": operation.summary})
    form = BulkEdit(request.GET if "way" in request.GET else None)
    context = decision(request, broker, "letters_edit", PARKED, form.fields.keys())
    context |= {"form": form, "tried": [], "fault": ""}
    if form.is_bound:
        try:
            tried = patching.preview(selection=context["selection"], change=form.change)
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
