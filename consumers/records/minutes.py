"""Handled messages by the minute: exact counters for the pages, whatever share is kept as records.

Each process writes rows of its own, so no two ever contend for one; a page reads sixty rows a process.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import connection
from django.utils import timezone

from consumers.models import ConsumerMinute, Record

HOUR = 60  # minutes
KEPT_DAYS = 2
FAILURES = frozenset({Record.Outcome.DEAD_LETTERED.value, Record.Outcome.TIMED_OUT.value})
_ACKED, _RETRIED = Record.Outcome.ACKED.value, Record.Outcome.RETRIED.value
WELL = frozenset({_ACKED, Record.Outcome.DUPLICATE.value})
_RELEASED = Record.Outcome.RELEASED.value

# Upper bounds of the buckets of handling times, in milliseconds: 1 ms to about 20 minutes, each 1.4 times
# the one before, so that a quantile read from them is at most 40 % too high.
BOUNDS_MS: tuple[float, ...] = tuple(round(1.4**step, 1) for step in range(42))


@dataclass
class HandledCounts:
    """Counts of one stretch of time. `durations`: by bucket, the last one open-ended.

    `unacked`: well handled, but RabbitMQ could not be told of it, so that the message came or comes again.
    """

    handled: int = 0
    failed: int = 0
    retried: int = 0
    unacked: int = 0
    durations: list[int] = field(default_factory=list)

    def add(self, outcome: str, duration_ms: float) -> None:
        """Count one handled message. A released one went back unhandled: not counted."""
        if outcome != _ACKED:
            if outcome == _RELEASED:
                return
            self.failed += outcome in FAILURES
            self.retried += outcome == _RETRIED
        self.handled += 1
        bucket = bisect_left(BOUNDS_MS, duration_ms)
        durations = self.durations
        if bucket >= len(durations):
            durations.extend([0] * (bucket + 1 - len(durations)))
        durations[bucket] += 1

    def merge(self, handled: int, failed: int, retried: int, unacked: int, durations: Sequence[int]) -> None:
        """Add the counts of another stretch."""
        self.handled += handled
        self.failed += failed
        self.retried += retried
        self.unacked += unacked
        self.durations.extend([0] * (len(durations) - len(self.durations)))
        for bucket, count in enumerate(durations):
            self.durations[bucket] += count

    @property
    def success(self) -> float | None:
        """The share that is done with, 0 to 1; None when nothing was handled. A retry counts as neither.

        What failed is not, nor what was handled well and comes again since its ack never arrived.
        """
        settled = self.handled - self.retried
        return 1 - min(1.0, (self.failed + self.unacked) / settled) if settled > 0 else None

    def quantile_ms(self, share: float) -> float | None:
        """Return the handling time that `share` of the messages stayed within; None when there were none."""
        wanted = share * sum(self.durations)
        seen = 0
        for bucket, count in enumerate(self.durations):
            seen += count
            if count and seen >= wanted:
                return BOUNDS_MS[min(bucket, len(BOUNDS_MS) - 1)]
        return None


Totals = dict[int, HandledCounts]

Row = tuple[int | str, ...]

# Plain SQL, as it runs with every commit of a process; the same in SQLite and PostgreSQL.
_MARKS = "(%s, %s, %s, %s, %s, %s, %s, %s)"
_INSERT = (
    f'INSERT INTO "{ConsumerMinute._meta.db_table}" '  # noqa: S608
    '("consumer_id", "process_id", "minute", "handled", "failed", "retried", "unacked", "durations") VALUES '
)
_OR_UPDATE = (
    ' ON CONFLICT ("process_id", "minute") DO UPDATE SET "handled" = excluded."handled", '
    '"failed" = excluded."failed", "retried" = excluded."retried", "unacked" = excluded."unacked", '
    '"durations" = excluded."durations"'
)


def upsert(rows: int) -> str:
    """Return the statement that writes so many rows of `MinuteCounter.rows`, whose values it takes in order."""
    return _INSERT + ", ".join([_MARKS] * rows) + _OR_UPDATE


class MinuteCounter:
    """The counters of one process. Not thread-safe: for the thread that commits its records."""

    def __init__(self, *, consumer_id: int, process_id: int) -> None:
        self._consumer_id = consumer_id
        self._process_id = process_id
        self._totals: Totals = {}

    def count(self, handled: Iterable[tuple[float, str, float]], unacked: Iterable[float] = ()) -> Totals:
        """Return the counters with (epoch seconds, outcome, milliseconds) added.

        `unacked`: the same seconds of those among them, or counted before, whose ack never arrived.
        They count once they are handed to `keep`, after the transaction that wrote them is committed.
        """
        totals: Totals = {}
        tally, ends = HandledCounts(), 0.0
        for at, outcome, duration_ms in handled:
            if not ends - 60 <= at < ends:  # else it is of the same minute as the one before
                minute = int(at // 60)
                tally, ends = totals.get(minute) or self._copy(minute), (minute + 1) * 60
                totals[minute] = tally
            tally.add(outcome, duration_ms)
        for at in unacked:
            minute = int(at // 60)
            totals.setdefault(minute, self._copy(minute)).unacked += 1
        return totals

    def rows(self, totals: Totals) -> list[Row]:
        """Return what `upsert` takes: one row a minute, so one, or two at the turn of a minute."""
        return [self._row(minute, tally) for minute, tally in totals.items()]

    def write(self, totals: Totals) -> None:
        """Write them, in the caller's transaction."""
        rows = self.rows(totals)
        if rows:
            with connection.cursor() as cursor:
                cursor.execute(upsert(len(rows)), [value for row in rows for value in row])

    def _copy(self, minute: int) -> HandledCounts:
        known = self._totals.get(minute, HandledCounts())
        return replace(known, durations=list(known.durations))

    def keep(self, totals: Totals) -> None:
        """Go on from `totals`: their transaction is committed."""
        self._totals.update(totals)
        newest = max(self._totals, default=0)
        # A handler may run for long: its minute is the one it began in, and may be written late.
        for minute in [minute for minute in self._totals if minute < newest - 2 * HOUR]:
            del self._totals[minute]

    def _row(self, minute: int, tally: HandledCounts) -> Row:
        durations = json.dumps(tally.durations)
        counts = (tally.handled, tally.failed, tally.retried, tally.unacked, durations)
        return (self._consumer_id, self._process_id, minute, *counts)


