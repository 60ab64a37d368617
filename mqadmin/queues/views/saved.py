"""Saved views of the queues."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from mqadmin.core import permissions
from mqadmin.queues.pages.saved import SHELF


@permissions.view.of("rows")
@require_POST
def queue_view_save(request: HttpRequest) -> HttpResponse:
    """Keep the search that the page shows, under a name."""
    return SHELF.post_save(request, "queue_list")


@permissions.view.of("rows")
@require_POST
def queue_view_delete(request: HttpRequest, view_id: int) -> HttpResponse:
    """Delete a saved view."""
    return SHELF.post_delete(request, view_id, "queue_list")
