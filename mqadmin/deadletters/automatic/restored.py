"""In a restored database no letter is requeued by itself, and none is taken for the broker's that may be ours."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core.backups.standing_down import told
from mqadmin.core.models import Operation
from mqadmin.deadletters.models import (
    Breaker,
    CaptureWindow,
    ClaimedBatch,
    DeadLetter,
    LetterEvent,
    PlannedRetry,
    RetentionNotice,
    RetryRule,
)
from mqadmin.deadletters.requeue import claims

_BATCH = 1_000
Status, State = DeadLetter.Status, PlannedRetry.State


def stand_down(reason: str) -> Iterable[str]:
    """Give back what was on its way, leave planned retries to a person, switch off rules and breakers.

    Windows of the capture that were in doubt are settled: what comes back is stored once more, marked as a possible
    duplicate, and never dropped for a letter of then. Retention announces anew what it will delete.
    """
    lines = [*_give_back(reason), *_leave_retries(reason)]
    for rule in RetryRule.objects.filter(is_on=True):
        name = rule.group or f"{rule.vhost}:{rule.source}"
        lines.append(_("The rule that requeues letters of %(name)s is off.") % {"name": name})
    RetryRule.objects.update(is_on=False)
    for breaker in Breaker.objects.filter(is_on=True).select_related("consumer"):
        lines.append(_("The breaker of %(name)s is off.") % {"name": breaker.consumer.name})
    Breaker.objects.update(is_on=False, state=Breaker.State.CLOSED, group="", operation=None, words="")
    CaptureWindow.objects.all().delete()
    RetentionNotice.objects.all().delete()
    return lines


def _give_back(reason: str) -> list[str]:
    """Park what operations had claimed: each of these letters may have been requeued."""
    for operation in Operation.objects.filter(pk__in=ClaimedBatch.objects.values("operation")):
        claims.write_down(operation)  # with the ids of the copies, by which one that died again is known
    claimed = list(DeadLetter.objects.filter(status=Status.REQUEUEING).values_list("pk", flat=True))
    text = _("%(reason)s It was on its way: it may have been requeued already.") % {"reason": reason}
    for begin in range(0, len(claimed), _BATCH):
        ids = claimed[begin : begin + _BATCH]
        _note(ids, "returned", text)
        DeadLetter.objects.filter(pk__in=ids).update(
            status=Status.PARKED, status_reason=text[:500], claimed_at=None
        )
    return told(
        (count := len(claimed)),
        ngettext(
            "%(n)d letter was on its way: it is in the inbox, and may have been requeued.",
            "%(n)d letters were on their way: they are in the inbox, and may have been requeued.",
            count,
        ),
    )


def _leave_retries(reason: str) -> list[str]:
    """A rule that is switched on again would send at once what was due long ago."""
    waiting = PlannedRetry.objects.filter(state=State.WAITING)
    ids = list(waiting.values_list("letter_id", flat=True))
    text = _("Left for a person: %(reason)s") % {"reason": reason}
    for begin in range(0, len(ids), _BATCH):
        _note(ids[begin : begin + _BATCH], "left", text)
    waiting.update(state=State.LEFT)
    return told(
        (count := len(ids)),
        ngettext(
            "%(n)d letter that a rule would have requeued is left for a person.",
            "%(n)d letters that a rule would have requeued are left for a person.",
            count,
        ),
    )


def _note(ids: list[int], kind: str, text: str) -> None:
    now = timezone.now()
    LetterEvent.objects.bulk_create(
        [LetterEvent(letter_id=pk, at=now, kind=kind, by="manage.py", text=text[:500]) for pk in ids]
    )
