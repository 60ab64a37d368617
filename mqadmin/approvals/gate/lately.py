"""What one person did lately that was small enough: an act cannot be split to stay below the size."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.approvals.gate.size import Size
from mqadmin.approvals.models import Counted
from mqadmin.core.acts.audit import Actor


def add(*, kind: str, broker: str, by: Actor, size: Size) -> Counted:
    """Count an act, before it is known whether it is small enough: of two at a time each sees the other."""
    return Counted.objects.create(
        kind=kind, broker=broker, who=_who(by), messages=size.messages, objects_touched=size.objects
    )


def drop(row: Counted) -> None:
    """Count it no more: it was not done."""
    Counted.objects.filter(pk=row.pk).delete()


def done(*, kind: str, broker: str, by: Actor, but: Counted | None = None) -> Size:
    """Return how much they did of a kind on a broker within MQADMIN_FOUR_EYES_MINUTES, `but` for one."""
    since = timezone.now() - timedelta(minutes=settings.MQADMIN_FOUR_EYES_MINUTES)
    rows: QuerySet[Counted] = Counted.objects.filter(kind=kind, broker=broker, who=_who(by), at__gte=since)
    if but is not None:
        rows = rows.exclude(pk=but.pk)
    sums = rows.aggregate(messages=Sum("messages"), objects=Sum("objects_touched"))
    return Size(sums["messages"] or 0, sums["objects"] or 0)


def words(before: Size, now: Size) -> str:
    """Say what counted besides, "" for nothing."""
    if before == Size():
        return ""
    values = {
        "before": before.words(),
        "minutes": f"{settings.MQADMIN_FOUR_EYES_MINUTES:g}",
        "all": (before + now).words(),
    }
    return _("Together with %(before)s of the last %(minutes)s minutes that is %(all)s.") % values


def forget() -> str:
    """Delete what counts no more; returns "": nobody needs to be told."""
    Counted.objects.filter(
        at__lt=timezone.now() - timedelta(minutes=settings.MQADMIN_FOUR_EYES_MINUTES)
    ).delete()
    return ""


def _who(by: Actor) -> str:
    """An account stays the same under another name."""
    return str(by.account) if by.account is not None else f"{by.via}:{by.name}"