@dataclass
class Hour:
    """The last sixty minutes of one consumer. `handled`, `failed` by minute, oldest first."""

    total: HandledCounts = field(default_factory=HandledCounts)
    handled: list[int] = field(default_factory=lambda: [0] * HOUR)
    failed: list[int] = field(default_factory=lambda: [0] * HOUR)

    @property
    def handled_points(self) -> list[int]:
        return points(self.handled)

    @property
    def failed_points(self) -> list[int]:
        return points(self.failed)


def points(minutes: list[int]) -> list[int]:
    """Return what a sparkline draws: the minute that has only begun must not look like a fall."""
    return minutes[:-1] if minutes[-1:] < minutes[-2:-1] else minutes


def last_hour(consumer_ids: Iterable[int], now: datetime | None = None) -> dict[int, Hour]:
    """Return the last hour of each consumer, in one query."""
    hours = {pk: Hour() for pk in consumer_ids}
    this_minute = int((now or timezone.now()).timestamp() // 60)
    rows = ConsumerMinute.objects.filter(
        consumer__in=list(hours), minute__gt=this_minute - HOUR, minute__lte=this_minute
    ).values_list("consumer_id", "minute", "handled", "failed", "retried", "unacked", "durations")
    for consumer_id, minute, handled, failed, retried, unacked, durations in rows:
        hour = hours[consumer_id]
        place = minute - this_minute + HOUR - 1
        hour.handled[place] += handled
        hour.failed[place] += failed
        hour.total.merge(handled, failed, retried, unacked, durations)
    return hours
