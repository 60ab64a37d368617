"""An act that waits is refused by others, taken back by who asked, or expires."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.approvals.acts import standing
from mqadmin.approvals.models import Approval
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal

Status = Approval.Status
LOST = timedelta(minutes=15)  # after which whoever did it is gone: no act takes so long to begin
KEPT = timedelta(days=90)  # once it was decided; the audit log keeps who did what


def refuse(*, approval: Approval, user: Any, by: Actor, reason: str) -> Approval:
    """Say no to somebody else's act, and why. Raises PermissionDenied, Refusal: (422) without a reason, (409) for
    one's own, or where it was decided already."""
    words = " ".join(reason.split())
    with _written(approval, "approval.refuse", by, words):
        standing.check(approval, user)
        if standing.is_own(approval, user):
            raise Refusal(_("You asked for it yourself: take it back."), "own")
        if not words:
            text = _("Say why: who asked for it is to know.")
            raise Refusal(text, "invalid", status=422, fields={"reason": text})
        _close(approval, Status.REFUSED, by, words)
    return approval


def take_back(*, approval: Approval, user: Any, by: Actor) -> Approval:
    """Take one's own act back. Raises Refusal (409): "not_own", or where it was decided already."""
    with _written(approval, "approval.take_back", by, ""):
        if not standing.is_own(approval, user):
            raise Refusal(_("%(who)s asked for it: refuse it.") % {"who": approval.asked_by}, "not_own")
        _close(approval, Status.TAKEN_BACK, by, "")
    return approval


def _written(approval: Approval, action: str, by: Actor, reason: str) -> Any:
    detail = {"approval": approval.pk, "act": approval.act, "asked_by": approval.asked_by}
    if reason:
        detail["reason"] = reason[:500]
    return audit.act(
        by=by, action=action, broker=approval.broker, target=standing.target(approval), detail=detail
    )


def _close(approval: Approval, status: Status, by: Actor, reason: str) -> None:
    now = timezone.now()
    closed = Approval.everything.filter(pk=approval.pk, status=Status.WAITING, expires_at__gt=now).update(
        status=status, decided_by=by.name, decided_at=now, reason=reason[:500]
    )
    approval.refresh_from_db()
    if not closed:
        raise standing.refusal(approval)


def step() -> str:
    """Write down what has expired, and what was lost while it was done; delete what was decided long ago. Returns
    what was done in words, "" for nothing."""
    now = timezone.now()
    expired = _expire(Approval.everything.filter(status=Status.WAITING, expires_at__lte=now))
    lost = Approval.everything.filter(status=Status.DOING, decided_at__lt=now - LOST)
    lost.update(
        status=Status.FAILED,
        result=_("The process that did it was lost: whether it was done is not known. Look, then ask anew."),
    )
    Approval.everything.filter(expires_at__lt=now - KEPT).exclude(status=Status.WAITING).delete()
    text = ngettext("%(n)d approval expired", "%(n)d approvals expired", expired)
    return text % {"n": expired} if expired else ""


def _expire(rows: Any) -> int:
    count = 0
    for approval in rows:
        if not Approval.everything.filter(pk=approval.pk, status=Status.WAITING).update(
            status=Status.EXPIRED
        ):
            continue
        count += 1
        with _written(approval, "approval.expire", audit.SYSTEM, ""):
            pass
    return count
