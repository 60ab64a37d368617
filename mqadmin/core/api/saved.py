"""The API's calls for saved views: the searches of a list that are worth keeping, by the rules of its page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import Field

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import Body, one
from mqadmin.core.models import SavedSearch
from mqadmin.core.pages.saved import Shelf


class ViewIn(Body):
    """A search to keep. `query`: of the list's address what stands behind the "?"; of it the broker, page and row
    are left out. `shared`: with everybody, which takes an operator."""

    name: str = Field(min_length=1, max_length=80)
    query: str = Field(min_length=1, max_length=2_000)
    shared: bool = False


class ViewOut(Schema):
    """A saved view: one's own, or one that somebody shared."""

    id: int
    name: str
    query: str
    shared: bool
    by: str
    at: datetime

    @staticmethod
    def resolve_shared(view: SavedSearch) -> bool:
        """Return whether everybody has it."""
        return not view.owner


class ViewList(Schema):
    items: list[ViewOut]
    total: int
    next: str | None = None


def add(router: Router, path: str, shelf: Shelf[Any], of: str) -> None:
    """Add the three calls for the views of one list at `path`; `of`: whose they are, in the calls' names."""

    def views(request: HttpRequest) -> dict[str, Any]:
        """List the saved views: one's own, and those that are shared."""
        items = list(shelf.visible(request.user.get_username()))
        return {"items": items, "total": len(items)}

    def save(request: HttpRequest, wanted: ViewIn) -> Status[SavedSearch]:
        """Keep a search; 422 for one that asks for nothing, 403 to share it without being an operator, 409 where
        the name is taken."""
        view = shelf.save(
            name=wanted.name,
            query=wanted.query.removeprefix("?"),
            is_shared=wanted.shared,
            by=audit.actor(request),
            may_share=permissions.may(request.user, "operate"),
        )
        return Status(201, view)

    def delete(request: HttpRequest, view_id: int) -> Status[None]:
        """Delete a view: one's own, or a shared one by who saved it or an admin."""
        rows = shelf.theirs(request.user.get_username()).filter(pk=view_id)
        view = one(rows, _("There is no view %(id)s.") % {"id": view_id})
        may_configure = permissions.may(request.user, "configure")
        shelf.delete(view=view, by=audit.actor(request), may_configure=may_configure)
        return Status(204, None)

    def named(what: str) -> dict[str, Any]:
        return {"operation_id": f"mqadmin_core_api_{of}_view_{what}", "url_name": f"{of}_view_{what}"}

    router.get(path, response=ViewList, **named("list"))(views)
    router.post(path, response={201: ViewOut}, **named("save"))(save)
    router.delete(f"{path}/{{int:view_id}}", response={204: None}, **named("delete"))(delete)
