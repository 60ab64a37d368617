"""Old versions: thinned, then dropped; and the parts that no version needs any more."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import ngettext

from mqadmin.definitions.models import Part, Version, Watch

ALL_FOR, HOURLY_FOR = timedelta(days=7), timedelta(days=30)
STEP = 200


def forget(now: datetime | None = None) -> str:
    """Drop what is too old or too much; returns what went, in words.

    Kept are all versions of the last week, then the last of each hour for a month, then the last of each day; none
    that is older than MQADMIN_DEFINITIONS_DAYS (0: no limit), at most MQADMIN_DEFINITIONS_VERSIONS of each broker,
    and always the newest.
    """
    moment = now or timezone.now()
    gone = 0
    for broker in list(Version.objects.order_by().values_list("broker", flat=True).distinct()):
        rows = list(Version.objects.filter(broker=broker).values_list("pk", "at"))
        victims = surplus(
            rows, moment, settings.MQADMIN_DEFINITIONS_DAYS, settings.MQADMIN_DEFINITIONS_VERSIONS
        )
        for at in range(0, len(victims), STEP):
            _drop(broker, victims[at : at + STEP])
        gone += len(victims)
    text = ngettext("%(n)s version of definitions", "%(n)s versions of definitions", gone)
    return text % {"n": gone} if gone else ""


def surplus(rows: Iterable[tuple[int, datetime]], now: datetime, days: float, most: int) -> list[int]:
    """Return the numbers of the versions that go; `rows` are (number, moment), the newest first. Pure."""
    gone: list[int] = []
    kept = 0
    seen: set[tuple[int, ...]] = set()
    for place, (number, at) in enumerate(rows):
        age = now - at
        slot = _slot(at, age)
        is_old = bool(days) and age > timedelta(days=days)
        if place and (is_old or kept >= most or (slot and slot in seen)):
            gone.append(number)
            continue
        kept += 1
        if slot:
            seen.add(slot)
    return gone


def _slot(at: datetime, age: timedelta) -> tuple[int, ...]:
    """Return the hour or the day of which one version is kept; () where all are."""
    if age <= ALL_FOR:
        return ()
    day = (at.year, at.month, at.day)
    return (*day, at.hour) if age <= HOURLY_FOR else day


def _drop(broker: str, numbers: list[int]) -> None:
    with transaction.atomic():
        # Nobody writes a version meanwhile that needs a part which goes here.
        Watch.objects.get_or_create(broker=broker)
        Watch.objects.select_for_update().get(broker=broker)
        doomed = Version.objects.filter(broker=broker, pk__in=numbers)
        loose = {digest for parts in doomed.values_list("parts", flat=True) for digest in parts.values()}
        for parts in (
            Version.objects.filter(broker=broker).exclude(pk__in=numbers).values_list("parts", flat=True)
        ):
            loose.difference_update(parts.values())
        doomed.delete()
        digests = sorted(loose)
        for at in range(0, len(digests), STEP):
            Part.objects.filter(broker=broker, digest__in=digests[at : at + STEP]).delete()
