"""One cause: its history, and what people write beside it."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.pages import rendering
from mqadmin.deadletters.acts import editing
from mqadmin.deadletters.inbox import inbox, remembered
from mqadmin.deadletters.search import cause_rights
from mqadmin.queues.pages import history


@permissions.view.of("rows")
@require_GET
def cause_detail(request: HttpRequest, group: str) -> HttpResponse:
    """How its letters came and went, beside what happened."""
    broker = brokers.current(request)
    cause = inbox.cause(broker, group)
    if cause is None:
        raise Http404(_("No letter has this cause."))
    shown = history.asked(request)
    context = {
        "slug": broker,
        "cause": cause,
        "is_whole": bool(cause_rights.whole(broker, [group])),
        **history.menu(shown),
        "happened": history.happened(shown, broker),
    }
    return rendering.page(request, "deadletters/cause.html", context)


@permissions.view.of("rows")
@require_GET
def cause_history(request: HttpRequest, group: str) -> HttpResponse:
    """How many letters of a cause waited, for `static/js/charts.js`."""
    broker = brokers.current(request)
    cause_rights.require(broker, group)
    return JsonResponse(remembered.chart(broker, group, history.asked(request)))


@permissions.operate.of("rows")
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


@permissions.operate.of("rows")
@require_POST
def cause_owner(request: HttpRequest, group: str) -> HttpResponse:
    """Say who looks after a cause: `owner`, or with `mine` whoever asks."""
    owner = request.user.get_username() if request.POST.get("mine") else request.POST.get("owner", "")
    editing.own_cause(broker=brokers.current(request), group=group, owner=owner, by=audit.actor(request))
    return rendering.acted(request, _("Noted."), to=f"{reverse('letter_list')}?group={group}")
