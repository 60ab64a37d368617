"""Saved views of the inbox."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from mqadmin.core import permissions
from mqadmin.deadletters.inbox import saved


@permissions.view.of("rows")
@require_POST
def view_save(request: HttpRequest) -> HttpResponse:
    """Keep the search that the page shows, under a name."""
    return saved.SHELF.post_save(request, "letter_list")


@permissions.view.of("rows")
@require_POST
def view_delete(request: HttpRequest, view_id: int) -> HttpResponse:
    """Delete a saved view."""
    return saved.SHELF.post_delete(request, view_id, "letter_list")
