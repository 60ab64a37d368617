"""What is too old or too much goes: records, and the events, counters, notes and keys beside them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from consumers.models import Consumer, ConsumerEvent, ConsumerMinute, HandledKey, Suspect
from consumers.records import claims, forgetting
from consumers.records.minutes import KEPT_DAYS
from consumers.scaling import autoscaler
from mqadmin.core.rows.deleting import Steps, oldest_while

DELETING = 60.0  # seconds that retention may take for one kind of rows
STEP = (
    0.05  # seconds of a step for records, of which there may be very many: four times as many go in that time
)
_STALE_CLAIM = timedelta(days=1)  # left by a process that died, of a message that nobody delivered again


def delete_old(now: datetime | None = None) -> str:
    """Delete what is too old or too much, in small steps, and say what was done.

    Records by age and by number, and what deleted consumers left; events, counters and notes of messages that came
    back by age; dedupe keys past their consumer's window, and claims that a dead process left a day ago. Each kind
    has DELETING seconds; the rest is the next call's.
    """
    moment = now or timezone.now()
    oldest = moment - timedelta(days=settings.MQADMIN_RECORDS_DAYS)
    gone = forgetting.forget_deleted(Steps(DELETING, step=STEP))  # first: they count for the number
    forgetting.forget_beside_deleted(Steps(DELETING))
    steps = Steps(DELETING, step=STEP)
    gone += forgetting.forget(oldest, settings.MQADMIN_RECORDS_MAX, steps, settings.MQADMIN_RECORDS_DAYS)
    oldest_while(ConsumerEvent.objects.filter(at__lt=oldest), Steps(DELETING))
    kept_from = int((moment - timedelta(days=KEPT_DAYS)).timestamp() // 60)
    oldest_while(ConsumerMinute.objects.filter(minute__lt=kept_from), Steps(DELETING))
    oldest_while(Suspect.objects.filter(noted_at__lt=oldest), Steps(DELETING))
    oldest_while(autoscaler.old_points(moment), Steps(DELETING))
    _delete_keys(moment, Steps(DELETING))
    return _("%(n)d records deleted") % {"n": gone} if gone else ""


def _delete_keys(now: datetime, steps: Steps) -> None:
    """Delete the dedupe keys that mean nothing any more, walking from the oldest.

    A consumer's window is in its definition, and the keys of all are in one order: those of longer windows are
    passed over.
    """
    kept = {
        pk: now - timedelta(seconds=seconds)
        for pk, seconds in Consumer.objects.values_list("id", "dedupe_seconds")
    }
    living = set(claims.living(now).values_list("pk", flat=True))
    stale = now - _STALE_CLAIM
    rows = HandledKey.objects.filter(at__lt=max([stale, *kept.values()])).order_by("at", "id")
    after: Q = Q()
    while steps.goes_on:
        part = list(
            rows.filter(after).values_list("id", "at", "consumer_id", "process_id", "done")[: steps.size]
        )
        if not part:
            break
        done = [pk for pk, at, consumer, _process, done in part if done and at < kept.get(consumer, now)]
        left = [
            pk
            for pk, at, _consumer, process, done in part
            if not done and at < stale and process not in living
        ]
        if done or left:
            # As they were read: a claim may have been taken over meanwhile.
            unchanged = Q(id__in=done, done=True) | Q(id__in=left, done=False)
            steps.delete(HandledKey.objects.filter(unchanged, at__lte=part[-1][1]))
        pk, at = part[-1][:2]
        after = Q(at__gte=at) & (Q(at__gt=at) | Q(id__gt=pk))
