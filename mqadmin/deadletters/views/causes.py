"""What people write beside a cause."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.pages import rendering
from mqadmin.deadletters.acts import editing


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
