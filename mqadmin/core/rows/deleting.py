"""Deletes in small steps: who writes beside them waits only as long as one step takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

STEP_SECONDS = 0.015  # of one step, about
PAUSE_SECONDS = 0.002  # between two steps, at least
LONGEST_PAUSE_SECONDS = 1.0
WAITED_SECONDS = 0.005  # for the lock: others write
RESTS = 19  # then of twenty parts of the time one is ours
FIRST, SMALLEST, LARGEST = 200, 10, 5_000  # rows of one step, of those that are small


class Steps:
    """Deletes a few rows at a time, for so many seconds in all. One thread.

    SQLite lets one connection write: the steps grow and shrink so that each takes about `step` seconds, and between
    two of them the others have as much time as the last one took; RESTS times as much where a step had to wait for
    others, who are at work then.
    """

    def __init__(
        self,
        seconds: float,
        *,
        first: int | None = None,
        smallest: int | None = None,
        largest: int | None = None,
        step: float = STEP_SECONDS,
    ) -> None:
        """`first`, `smallest`, `largest`: rows of one step, at first, at least and at most. `step`: its seconds,
        about: a step ends with a commit, so larger ones delete more in the same time."""
        self._ends = time.monotonic() + seconds
        self.size = FIRST if first is None else first
        self._began, self._step = 0.0, step
        self._smallest = SMALLEST if smallest is None else smallest
        self._largest = LARGEST if largest is None else largest

    @property
    def goes_on(self) -> bool:
        """Whether there is time for another step."""
        return time.monotonic() < self._ends

    def delete(self, rows: QuerySet[Any]) -> int:
        """Delete `rows`, which are at most `size`, then pause. Returns how many, with what hung on them."""
        return self.take(lambda: self._alone(rows))

    def _alone(self, rows: QuerySet[Any]) -> int:
        with transaction.atomic():  # on SQLite it waits here, and a step is no smaller for that
            self._began = time.monotonic()
            return rows.delete()[0]

    def take(self, delete: Callable[[], int]) -> int:
        """Call what deletes `size` rows at most, then pause. Returns what it returns: how many there were."""
        asked = self._began = time.monotonic()
        gone = delete()
        took, waited = time.monotonic() - self._began, self._began - asked
        if took > self._step:
            self.size = max(self._smallest, self.size // 2)
        elif took < self._step / 3:
            self.size = min(self._largest, self.size * 2)
        rest = took if waited < WAITED_SECONDS else RESTS * took - waited
        time.sleep(max(PAUSE_SECONDS, min(rest, LONGEST_PAUSE_SECONDS)))
        return gone


def oldest_while(rows: QuerySet[Any], steps: Steps, *, among: QuerySet[Any] | None = None) -> int:
    """Delete the oldest of a table, as long as they match: ids grow with time, so a step without any ends it.

    `among`: those of the table that may be the oldest, all unless it is given. Returns how many.
    """
    gone, all_rows = 0, rows.model._default_manager.all() if among is None else among
    while steps.goes_on:
        ids = list(all_rows.order_by("id").values_list("id", flat=True)[: steps.size])
        found = rows.filter(id__range=(ids[0], ids[-1])) if ids else rows.none()
        if not found.exists():
            break
        gone += steps.delete(found)
    return gone


def all_of(rows: QuerySet[Any], steps: Steps) -> int:
    """Delete what matches, wherever it stands. Returns how many."""
    gone = 0
    while steps.goes_on and (ids := list(rows.order_by("pk").values_list("pk", flat=True)[: steps.size])):
        gone += steps.delete(rows.model._default_manager.filter(pk__in=ids))
    return gone
