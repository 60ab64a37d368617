"""In a restored database nothing waits for a second person: what it was about may be done, or be another by now."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import ngettext

from mqadmin.approvals.models import Approval
from mqadmin.core.backups.standing_down import told


def stand_down(reason: str) -> Iterable[str]:
    """Close what waited, and what was being done."""
    waiting = Approval.everything.filter(status__in=(Approval.Status.WAITING, Approval.Status.DOING))
    closed = waiting.update(status=Approval.Status.EXPIRED, result=reason[:500])
    text = ngettext(
        "%(n)d act that waited for a second person is closed.",
        "%(n)d acts that waited for a second person are closed.",
        closed,
    )
    return told(closed, text)
