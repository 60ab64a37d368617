"""Which columns the list of queues has, for who asks."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from mqadmin.core import permissions
from mqadmin.core.pages import rendering
from mqadmin.queues.pages import columns

YEAR_S = 365 * 24 * 3600


@permissions.view
@require_POST
def queue_columns(request: HttpRequest) -> HttpResponse:
    """Remember the ticked columns in a cookie, or forget them, and return to the list."""
    response = redirect(rendering.next_address(request, reverse("queue_list")))
    path = settings.SESSION_COOKIE_PATH
    if "usual" in request.POST:
        response.delete_cookie(columns.COOKIE, path=path)
        return response
    response.set_cookie(
        columns.COOKIE,
        ".".join(columns.known(request.POST.getlist("column"))) or "none",
        max_age=YEAR_S,
        path=path,
        samesite="Lax",
        secure=request.is_secure(),
        httponly=True,
    )
    return response
