"""Silences and maintenance windows: those that last, those to come, those that are over; the form of a new one."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mqadmin.alerts.acts import silences
from mqadmin.alerts.forms.fields import blame
from mqadmin.alerts.forms.silence import SilenceForm
from mqadmin.alerts.models import Silence
from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering

PER_PAGE = 50


@permissions.view
@require_GET
def silence_list(request: HttpRequest) -> HttpResponse:
    """Those that last now, those to come, then a page of those that are over."""
    now = timezone.now()
    over = Silence.objects.filter(ends_at__lte=now).select_related("rule")
    page = Paginator(over, PER_PAGE).get_page(request.GET.get("page"))
    open_ones = [("green", item) for item in silences.current(now)]
    open_ones += [("blue", item) for item in silences.coming(now)]
    context = {"rows": open_ones, "page": page, "over": [("grey", item) for item in page]}
    return rendering.page(request, "alerts/silences.html", context, fragment="alerts/_silences.html")


@permissions.operate
@require_http_methods(["GET", "POST"])
def silence_new(request: HttpRequest) -> HttpResponse:
    """Make a silence. GET takes the fields' first values from the address."""
    if request.method == "GET":
        names = ("broker", "queues", "rule", "reason")
        return _show(
            request, SilenceForm(initial={name: request.GET[name] for name in names if name in request.GET})
        )
    form = SilenceForm(request.POST)
    if form.is_valid():
        try:
            silence = silences.begin(by=audit.actor(request), **_values(form.cleaned_data))
        except Refusal as refusal:
            blame(form, refusal.fields, refusal.text)
        else:
            is_now = silence.begins_at <= timezone.now()
            text = _("Silenced from now on.") if is_now else _("It begins by itself.")
            return rendering.moved(request, reverse("silence_list"), text)
    return _show(request, form, status=422)


def _values(cleaned: dict[str, Any]) -> dict[str, Any]:
    """A beginning in the minute that is now, or before, means at once: the field knows no seconds."""
    begins = cleaned["begins_at"]
    return {**cleaned, "begins_at": None if begins <= timezone.now() else begins}


@permissions.operate
@require_POST
def silence_end(request: HttpRequest, silence_id: int) -> HttpResponse:
    """End one now; one that has not begun is deleted."""
    silences.end(silence=get_object_or_404(Silence, pk=silence_id), by=audit.actor(request))
    return rendering.acted(request, _("It is over."), to=reverse("silence_list"))


def _show(request: HttpRequest, form: SilenceForm, *, status: int = 200) -> HttpResponse:
    return rendering.page(request, "alerts/silence.html", {"form": form}, status=status)
