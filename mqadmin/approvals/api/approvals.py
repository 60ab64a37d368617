"""The API's calls for acts that wait: listed, agreed to, refused, taken back."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from mqadmin.approvals.acts import closing, deciding
from mqadmin.approvals.gate import telling
from mqadmin.approvals.models import Approval
from mqadmin.core.acts import audit
from mqadmin.core.api.description import SECRET
from mqadmin.core.api.paging import paginate
from mqadmin.core.api.plumbing import OPERATE, VIEW, Body, PageQuery, one
from mqadmin.core.rights import asking

router = Router(tags=["approvals"], auth=VIEW.of("rows"))
_OPERATE = OPERATE.of("rows")

Status = Literal["waiting", "doing", "done", "failed", "refused", "taken_back", "expired"]


class ForetoldOut(Schema):
    """One thing that the act would do. `level`: loses (messages), stops, unknown, tells."""

    level: str
    text: str


class ApprovalOut(Schema):
    """An act that waits for a second person, or waited. Every call for an act may answer 202 with one, as
    `approval` beside `code` "awaits_approval": nothing was done then.

    `version`: what is agreed to; another one once the act has outgrown what was asked for, `grown` says how.
    `needs`: the right to agree. `messages`, `objects`: how much it touches; `lately` names what counted besides.
    `operation`: what carries it out, once it was agreed to; `alone`: its asker went ahead without a second person.
    """

    id: int
    version: int
    act: str
    needs: str
    broker: str
    vhost: str
    queue: str
    target: str
    summary: str
    messages: int
    objects: int
    lately: str
    dry_run: list[ForetoldOut]
    grown: str
    status: Status
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    decided_by: str
    decided_at: datetime | None
    alone: bool
    reason: str
    result: str
    operation: int | None


class ApprovalList(Schema):
    items: list[ApprovalOut]
    total: int
    next: str | None


class ApprovalQuery(PageQuery):
    """Which acts: of a broker, with a status."""

    broker: str = ""
    status: Status | None = None


class ApproveIn(Body):
    """`version`: of what was looked at; another one is refused."""

    version: int = Field(ge=1)


class RefuseIn(Body):
    """`reason`: for who asked."""

    reason: str = Field(max_length=500)


class AloneIn(ApproveIn):
    """`reason`: why it cannot wait; everybody can read it."""

    reason: str = Field(max_length=500)


@router.get("/approvals", response=ApprovalList)
def approval_list(request: HttpRequest, wanted: Query[ApprovalQuery]) -> dict[str, Any]:
    """List acts that wait or waited for a second person, the newest first."""
    return found(wanted)


def found(wanted: ApprovalQuery) -> dict[str, Any]:
    """Return the page that is asked for."""
    rows = Approval.objects.all()
    if wanted.broker:
        rows = rows.filter(broker=wanted.broker)
    is_over = Q(status=Approval.Status.WAITING, expires_at__lte=timezone.now())
    if wanted.status == "expired":  # whether that was written down yet or not
        rows = rows.filter(is_over | Q(status=Approval.Status.EXPIRED))
    elif wanted.status:
        rows = rows.filter(~is_over, status=wanted.status)
    page = paginate(rows, limit=wanted.limit, cursor=wanted.cursor)
    return {**page, "items": [telling.out(item) for item in page["items"]]}


@router.get("/approvals/{int:approval_id}", response=ApprovalOut)
def approval_detail(request: HttpRequest, approval_id: int) -> dict[str, Any]:
    """Show one, with its dry run."""
    return telling.out(_find(approval_id))


@router.post(
    "/approvals/{int:approval_id}/approve",
    response=ApprovalOut,
    auth=OPERATE.of("rows"),
    openapi_extra=SECRET,
)
def approval_approve(request: HttpRequest, approval_id: int, wanted: ApproveIn) -> dict[str, Any]:
    """Agree, and have it done in the name of who asked. It takes the right that the act takes, `needs`.

    409 `own` with any token of who asked; `wrong_state` where it was decided or has expired; `changed` for another
    version; `outgrown` where it would do over a tenth more by now: then it waits to be agreed to anew.
    """
    approval = _find(approval_id)
    by = audit.actor(request)
    return telling.out(deciding.approve(approval=approval, user=request.user, by=by, seen=wanted.version))


@router.post("/approvals/{int:approval_id}/refuse", response=ApprovalOut, auth=_OPERATE)
def approval_refuse(request: HttpRequest, approval_id: int, wanted: RefuseIn) -> dict[str, Any]:
    """Say no to what somebody else asked for. It takes the right that the act takes."""
    approval, by = _find(approval_id), audit.actor(request)
    return telling.out(closing.refuse(approval=approval, user=request.user, by=by, reason=wanted.reason))


@router.post("/approvals/{int:approval_id}/take-back", response=ApprovalOut, auth=_OPERATE)
def approval_take_back(request: HttpRequest, approval_id: int) -> dict[str, Any]:
    """Want no more what one asked for oneself; 409 `not_own` for what others did."""
    approval = _find(approval_id)
    return telling.out(closing.take_back(approval=approval, user=request.user, by=audit.actor(request)))


@router.post(
    "/approvals/{int:approval_id}/alone", response=ApprovalOut, auth=OPERATE.of("rows"), openapi_extra=SECRET
)
def approval_alone(request: HttpRequest, approval_id: int, wanted: AloneIn) -> dict[str, Any]:
    """Go ahead with one's own act without a second person: for accounts that MQADMIN_FOUR_EYES_ALONE names.

    409 `not_alone` for all others; 422 without a reason.
    """
    approval, by = _find(approval_id), audit.actor(request)
    done = deciding.go_alone(
        approval=approval, user=request.user, by=by, reason=wanted.reason, seen=wanted.version
    )
    return telling.out(done)


def _find(pk: int) -> Approval:
    with asking.needing("view"):  # who may agree, or take it back, is for the act to say
        return one(Approval.objects.filter(pk=pk), _("There is no approval %(id)s.") % {"id": pk})
