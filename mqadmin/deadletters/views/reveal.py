"""Masked fields, shown to who may see them; that they looked is written down."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.pages import rendering
from mqadmin.deadletters.inbox import presenting
from mqadmin.deadletters.masking import revealing
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.views.letter import about, shown_context


@permissions.view.of("rows")
@require_POST
def letter_reveal(request: HttpRequest, letter_id: int) -> HttpResponse:
    """Show one letter with its masked fields, once: the next look hides them again."""
    revealing.require_some()
    letter = get_object_or_404(DeadLetter.objects.select_related("operation"), pk=letter_id)
    revealing.require(letter)
    about(request, letter)
    with revealing.act(letter=letter, by=audit.actor(request)):
        shown = presenting.show(letter, reveal=True)
    try:
        at = urlsplit(request.headers.get("HX-Current-URL", "")).path
    except ValueError:  # no address at all
        at = ""
    context = {
        **shown_context(request, shown, reveal=True),
        "is_alone": at != reverse("letter_list"),
        "seen": request.GET.get("seen"),  # the inbox's own, for the links of the letter
        "is_asked": True,
        "is_revealed": True,
    }
    return rendering.page(request, "deadletters/detail.html", context, fragment="deadletters/_letter.html")
