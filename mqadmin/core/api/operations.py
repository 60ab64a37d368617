"""The API's calls for operations: bulk acts, and how far they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema

from mqadmin.core.acts import audit, operations, progress
from mqadmin.core.api.paging import Page, paginate
from mqadmin.core.api.plumbing import OPERATE, VIEW, PageQuery, one
from mqadmin.core.models import Operation

router = Router(tags=["operations and audit"], auth=VIEW.of("rows"))

PROBLEMS_SHOWN = 200


class ProblemOut(Schema):
    """One thing an operation could not do."""

    target: str
    reason: str


class OperationOut(Schema):
    """A bulk act and how far it is; `rate` in items a second.

    `phase` and `not_before`: "held" until then, or "watching" what became of its first items; `words` say more.
    """

    id: int
    kind: str
    status: str
    broker: str
    summary: str
    error: str
    total: int
    done: int
    failed: int
    rate: float | None
    eta_seconds: float | None
    rate_limit: float
    phase: str
    not_before: datetime | None
    words: str
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    problems: list[ProblemOut]

    @staticmethod
    def resolve_rate(obj: Operation) -> float | None:
        return progress.rate(obj)

    @staticmethod
    def resolve_eta_seconds(obj: Operation) -> float | None:
        return progress.eta_seconds(obj)

    @staticmethod
    def resolve_problems(obj: Operation) -> list[Any]:
        return list(obj.problems.all()[:PROBLEMS_SHOWN])


class OperationList(Schema):
    items: list[OperationOut]
    total: int
    next: str | None


def _operation(pk: int) -> Operation:
    return one(Operation.objects.filter(pk=pk), _("There is no operation %(id)s.") % {"id": pk})


class OperationQuery(PageQuery):
    """Which operations."""

    status: str | None = None


@router.get("/operations", response=OperationList)
def operation_list(request: HttpRequest, wanted: Query[OperationQuery]) -> Page:
    """List operations, newest first."""
    rows = Operation.objects.all()
    if wanted.status:
        rows = rows.filter(status=wanted.status)
    return paginate(rows, limit=wanted.limit, cursor=wanted.cursor)


@router.get("/operations/{int:operation_id}", response=OperationOut)
def operation_detail(request: HttpRequest, operation_id: int) -> Operation:
    """Show one operation, with what it could not do."""
    return _operation(operation_id)


@router.post("/operations/{int:operation_id}/cancel", response=OperationOut, auth=OPERATE.of("rows"))
def operation_cancel(request: HttpRequest, operation_id: int) -> Operation:
    """End it after the batch in hand; what is done stays done."""
    return _change(request, operation_id, operations.cancel)


@router.post("/operations/{int:operation_id}/pause", response=OperationOut, auth=OPERATE.of("rows"))
def operation_pause(request: HttpRequest, operation_id: int) -> Operation:
    """Stop after the batch in hand."""
    return _change(request, operation_id, operations.pause)


@router.post("/operations/{int:operation_id}/resume", response=OperationOut, auth=OPERATE.of("rows"))
def operation_resume(request: HttpRequest, operation_id: int) -> Operation:
    """Go on with a paused operation."""
    return _change(request, operation_id, operations.resume)


def _change(request: HttpRequest, operation_id: int, change: Callable[..., None]) -> Operation:
    operation = _operation(operation_id)
    change(operation=operation, by=audit.actor(request))
    return operation
