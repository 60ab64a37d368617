"""How old the message at the head of a queue is, without touching it.

The oldest of `ready` messages arrived when as many had arrived as have by now, less those that wait. So the moments
at which messages arrived are kept, as far back as one that waits may be. Pure: no clock, no broker.

It is an estimate from below: what is taken out of turn (priorities, messages that were returned behind others) is
taken for the oldest, so that the oldest is as old as this or older. A purge and what expires at the head are no
fault: both leave the order as it is. Nor is a broker that counts anew. Of what came while nobody looked it is only
known that it waits since the end of that time, or longer.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MOST = 256  # moments that are kept, at the most
STORED = 48  # of them, over a restart
GAPS = 32  # of the times in which nobody looked, the newest
UNSETTLED_S = 30.0  # what came may be counted before the length is: so long nothing is forgotten
SETTLED = 3  # samples after which a length that fell has fallen, and is not just counted before what left


@dataclass(frozen=True, slots=True)
class Lag:
    """`seconds`: how long the oldest waiting message waits. `at_least`: it was there before anybody looked."""

    seconds: float
    at_least: bool = False


class Arrivals:
    """The arrivals at one queue. `observe` is called in the order of time. For one thread."""

    __slots__ = (
        "_by_count",
        "_by_length",
        "_counts",
        "_fallen",
        "_gaps",
        "_left",
        "_published",
        "_ready",
        "_start",
        "_times",
    )

    def __init__(self) -> None:
        self._times = array("d")
        self._counts = array("q")  # cumulative arrivals at those times
        # What to add to the broker's count, and to what is there and what left, for a cumulative count.
        self._by_count: int | None = None
        self._by_length = 0
        self._published: int | None = None
        self._left = 0
        self._start = 0  # how many had arrived when it was last seen to count nothing
        self._fallen = 0  # samples since the count went below the last one
        self._ready = 0
        self._gaps: list[tuple[float, float]] = []  # when nobody looked

    def observe(
        self,
        now: float,
        *,
        ready: int,
        total: int,
        published: int | None,
        left: int | None,
        since: float | None = None,
        blind: bool = False,
    ) -> None:
        """Note one sample.

        `published`, `left`: the broker's cumulative counts of what was published to the queue, and of what was
        acked or delivered without acks; None where it keeps none. `since`: until when nothing had come, where
        samples that said so were left out. `blind`: nobody looked between then and now.

        What arrives by dead-lettering is not published: without a count of that, what came is what left and what
        is there.
        """
        self._ready = ready
        if not self._times:
            self._published, self._left = published, left or 0
            self._by_count = None if published is None else total - published
            self._by_length, self._start = -self._left, total
            self._append(now, total)
            return
        if since is not None and since > self._times[-1]:
            self._append(since, self._counts[-1])
        if blind:
            self._gaps.append((self._times[-1], now))
        count = self._count(total, published, left or 0)
        if count > self._counts[-1]:
            self._append(now, count)
        elif self._times[-1] < now and len(self._times) > 1 and self._counts[-1] == self._counts[-2]:
            self._times[-1] = now  # nothing came: one moment says until when
        else:
            self._append(now, self._counts[-1])
        self._trim()

    def _count(self, total: int, published: int | None, left: int) -> int:
        """Return how many have arrived by now, never fewer than before."""
        last = self._counts[-1]
        if published is None:
            if self._by_count is not None:
                self._by_count, self._start = None, last
        elif self._by_count is None:
            self._by_count = self._start  # its statistics begin with the first message
        elif published < (self._published or 0):
            self._by_count = last  # they begin anew, since a restart: all that they count has come since
        counted = last if published is None else max(last, published + (self._by_count or 0))
        if left < self._left or not total:
            self._by_length = counted - total - left
        self._published, self._left = published, left
        # Length and counts are told by different processes, each up to five seconds late: the first to tell counts.
        there = total + left + self._by_length
        self._fallen = self._fallen + 1 if there < counted else 0
        if published is None and self._fallen >= SETTLED:  # purged, expired or dropped
            self._by_length += counted - there
            self._fallen = 0
        return max(counted, there)

    def lag(self, now: float) -> Lag | None:
        """Return how long the oldest waiting message waits; None where none waits, or nothing is known."""
        if self._ready <= 0 or not self._times:
            return None
        position = self._counts[-1] - self._ready  # so many arrived before it
        place = bisect_right(self._counts, position)
        if place == 0:
            return Lag(max(now - self._times[0], 0), at_least=True)
        if place == len(self._counts):
            return Lag(0)
        before, after = self._counts[place - 1], self._counts[place]
        share = (position - before + 0.5) / (after - before)
        at = self._times[place - 1] + share * (self._times[place] - self._times[place - 1])
        for begin, end in self._gaps:
            if begin < at < end:
                return Lag(max(now - end, 0), at_least=True)
        return Lag(max(now - at, 0))

    def stored(self) -> list[Any]:
        """Return what `read` makes the same of: plain numbers, at most some hundred."""
        kept = Arrivals()
        kept._times, kept._counts = self._times[:], self._counts[:]
        kept._thin(STORED)
        numbers = (self._by_count, self._by_length, self._published, self._left, self._start, self._ready)
        gaps = [[int(begin), int(end)] for begin, end in self._gaps]
        return [list(numbers), [int(at) for at in kept._times], list(kept._counts), gaps]

    @classmethod
    def read(cls, stored: Sequence[Any]) -> Arrivals:
        """Return what was stored. Raises ValueError or TypeError for something else."""
        found = cls()
        numbers, times, counts, gaps = stored
        found._by_count, found._by_length, found._published, found._left, found._start, found._ready = numbers
        found._times, found._counts = array("d", times), array("q", counts)
        found._gaps = [(begin, end) for begin, end in gaps]
        return found

    def _append(self, now: float, count: int) -> None:
        self._times.append(now)
        self._counts.append(count)

    def _trim(self) -> None:
        """Forget the moments before the oldest message that waits, and thin what is too much."""
        first = bisect_right(self._counts, self._counts[-1] - self._ready) - 1
        first = min(first, bisect_right(self._times, self._times[-1] - UNSETTLED_S) - 1)
        if first > 0:
            del self._times[:first], self._counts[:first]
        self._gaps = [(begin, end) for begin, end in self._gaps[-GAPS:] if end > self._times[0]]
        if len(self._times) > MOST:
            self._thin(MOST * 3 // 4)

    def _thin(self, most: int) -> None:
        """Forget moments until so many are left: those that lie on the line between their neighbours first."""
        while (too_many := len(self._times) - most) > 0:
            # Not two neighbours at once: a line needs its ends.
            inner = range(1, len(self._times) - 1, 2)
            chosen = sorted(inner, key=self._bend)[: min(too_many, max(len(inner) // 2, 1))]
            for place in sorted(chosen, reverse=True):
                del self._times[place], self._counts[place]

    def _bend(self, place: int) -> float:
        """Return by how many seconds a moment lies beside the line between its neighbours."""
        before, after = place - 1, place + 1
        came = self._counts[after] - self._counts[before]
        share = (self._counts[place] - self._counts[before]) / came if came else 0.5
        took = self._times[after] - self._times[before]
        return abs(self._times[before] + share * took - self._times[place])
