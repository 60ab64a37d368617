"""An act that waits, as the API tells it: in its own calls, and in answer to the call that asked for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format

from mqadmin.approvals.models import Approval


def out(approval: Approval) -> dict[str, Any]:
    """Return it as JSON's types. What its service is called with is not part of it: a search may be masked."""
    return {
        "id": approval.pk,
        "version": approval.version,
        "act": approval.act,
        "needs": approval.needs,
        "broker": approval.broker,
        "vhost": approval.vhost,
        "queue": approval.queue,
        "target": approval.target,
        "summary": approval.summary,
        "messages": approval.messages,
        "objects": approval.objects_touched,
        "lately": approval.lately,
        "dry_run": approval.foretold,
        "grown": approval.grown,
        "status": str(approval.stage.value),
        "asked_by": approval.asked_by,
        "asked_at": approval.asked_at.isoformat(),
        "expires_at": approval.expires_at.isoformat(),
        "decided_by": approval.decided_by,
        "decided_at": approval.decided_at.isoformat() if approval.decided_at else None,
        "alone": approval.is_alone,
        "reason": approval.reason,
        "result": approval.result,
        "operation": approval.operation_id,
    }


def moment(at: datetime) -> str:
    """Return a moment in words, in the time zone of the installation."""
    return date_format(timezone.localtime(at), "j M Y, H:i")
