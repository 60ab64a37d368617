"""The API's call for the handlers that a consumer may be given."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from consumers.handlers import registry
from mqadmin.core.api.plumbing import VIEW

router = Router(tags=["consumers"], auth=VIEW.of("rows"))


class HandlerOut(Schema):
    """A registered handler; `options_schema` is a JSON schema. `batch`: one call gets a list of messages."""

    name: str
    title: str
    description: str
    options_schema: dict[str, Any]
    batch: bool


class HandlerList(Schema):
    items: list[HandlerOut]
    total: int
    next: str | None


@router.get("/handlers", response=HandlerList)
def handler_list(request: HttpRequest) -> dict[str, Any]:
    """List the handlers that a consumer may be given."""
    items = [
        {
            "name": found.name,
            "title": str(found.title),
            "description": str(found.description),
            "options_schema": registry.options_schema(found),
            "batch": found.batch,
        }
        for found in registry.offered()
    ]
    return {"items": items, "total": len(items), "next": None}
