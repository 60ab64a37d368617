"""How many letters of each cause came in each of the last 24 hours, for a page that draws sixty of them.

Two bounded queries for a whole page, none for each cause, both along the index of (broker, captured_at): one for
the last hour, one for hours that were not counted yet. An hour that is over does not change, so its counts are
kept in this process; those of the last hour for a few seconds, for all who look at the page. No query looks at
more than MOST_ROWS letters: a flood is counted over several calls, newest hours first, and an hour with more
letters than that is estimated from its newest.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from django.db import connection
from django.utils import timezone

from mqadmin.core.rights import asking
from mqadmin.deadletters.inbox.inbox import Cause
from mqadmin.deadletters.models import DeadLetter

HOURS = 24
MOST_ROWS = 4_000
KEPT_SECONDS = 600.0  # an import may bring letters of an hour that was counted
LAST_KEPT = timedelta(seconds=5)  # the last hour's counts
_LATE = timedelta(minutes=1)  # a window is stored a moment after its letters were taken
_HOUR = timedelta(hours=1)
Counts = Mapping[str, int]


@dataclass
class _Kept:
    """The closed hours of one broker that are counted, until `until` (monotonic seconds); and the last hour's
    counts, as of when."""

    until: float
    hours: dict[datetime, Counts] = field(default_factory=dict)
    last: tuple[datetime, Counts] | None = None


_MOST_KEPT = 200  # brokers, and who may have a part of the letters
_kept: dict[tuple[object, ...], _Kept] = {}
_lock = threading.Lock()


def forget() -> None:
    """Count everything anew."""
    with _lock:
        _kept.clear()


@dataclass(frozen=True)
class Drawn(Cause):
    """A cause with the counts of the hours of the last day, the last 60 minutes at the end."""

    points: tuple[int, ...] = ()

    @property
    def last_hour(self) -> int:
        return self.points[-1] if self.points else 0

    @property
    def most(self) -> int:
        """In one hour."""
        return max(self.points, default=0)

    @property
    def is_growing(self) -> bool:
        """Whether most of the last day's letters came in its last quarter."""
        recent = sum(self.points[-HOURS // 4 :])
        return recent >= 5 and recent > sum(self.points) / 2


def drawn(broker: str, causes: Iterable[Cause], now: datetime | None = None) -> list[Drawn]:
    """Return the causes with their points."""
    causes = list(causes)
    if not causes:
        return []
    hours = by_hour(broker, now or timezone.now())
    found = []
    for cause in causes:
        values = {item.name: getattr(cause, item.name) for item in fields(Cause)}
        found.append(Drawn(**values, points=tuple(hour.get(cause.group, 0) for hour in hours)))
    return found


def by_hour(broker: str, now: datetime) -> list[Counts]:
    """Return the counts by group of the HOURS - 1 last hours of the clock, and of the last 60 minutes.

    What is not counted yet is empty, and is there at one of the next calls. Any thread.
    """
    this = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    closed = [this - _HOUR * back for back in range(HOURS - 1, 0, -1)]
    with _lock:
        kept = _of(broker)
        missing = [hour for hour in closed if hour not in kept.hours]
        last = kept.last
    if last is None or abs(now - last[0]) >= LAST_KEPT:
        last = (now, _last_hour(broker, now))
        with _lock:
            kept.last = last
    if missing:
        found = _counted(broker, missing[0], missing[-1] + _HOUR)
        over = now - _LATE
        with _lock:
            kept.hours.update({hour: counts for hour, counts in found.items() if hour + _HOUR <= over})
            for old in [hour for hour in kept.hours if hour < closed[0]]:
                del kept.hours[old]
    else:
        found = {}
    return [*(found.get(hour) or kept.hours.get(hour) or {} for hour in closed), last[1]]


def _of(broker: str) -> _Kept:
    """Return what is kept of a broker; the caller holds the lock."""
    key = (str(connection.settings_dict["NAME"]), broker, asking.mark())
    found = _kept.get(key)
    if found is None and len(_kept) >= _MOST_KEPT:
        _kept.clear()
    if found is None or found.until < time.monotonic():
        found = _kept[key] = _Kept(time.monotonic() + KEPT_SECONDS)
    return found


def _last_hour(broker: str, now: datetime) -> Counts:
    found = _newest(broker, now - _HOUR, now + _HOUR)
    times = 1.0
    if found.rows >= MOST_ROWS and found.oldest is not None:
        times = _HOUR / max(now - found.oldest, timedelta(seconds=1))
    counts: dict[str, int] = {}
    for inside in found.hours.values():
        for group, count in inside.items():
            counts[group] = counts.get(group, 0) + count
    return _times(counts, times)


def _counted(broker: str, start: datetime, end: datetime) -> dict[datetime, Counts]:
    """Return the counts of each hour in [start, end) that is complete in the newest MOST_ROWS letters of it."""
    found = _newest(broker, start, end)
    hours: dict[datetime, Counts] = dict(found.hours)
    whole_from = start
    if found.rows >= MOST_ROWS and found.oldest is not None:
        cut = _hour_of(found.oldest)  # the oldest hour is not whole
        whole_from = cut + _HOUR
        if len(hours) > 1:
            del hours[cut]
        else:
            share = (cut + _HOUR - found.oldest) / _HOUR
            hours[cut] = _times(hours[cut], 1 / max(share, 0.001))
    while whole_from < end:
        hours.setdefault(whole_from, {})
        whole_from += _HOUR
    return hours


@dataclass(frozen=True)
class _Newest:
    """The newest letters of a span: counts by hour and group, how many there are, and when the oldest came."""

    hours: dict[datetime, dict[str, int]]
    rows: int
    oldest: datetime | None


_HOUR_OF = {  # the database groups: reading thousands of times into Python would take longer than all else
    "sqlite": "substr(captured_at, 1, 13)",
    "postgresql": "to_char(captured_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24')",
}


def _newest(broker: str, start: datetime, end: datetime) -> _Newest:
    """Count at most MOST_ROWS letters of [start, end), the newest, along the index."""
    if asking.limited() is not None:
        return _newest_of_theirs(broker, start, end)
    query = (
        f'SELECT "group", hour, COUNT(*), MIN(moment) FROM (SELECT "group", {_HOUR_OF[connection.vendor]} AS hour, '  # noqa: S608
        f'captured_at AS moment FROM "{DeadLetter._meta.db_table}" WHERE broker = %s AND captured_at >= %s '
        'AND captured_at < %s ORDER BY captured_at DESC LIMIT %s) AS newest GROUP BY "group", hour'
    )
    adapt = connection.ops.adapt_datetimefield_value
    hours: dict[datetime, dict[str, int]] = {}
    rows, oldest = 0, None
    with connection.cursor() as cursor:
        cursor.execute(query, [broker, adapt(start), adapt(end), MOST_ROWS])
        for group, hour, count, moment in cursor.fetchall():
            hours.setdefault(_read_hour(hour), {})[group] = count
            rows += count
            oldest = moment if oldest is None else min(oldest, moment)
    return _Newest(hours, rows, _moment(oldest))


def _newest_of_theirs(broker: str, start: datetime, end: datetime) -> _Newest:
    """Do the same for who may have a part of them."""
    rows = DeadLetter.objects.filter(broker=broker, captured_at__gte=start, captured_at__lt=end)
    found = list(rows.order_by("-captured_at").values_list("group", "captured_at")[:MOST_ROWS])
    hours: dict[datetime, dict[str, int]] = {}
    for group, moment in found:
        counts = hours.setdefault(_hour_of(moment), {})
        counts[group] = counts.get(group, 0) + 1
    return _Newest(hours, len(found), found[-1][1] if found else None)


@lru_cache(maxsize=64)
def _read_hour(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H").replace(tzinfo=UTC)


def _moment(stored: object) -> datetime | None:
    """Return a time as the database's driver gave it: SQLite's are text, in UTC."""
    if isinstance(stored, str):
        return datetime.fromisoformat(stored).replace(tzinfo=UTC)
    return stored if isinstance(stored, datetime) else None


def _times(counts: Counts, times: float) -> Counts:
    return counts if times == 1 else {group: round(count * times) for group, count in counts.items()}


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
