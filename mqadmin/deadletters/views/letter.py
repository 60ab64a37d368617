"""One letter: on a page of its own, and in the inbox; its note, and the way back to what was captured."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.pages import rendering
from mqadmin.core.rights import naming
from mqadmin.deadletters.acts import editing
from mqadmin.deadletters.inbox import comparing, presenting
from mqadmin.deadletters.inbox.presenting import Shown
from mqadmin.deadletters.letter import bodytext
from mqadmin.deadletters.masking import revealing
from mqadmin.deadletters.models import DeadLetter

TABS = {
    "payload": _("Payload"),
    "changes": _("Changes"),
    "headers": _("Headers"),
    "properties": _("Properties"),
    "log": _("Log lines"),
    "history": _("History"),
}
HEX = "hex"


@permissions.view.of("rows")
@require_GET
def letter_detail(request: HttpRequest, letter_id: int) -> HttpResponse:
    """One letter, for a link that is passed on."""
    letter = get_object_or_404(DeadLetter.objects.select_related("operation"), pk=letter_id)
    about(request, letter)
    context = {**shown_context(request, presenting.show(letter)), "is_alone": True, "is_asked": True}
    return rendering.page(request, "deadletters/detail.html", context, fragment="deadletters/_letter.html")


def _denied(letter: DeadLetter) -> str:
    """Return why who asks may not decide a letter, "" where they may: in the inbox the page is about many."""
    queues = (letter.dead_letter_queue, letter.source_queue)
    if any(naming.holds("operate", letter.broker, letter.vhost, queue) for queue in queues):
        return ""
    return permissions.denied("operate")


def about(request: HttpRequest, letter: DeadLetter) -> None:
    """Have the buttons of a page be for one letter: by the queue that it lies in, or the one that it comes from."""
    queue = letter.dead_letter_queue
    if not naming.holds("operate", letter.broker, letter.vhost, queue):
        queue = letter.source_queue
    permissions.about(request, letter.broker, letter.vhost, queue)


def shown_context(request: HttpRequest, shown: Shown, *, reveal: bool = False) -> dict[str, Any]:
    """Return what the letter's template needs. The tab "hex" is the payload, shown in another way."""
    letter = shown.letter
    left_out = set() if letter.original else {"changes"}
    tabs = {key: label for key, label in TABS.items() if key not in left_out}
    asked = request.GET.get("tab", "")
    tab = asked if asked in tabs or asked == HEX else "payload"
    if tab == "payload" and shown.body_kind == HEX:  # there is nothing else to read in it
        tab = HEX
    counts = {"headers": len(shown.headers), "log": len(shown.log)}
    body = bytes(letter.body)
    return {
        "shown": shown,
        "letter": letter,
        "letter_denied": _denied(letter),
        "may_reveal": bool(shown.masked) and revealing.may(letter),
        "deaths": presenting.deaths_in_words(letter),
        "rows": shown.headers if tab == "headers" else shown.properties,
        "tab": tab,
        "tabs": [(key, label, counts.get(key)) for key, label in tabs.items()],
        "hex_rows": bodytext.rows(body) if tab == HEX else [],
        "hex_left": max(0, len(body) - bodytext.MOST_HEX),
        "changes": comparing.of(letter, reveal=reveal) if tab == "changes" else [],
    }


@permissions.operate.of("rows")
@require_POST
def letter_revert(request: HttpRequest, letter_id: int) -> HttpResponse:
    """Undo every edit."""
    letter = get_object_or_404(DeadLetter, pk=letter_id)
    editing.revert(letter=letter, by=audit.actor(request))
    return rendering.acted(request, gettext("It is as it was captured."), to=_page(letter))


@permissions.operate.of("rows")
@require_POST
def letter_note(request: HttpRequest, letter_id: int) -> HttpResponse:
    """Write a note on a letter."""
    letter = get_object_or_404(DeadLetter, pk=letter_id)
    editing.note(letter=letter, text=request.POST.get("note", ""), by=audit.actor(request))
    return rendering.acted(request, gettext("Noted."), to=_page(letter))


def _page(letter: DeadLetter) -> str:
    return reverse("letter_detail", args=[letter.pk])
