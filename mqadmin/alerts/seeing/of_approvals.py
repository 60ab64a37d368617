"""What rules on acts that need a second person match: those that wait, and those that went ahead without one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import QuerySet

from mqadmin.alerts.models import Alert, Rule
from mqadmin.alerts.seeing.hits import Hit, Subject
from mqadmin.alerts.seeing.world import World
from mqadmin.approvals.gate.size import Size
from mqadmin.approvals.models import Approval


def approvals(rule: Rule, world: World) -> Iterator[Hit]:
    """Yield the acts that wait, and those that somebody went ahead with alone within `window_s`."""
    rows = Approval.objects.filter(broker=rule.broker) if rule.broker else Approval.objects.all()
    if not rule.codes or "waiting" in rule.codes:
        waiting = rows.filter(status=Approval.Status.WAITING, expires_at__gt=world.now)
        yield from _hits("approval_waits", waiting)
    if not rule.codes or "alone" in rule.codes:
        since = world.now - timedelta(seconds=rule.window_s)
        yield from _hits("approval_alone", rows.filter(is_alone=True, decided_at__gte=since))


def _hits(trouble: str, rows: QuerySet[Approval]) -> Iterator[Hit]:
    for approval in rows.order_by("pk"):
        params = {
            "code": trouble,
            "who": approval.asked_by,
            "what": approval.summary,
            "size": Size(approval.messages, approval.objects_touched).words(),
            "until": approval.expires_at.isoformat(),
            "reason": approval.reason,
        }
        subject = Subject(Alert.Subject.APPROVAL, approval.broker, approval.vhost, f"{approval.pk}")
        yield Hit(subject, trouble, params=params, row_id=approval.pk)
