"""What people write beside letters and causes, and the way back to what was captured."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.pages import rendering
from mqadmin.deadletters.acts import editing
from mqadmin.deadletters.models import DeadLetter


@permissions.operate
@require_POST
def letter_revert(request: HttpRequest, letter_id: int) -> HttpResponse:
    """Undo every edit."""
    letter = get_object_or_404(DeadLetter, pk=letter_id)
    editing.revert(letter=letter, by=audit.actor(request))
    return rendering.acted(request, _("It is as it was captured."), to=_page(letter))


@permissions.operate
@require_POST
def letter_note(request: HttpRequest, letter_id: int) -> HttpResponse:
    """Write a note on a letter."""
    letter = get_object_or_404(DeadLetter, pk=letter_id)
    editing.note(letter=letter, text=request.POST.get("note", ""), by=audit.actor(request))
    return rendering.acted(request, _("Noted."), to=_page(letter))


@permissions.operate
@require_POST
def cause_note(request: HttpRequest, group: str) -> HttpResponse:
    """Write a note on a cause."""
    editing.note_cause(
        broker=brokers.current(request),
        group=group,
        text=request.POST.get("cause_note", ""),
        by=audit.actor(request),
    )
    return rendering.acted(request, _("Noted."), to=f"{reverse('letter_list')}?group={group}")


@permissions.operate
@require_POST
def cause_owner(request: HttpRequest, group: str) -> HttpResponse:
    """Say who looks after a cause: `owner`, or with `mine` whoever asks."""
    owner = request.user.get_username() if request.POST.get("mine") else request.POST.get("owner", "")
    editing.own_cause(broker=brokers.current(request), group=group, owner=owner, by=audit.actor(request))
    return rendering.acted(request, _("Noted."), to=f"{reverse('letter_list')}?group={group}")


def _page(letter: DeadLetter) -> str:
    return reverse("letter_detail", args=[letter.pk])
