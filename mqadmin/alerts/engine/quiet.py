"""Quiet hours of a channel. Pure but for the time zones that this machine knows."""

from __future__ import annotations

import zoneinfo
from datetime import datetime, time, timedelta

from django.utils import timezone


def ends_at(start: time | None, end: time | None, zone: str, now: datetime) -> datetime | None:
    """Return when the quiet hours that last now end, None outside them. They may go over midnight."""
    if start is None or end is None or start == end:
        return None
    local = now.astimezone(_zone(zone))
    clock = local.time().replace(tzinfo=None)
    lasts = start <= clock < end if start < end else clock >= start or clock < end
    if not lasts:
        return None
    day = local.date() if clock < end else local.date() + timedelta(days=1)
    return datetime.combine(day, end, tzinfo=local.tzinfo)


def _zone(name: str) -> zoneinfo.ZoneInfo | timezone.ZoneInfo:  # type: ignore[name-defined]
    try:
        return zoneinfo.ZoneInfo(name) if name else timezone.get_default_timezone()
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return timezone.get_default_timezone()
