"""Saved views."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.pages import rendering
from mqadmin.deadletters.inbox import saved
from mqadmin.deadletters.models import SavedView


@permissions.view
@require_POST
def view_save(request: HttpRequest) -> HttpResponse:
    """Keep the search that the page shows, under a name."""
    view = saved.save(
        name=request.POST.get("view_name", ""),
        query=request.POST.get("view_query", ""),
        is_shared=bool(request.POST.get("view_shared")),
        by=audit.actor(request),
        may_share=permissions.may(request.user, "operate"),
    )
    text = _("The view “%(name)s” is saved.") % {"name": view.name}
    return rendering.acted(request, text, to=f"{reverse('letter_list')}?{view.query}")


@permissions.view
@require_POST
def view_delete(request: HttpRequest, view_id: int) -> HttpResponse:
    """Delete a saved view."""
    user = request.user.get_username()
    view = get_object_or_404(SavedView.objects.filter(Q(owner=user) | Q(owner="")), pk=view_id)
    saved.delete(view=view, by=audit.actor(request), may_configure=permissions.may(request.user, "configure"))
    text = _("The view “%(name)s” is deleted.") % {"name": view.name}
    return rendering.acted(request, text, to=reverse("letter_list"))
