"""What holds for a restored database before any process works on it: nothing goes on by itself.

Since the backup was taken, the installation went on: letters in its inbox were requeued, operations came to their
end, consumers handled messages. A restored database knows nothing of that, and may even run beside the original. So
whatever would act without a person is off until somebody switches it on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from mqadmin.core import hooks
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.models import AuditEntry, Lease, Operation, Restored

# No id that was given out since the backup is given out again: an address that somebody kept, or a process that is
# still there, would mean another thing. The next ids begin one or two of these above.
_LEAP = 1_000_000


def stand_down(*, taken_at: datetime, by: Actor, detail: dict[str, object]) -> list[str]:
    """Have nothing in the database go on by itself, all in one transaction; return what was done, a line each.

    `taken_at`: when the backup was taken. It is noted for the pages, and in the audit log with `detail`.
    """
    when = date_format(taken_at, "Y-m-d H:i:s e")
    reason = _("Held back: the database was restored from a backup of %(when)s.") % {"when": when}
    with transaction.atomic():
        lines = [*_operations(reason), *hooks.restored(reason)]
        _forget_leases()
        _leap()
        Restored.objects.create(taken_at=taken_at, by=by.name, lines=lines)
        audit.note(
            by=by,
            action="database.restore",
            outcome=AuditEntry.Outcome.DONE,
            target=_("a backup of %(when)s") % {"when": when},
            detail={**detail, "stood_down": lines},
        )
    return lines


def _operations(reason: str) -> Sequence[str]:
    """Cancel what was waiting, running or paused. What each held of letters is given back by who knows letters."""
    held = Operation.objects.filter(Q(status__in=Operation.OPEN) | Q(lease_until__isnull=False)).order_by(
        "pk"
    )
    lines = []
    for row in held.filter(status__in=Operation.OPEN):
        lines.append(
            _("Operation %(id)d, which was %(status)s, is cancelled after %(done)d of %(total)d: %(summary)s")
            % {
                "id": row.pk,
                "status": row.get_status_display(),
                "done": row.done,
                "total": row.total,
                "summary": row.summary,
            }
        )
    held.filter(status__in=Operation.OPEN).update(
        status=Operation.Status.CANCELLED,
        error=reason,
        finished_at=timezone.now(),
        phase="",
        words="",
        lease_owner="",
        lease_until=None,
    )
    held.update(lease_owner="", lease_until=None)
    return lines


def _forget_leases() -> None:
    """Who said in it that it is there was a process of then."""
    Lease.objects.all().delete()


def _leap() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("UPDATE sqlite_sequence SET seq = (seq / %s + 2) * %s", [_LEAP, _LEAP])
            return
        cursor.execute(
            "SELECT schemaname, sequencename, last_value FROM pg_sequences"
            " WHERE schemaname = current_schema() AND last_value IS NOT NULL"
        )
        for schema, name, last in cursor.fetchall():
            where = f"{connection.ops.quote_name(schema)}.{connection.ops.quote_name(name)}"
            cursor.execute("SELECT setval(%s, %s)", [where, (last // _LEAP + 2) * _LEAP])


def told(count: int, text: str) -> list[str]:
    """Return a line about so many things (`%(n)d` in it), none for none."""
    return [text % {"n": count}] if count else []
