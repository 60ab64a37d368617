"""Which columns the list of queues has, for who asks."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from mqadmin.core import permissions
from mqadmin.core.pages.columns import remember
from mqadmin.queues.pages.columns import QUEUES


@permissions.view.of("rows")
@require_POST
def queue_columns(request: HttpRequest) -> HttpResponse:
    """Remember the ticked columns in a cookie, or forget them, and return to the list."""
    return remember(request, QUEUES, reverse("queue_list"))
