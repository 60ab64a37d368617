"""What has had its time goes: counted failures, sessions, tokens that nobody uses, old refusals in the log."""

from __future__ import annotations

from datetime import datetime, timedelta

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core.access import known, limits, refused_tokens
from mqadmin.core.acts import audit
from mqadmin.core.models import ApiToken, AuditEntry, WallToken
from mqadmin.core.rows.deleting import Steps, all_of

DELETING = 20.0  # seconds, for one kind of rows
REFUSALS_DAYS, MOST_REFUSALS = 90, 20_000
_BY_STRANGERS = (
    Q(action__in=(known.SIGN_IN, refused_tokens.ACTION), outcome=AuditEntry.Outcome.REFUSED)
) | Q(action="user.lock_out")


def delete_old(now: datetime | None = None) -> str:
    """Delete in small steps what is of no more use, and say how many sessions and tokens that were.

    Acts of people stay in the audit log. What strangers can write there, failures and lock-outs, is bounded.
    """
    moment = now or timezone.now()
    all_of(AccessAttempt.objects.filter(attempt_time__lte=moment - limits.wait()), Steps(DELETING))
    # Kept by axes' own handler, of versions before: nothing reads them.
    all_of(AccessLog.objects.all(), Steps(DELETING))
    all_of(AccessFailureLog.objects.all(), Steps(DELETING))
    all_of(_old_refusals(moment), Steps(DELETING))
    sessions = all_of(Session.objects.filter(expire_date__lt=moment), Steps(DELETING))
    tokens = _revoke_unused(moment)
    words = []
    if sessions:
        words.append(_("%(n)d expired sessions deleted") % {"n": sessions})
    if tokens:
        words.append(_("%(n)d unused tokens revoked") % {"n": tokens})
    return ", ".join(words)


def _old_refusals(now: datetime) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.filter(_BY_STRANGERS)
    too_old = Q(at__lt=now - timedelta(days=REFUSALS_DAYS))
    too_many = rows.order_by("-pk").values_list("pk", flat=True)[MOST_REFUSALS : MOST_REFUSALS + 1]
    newest = next(iter(too_many), None)
    return rows.filter(too_old if newest is None else too_old | Q(pk__lte=newest))


def _revoke_unused(now: datetime) -> int:
    days = settings.MQADMIN_TOKENS_DAYS
    if days <= 0:
        return 0
    since = now - timedelta(days=days)
    unused = Q(last_used_at__lt=since) | Q(last_used_at__isnull=True, created_at__lt=since)
    why = f"not used for {days:g} days"
    gone = 0
    for token in ApiToken.objects.filter(unused).select_related("user"):
        with audit.act(
            by=audit.SYSTEM,
            action="token.revoke",
            target=token.user.get_username(),
            count=1,
            detail={"name": token.name, "hint": token.hint, "why": why},
        ):
            gone += ApiToken.objects.filter(unused, pk=token.pk).delete()[0]
    for wall in WallToken.objects.filter(unused):
        detail = {"hint": wall.hint, "why": why}
        with audit.act(by=audit.SYSTEM, action="wall.revoke", target=wall.name, count=1, detail=detail):
            gone += WallToken.objects.filter(unused, pk=wall.pk).delete()[0]
    return gone
