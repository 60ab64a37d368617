"""The API's call for the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema

from mqadmin.core.api.paging import Page, paginate
from mqadmin.core.api.plumbing import VIEW, PageQuery
from mqadmin.core.api.times import Moment
from mqadmin.core.models import AuditEntry

router = Router(tags=["operations and audit"], auth=VIEW.of("rows"))


class AuditOut(Schema):
    """One act: who, what, on what, how many, and how it ended."""

    id: int
    at: datetime
    actor: str
    via: str
    action: str
    broker: str
    target: str
    count: int | None
    detail: dict[str, Any]
    outcome: str
    reason: str
    finished_at: datetime | None


class AuditList(Schema):
    items: list[AuditOut]
    total: int
    next: str | None


class AuditQuery(PageQuery):
    """Which acts."""

    actor: str | None = None
    action: str | None = None
    since: Moment | None = None


@router.get("/audit", response=AuditList)
def audit_list(request: HttpRequest, wanted: Query[AuditQuery]) -> Page:
    """List who did what, newest first. `action` matches from its beginning: `queue.` finds all on queues."""
    rows = AuditEntry.objects.all()
    if wanted.actor:
        rows = rows.filter(actor=wanted.actor)
    if wanted.action:
        rows = rows.filter(action__startswith=wanted.action)
    if wanted.since:
        rows = rows.filter(at__gte=wanted.since)
    return paginate(rows, limit=wanted.limit, cursor=wanted.cursor)
