"""How long letters are kept once somebody has decided them; what nobody has decided stays until told otherwise.

Discarded and requeued letters go MQADMIN_LETTERS_DAYS (30; 0: never) days after that; parked ones only where
MQADMIN_LETTERS_PARKED_DAYS is set (0, never, by default), so many days after their capture. Before the first of a
kind goes, and again whenever the days become fewer, the overview says so for NOTICE: nothing is deleted that was
not announced. Each pass deletes a few rows at a time, so that no collector waits for it; the next one goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core import hooks
from mqadmin.core.acts import audit
from mqadmin.core.hooks import Attention, Link
from mqadmin.core.pages import formats
from mqadmin.core.permissions import User
from mqadmin.core.rows.deleting import Steps
from mqadmin.deadletters.models import DeadLetter, RetentionNotice
from mqadmin.deadletters.requeue import claims
from mqadmin.deadletters.search import fulltext, tally

NOTICE = timedelta(days=3)
PASS_SECONDS = 30.0  # that one pass may take
_FIRST, _SMALLEST, _LARGEST = 50, 5, 1_000  # letters of one delete
_COUNTED = 10_000  # "10,000+" in the warning

Status = DeadLetter.Status


@dataclass(frozen=True)
class Rule:
    """Letters with `status` go `days` after the moment in `column`."""

    status: str
    column: str
    days: float

    def rows(self, broker: str, until: datetime) -> QuerySet[DeadLetter]:
        """Return the letters that are due at `until`, in no order."""
        before = {f"{self.column}__lt": until - timedelta(days=self.days)}
        return DeadLetter.objects.filter(broker=broker, status=self.status, **before).order_by()


def rules() -> list[Rule]:
    """Return what is to go."""
    decided, parked = settings.MQADMIN_LETTERS_DAYS, settings.MQADMIN_LETTERS_PARKED_DAYS
    found = [
        Rule(Status.DISCARDED, "decided_at", decided),
        Rule(Status.REQUEUED, "decided_at", decided),
        Rule(Status.PARKED, "captured_at", parked),
    ]
    return [rule for rule in found if rule.days > 0]


def step(now: datetime | None = None) -> str:
    """Announce and delete what is due, for PASS_SECONDS at most. Returns what was done in words, "" for nothing."""
    moment = now or timezone.now()
    steps = Steps(PASS_SECONDS, first=_FIRST, smallest=_SMALLEST, largest=_LARGEST)
    gone = 0
    for rule in rules():
        if not _is_announced(rule, moment):
            continue
        for broker in tally.by("broker", {"status": rule.status}):
            rows = rule.rows(broker, moment)
            if rows.exists():
                gone += _written_down(rule, broker, rows, steps)
    return ngettext("%(n)d letter deleted", "%(n)d letters deleted", gone) % {"n": gone} if gone else ""


def _written_down(rule: Rule, broker: str, rows: QuerySet[DeadLetter], steps: Steps) -> int:
    """Delete, with a line in the audit log."""
    with audit.act(
        by=audit.SYSTEM,
        action="dead_letters.retention",
        broker=broker,
        target=rule.status,
        detail={"days": rule.days},
    ) as entry:
        entry.count = _delete(rows, steps)
    return entry.count


def _is_announced(rule: Rule, now: datetime) -> bool:
    """Whether the rule, with no more days than now, was told of for NOTICE; else begins to tell of it."""
    notice, _made = RetentionNotice.objects.get_or_create(
        status=rule.status, defaults={"days": rule.days, "at": now}
    )
    if rule.days < notice.days:
        notice.at = now
    if rule.days != notice.days:
        notice.days = rule.days
        notice.save()
    return notice.at + NOTICE <= now


def _delete(rows: QuerySet[DeadLetter], steps: Steps) -> int:
    gone = 0
    while steps.goes_on and (count := steps.take(lambda: _delete_some(rows, steps.size))):
        gone += count
    return gone


@transaction.atomic
def _delete_some(rows: QuerySet[DeadLetter], size: int) -> int:
    """Delete `size` letters and what hangs on them; those that somebody holds wait for the next pass."""
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True)
    found = list(rows.values_list("pk", "search_text", "edits")[:size])
    busy = claims.in_flight([pk for pk, _text, _edits in found])
    found = [row for row in found if row[0] not in busy]
    # What was edited was indexed with another text; its entry stays, and names a letter that is not there.
    fulltext.drop([(pk, text) for pk, text, edits in found if not edits])
    DeadLetter.objects.filter(pk__in=[pk for pk, _text, _edits in found]).delete()
    return len(found)


def attention(broker: str, user: User) -> Iterable[Attention]:  # noqa: ARG001
    """Say what will be deleted within NOTICE, and from when on."""
    now = timezone.now()
    notices = {notice.status: notice for notice in RetentionNotice.objects.all()}
    for rule in rules():
        if rule.status == Status.REQUEUED:
            continue  # they were delivered: nothing is lost with them
        notice = notices.get(rule.status)
        announced = (notice.at if notice else now) + NOTICE
        count = len(rule.rows(broker, now + NOTICE).values_list("pk")[: _COUNTED + 1])
        if count:
            yield _warning(broker, rule, count, max(announced, now))


def _warning(broker: str, rule: Rule, count: int, begins: datetime) -> Attention:
    label = str(Status(rule.status).label)
    number = f"{formats.number(_COUNTED)}+" if count > _COUNTED else formats.number(count)
    title = ngettext(
        "%(n)s %(status)s letter will be deleted", "%(n)s %(status)s letters will be deleted", count
    ) % {"n": number, "status": label}
    text = _("%(status)s letters are kept for %(days)g days. Deleting begins on %(date)s.") % {
        "status": label.capitalize(),
        "days": rule.days,
        "date": date_format(timezone.localtime(begins), "DATE_FORMAT"),
    }
    href = f"{reverse('letter_list')}?{urlencode({'broker': broker, 'status': rule.status})}"
    return Attention("watch", title, text, [Link(_("Look at them"), href)])


hooks.register_retention(step)
hooks.register_attention(attention)
