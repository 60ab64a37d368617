"""Who handles which message, and which were handled: the runtime's `dedupe.Claims` over `HandledKey` rows.

Plain SQL in few statements, since it runs before the handler of every message that has a key. Statements touch
keys in ascending order, so that two processes never wait for each other crosswise on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from consumers.models import ConsumerProcess, HandledKey
from consumers.records.database_faults import unavailable
from consumers.runtime.handling.dedupe import Claim

SILENT = timedelta(seconds=30)  # so long without a heartbeat, the process that claimed is taken for dead
_MOST = 500  # keys of one statement
_TABLE = f'"{HandledKey._meta.db_table}"'
_INSERT = f"INSERT INTO {_TABLE} (consumer_id, key, process_id, done, at) VALUES "  # noqa: S608
_ROW = "(%s, %s, %s, %s, %s)"
_SELECT = f"SELECT key, process_id, done, at, at >= %s FROM {_TABLE} WHERE consumer_id = %s"  # noqa: S608
_DIED = (ConsumerProcess.State.BACKOFF, ConsumerProcess.State.FAILED)  # seen dead, its row not closed yet


@dataclass(frozen=True, slots=True)
class _Found:
    """What stands in the way of a claim. `fresh`: claimed or handled within the window."""

    key: str
    process_id: int
    done: bool
    at: datetime  # without a zone on SQLite
    fresh: bool


class HandledClaims:
    """The claims of one process of one consumer. Any thread, each over its own connection.

    `window`: for how many seconds a handled message is remembered.
    """

    def __init__(self, *, consumer_id: int, process_id: int, window: float) -> None:
        self._consumer_id = consumer_id
        self._process_id = process_id
        self._window = timedelta(seconds=window)
        self._unsure: dict[
            str, datetime
        ] = {}  # keys of transactions that perhaps were committed, and their time

    def claim(self, keys: Sequence[str]) -> list[Claim]:
        """Claim `keys` (distinct) in one transaction and say of each what came of it, in their order.

        See the runtime's `dedupe.Claims`. Two statements when none of them is known yet, else up to two
        more, and one for each claim that is taken over. Raises SinkUnavailable.
        """
        if not keys:
            return []
        ordered = sorted(keys)
        answers: dict[str, Claim] = {}
        now = timezone.now()
        try:
            with transaction.atomic():
                for start in range(0, len(ordered), _MOST):
                    answers |= self._claim(ordered[start : start + _MOST], now)
        except (OperationalError, InterfaceError) as error:
            # A commit whose answer was lost: without this the next try would take its own claims for another's.
            self._unsure.update(dict.fromkeys(ordered, now))
            raise unavailable(error) from error
        if self._unsure:
            for key in ordered:
                self._unsure.pop(key, None)
        return [answers[key] for key in keys]

    def _claim(self, keys: Sequence[str], now: datetime) -> dict[str, Claim]:
        # What is gone again by the time it is looked at was given up this moment: it is free at the next try.
        answers: dict[str, Claim] = dict.fromkeys(keys, "busy")
        fresh = self._insert(keys, now)
        answers.update(dict.fromkeys(fresh, "mine"))
        if len(fresh) < len(keys):
            found = self._find([key for key in keys if key not in fresh], now)
            others = {row.process_id for row in found if not row.done and row.process_id != self._process_id}
            dead = others - _living(others, now) if others else set()
            answers.update({row.key: self._judge(row, row.process_id in dead, now) for row in found})
        return answers

    def _insert(self, keys: Sequence[str], now: datetime) -> set[str]:
        """Claim what nobody has, and return it."""
        moment = _moment(now)
        values = [
            value for key in keys for value in (self._consumer_id, key, self._process_id, False, moment)
        ]
        rows = ", ".join([_ROW] * len(keys))
        with connection.cursor() as cursor:
            cursor.execute(f"{_INSERT}{rows} ON CONFLICT (consumer_id, key) DO NOTHING RETURNING key", values)
            return {key for (key,) in cursor.fetchall()}

    def _find(self, keys: Sequence[str], now: datetime) -> list[_Found]:
        """Read what is known of `keys`, in ascending order."""
        marks = ", ".join(["%s"] * len(keys))
        values = [_moment(now - self._window), self._consumer_id, *keys]
        with connection.cursor() as cursor:
            cursor.execute(f"{_SELECT} AND key IN ({marks}) ORDER BY key", values)
            return [_Found(*row) for row in cursor.fetchall()]

    def _judge(self, row: _Found, is_dead: bool, now: datetime) -> Claim:
        if row.done and row.fresh:
            return "done"
        if row.done or is_dead:
            return "mine" if self._take_over(row, now) else "busy"
        is_ours = row.process_id == self._process_id and self._unsure.get(row.key) == row.at.replace(
            tzinfo=UTC
        )
        return "mine" if is_ours else "busy"

    def _take_over(self, row: _Found, now: datetime) -> bool:
        """Make a claim ours, unless another was faster."""
        as_read = HandledKey.objects.filter(
            consumer_id=self._consumer_id, key=row.key, process_id=row.process_id, done=row.done
        )
        return as_read.update(process_id=self._process_id, done=False, at=now) == 1


def _moment(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at)


def _living(process_ids: Iterable[int], now: datetime) -> set[int]:
    return set(living(now).filter(pk__in=process_ids).values_list("pk", flat=True))


def living(now: datetime) -> QuerySet[ConsumerProcess]:
    """Return the processes whose claims hold: not ended, not seen dead, and heard of lately."""
    return ConsumerProcess.objects.filter(~Q(state__in=_DIED), ended_at=None, heartbeat_at__gte=now - SILENT)


def settle(consumer_id: int, process_id: int, claims: Iterable[tuple[str, bool]]) -> None:
    """End claims, given as (key, was acked). Inside the transaction that records their messages.

    The key of an acked message is marked as handled even if the claim was lost meanwhile (to somebody who took
    this process for dead): it was handled. Any other claim of this process is given up.
    """
    done: set[str] = set()
    undone: set[str] = set()
    for key, acked in claims:
        (done if acked else undone).add(key)
    if done:
        _mark_done(consumer_id, process_id, sorted(done))
    if undone - done:
        HandledKey.objects.filter(
            consumer_id=consumer_id, key__in=sorted(undone - done), process_id=process_id, done=False
        ).delete()


_DONE = (
    " ON CONFLICT (consumer_id, key) DO UPDATE SET process_id = excluded.process_id, done = excluded.done, "
    "at = excluded.at"
)


def _mark_done(consumer_id: int, process_id: int, keys: Sequence[str]) -> None:
    moment = _moment(timezone.now())
    rows = [(consumer_id, key, process_id, True, moment) for key in keys]
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.executemany(f"{_INSERT}{_ROW}{_DONE}", rows)
            return
        for start in range(0, len(rows), _MOST):
            part: list[Any] = [value for row in rows[start : start + _MOST] for value in row]
            marks = ", ".join([_ROW] * (len(part) // 5))
            cursor.execute(f"{_INSERT}{marks}{_DONE}", part)
