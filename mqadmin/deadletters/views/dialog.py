"""What the dialogs about many letters have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from mqadmin.core.models import Operation
from mqadmin.core.pages import rendering
from mqadmin.deadletters.forms.requeue import Carefully, Destination
from mqadmin.deadletters.forms.selections import chosen
from mqadmin.deadletters.models import DeadLetter

PARKED, DISCARDED = DeadLetter.Status.PARKED, DeadLetter.Status.DISCARDED


def decision(
    request: HttpRequest, broker: str, url_name: str, status: str, own: Iterable[str] = ()
) -> dict[str, Any]:
    """Return what a dialog shows: how many letters it is about, and what it sends on but its `own` fields."""
    letters = chosen(request.GET, broker, status)
    total = letters.rows().filter(status=status).count()
    skip = {"expect", *Destination.base_fields, "up_to", "letter", "tab", "page", "seen", "broker"}
    skip |= {*Carefully.base_fields, *own}
    fields = [
        (name, value) for name, values in request.GET.lists() if name not in skip for value in values if value
    ]
    if letters.filter is not None:
        fields.append(("up_to", str(letters.up_to)))
    return {
        "dialog": f"deadletters/_{url_name.removeprefix('letter_')}.html",
        "action": reverse(url_name),
        "selection": letters,
        "total": total,
        "can_act": True,
        "passed_over": letters.rows().count() - total if letters.filter is None else 0,
        "fields": fields,
        "back": f"{reverse('letter_list')}?broker={broker}",
    }


def dialog(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show what `decision` returned: in a dialog over the inbox, or on a page of its own."""
    return rendering.page(request, "deadletters/dialog.html", context, fragment=context["dialog"])


def started(request: HttpRequest, operation: Operation) -> HttpResponse:
    """Answer a POST that started `operation`."""
    href = reverse("operation_detail", args=[operation.pk])
    return rendering.acted(request, _("%(what)s: begun.") % {"what": operation.summary}, to=href)
