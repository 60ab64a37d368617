"""From samples to stored history: what changed at each sample, and one point for each coarser step that ends.

A sample is one row, whatever the number of queues; it is folded into a chunk for each series when its span is over
(`folding`). Rows are written before they are needed for nothing else: after a kill the next recorder reads the rows
of the span that is not over yet, and goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress, filterfalse
from operator import ne
from sys import intern
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef

from mqadmin.history import packing
from mqadmin.history.kinds import KINDS, Values, scaled
from mqadmin.history.models import Chunk, Gap, Moment, Series
from mqadmin.history.steps import Step, Window

Raw = tuple[float | None, ...]
_BATCH = 500


class Key(NamedTuple):
    """What a series is about."""

    kind: str
    vhost: str
    name: str


class Recorder:
    """Records the samples of one broker. For one thread. `record` raises django.db.Error; a new recorder, made
    after that, goes on where the stored rows end."""

    def __init__(self, broker: str, steps: Sequence[Step], *, gap: float) -> None:
        """`gap`: seconds without a sample from which on nothing is known of the time between."""
        self.broker = broker
        self._steps = tuple(steps)
        self._gap = gap
        self._windows = [Window(step.seconds) for step in steps[1:]]
        self._series: dict[Key, int] = {}
        self._ended: set[Key] = set()
        self._kinds: dict[int, str] = {}
        self._raw: dict[Key, Raw] = {}
        self._last: dict[int, Values] = {}
        self._at: float | None = None
        self._resume()

    def record(self, at: float, sample: Mapping[Key, Raw]) -> int:
        """Store what changed since the last sample: raw numbers in the order of `kinds.KINDS`. Returns how many
        series did. A sample that comes within the finest step of the last one is left out."""
        if self._at is not None and at < self._at + 0.8 * self._steps[0].seconds:
            return 0
        with transaction.atomic():
            if self._at is not None and at - self._at > self._gap:
                self._note_gap(self._at, at)
            changed = self._changed(sample)
            self._make_series(changed.keys() - self._series.keys())
            self._note_ends(sample, int(at))
            points = {self._series[key]: values for key, values in changed.items()}
            points = {series: row for series, row in points.items() if self._last.get(series) != row}
            # The finest step has a row of each sample, be it empty: it says that somebody looked.
            rows = [row for row in self._over(at) if row.count]
            rows.append(self._moment(0, int(at), points))
            _write(rows)
        self._feed(at, points)
        self._raw = dict(sample)
        self._at = at
        return len(points)

    def _changed(self, sample: Mapping[Key, Raw]) -> dict[Key, Values]:
        raw = self._raw
        # Ten thousand at each sample, of which few are others than before: no line of Python for each of them.
        others = compress(sample.items(), map(ne, sample.values(), map(raw.get, sample)))
        changed = {key: scaled(key.kind, numbers) for key, numbers in others}
        # At the first sample: what went while nobody looked is in the stored series alone.
        for key in _missing(raw or self._series, sample) - self._ended:
            changed[key] = (None,) * len(KINDS[key.kind])
        return changed

    def _feed(self, at: float, points: Mapping[int, Values]) -> None:
        for series, values in points.items():
            before = self._last.get(series)
            for window in self._windows:
                window.add(series, self._kinds[series], before, values, at)
        self._last.update(points)

    def _over(self, at: float) -> list[Moment]:
        """Return the rows of the coarser steps that are over."""
        rows = []
        for place, window in enumerate(self._windows, start=1):
            while window.is_over(at):
                start, points = window.close(self._kinds)
                rows.append(self._moment(place, start, points))
        return rows

    def _moment(self, place: int, at: int, points: Mapping[int, Values]) -> Moment:
        return Moment(
            broker=self.broker,
            step=self._steps[place].seconds,
            at=at,
            count=len(points),
            data=packing.moment(points),
        )

    def _note_gap(self, begin: float, end: float) -> None:
        Gap.objects.update_or_create(broker=self.broker, begin=int(begin), defaults={"end": int(end)})
        self._pause(begin)

    def _pause(self, begin: float) -> None:
        for window in self._windows:
            window.pause(begin)
        # All is said anew behind the gap: what stands before it is not known to have held.
        self._raw, self._last = {}, {}

    def _make_series(self, keys: Iterable[Key]) -> None:
        new = sorted(keys)
        for begin in range(0, len(new), _BATCH):
            part = new[begin : begin + _BATCH]
            Series.objects.bulk_create(
                [Series(broker=self.broker, kind=key.kind, vhost=key.vhost, name=key.name) for key in part],
                ignore_conflicts=True,
            )
        if new:
            self._read_series()

    def _note_ends(self, sample: Mapping[Key, Raw], at: int) -> None:
        gone = _missing(self._series, sample) - self._ended
        back = self._ended & sample.keys()
        for keys, moment in ((gone, at), (back, None)):
            numbers = [self._series[key] for key in keys]
            for begin in range(0, len(numbers), _BATCH):
                Series.objects.filter(pk__in=numbers[begin : begin + _BATCH]).update(ended_at=moment)
        self._ended = (self._ended | gone) - back

    def _read_series(self) -> None:
        rows = Series.objects.filter(broker=self.broker).values_list(
            "kind", "vhost", "name", "pk", "ended_at"
        )
        for kind, vhost, name, number, ended_at in rows.iterator():
            key = Key(intern(kind), intern(vhost), intern(name))
            self._series[key] = number
            self._kinds[number] = key.kind
            if ended_at is not None:
                self._ended.add(key)

    def _resume(self) -> None:
        """Go on from the rows that are stored: they hold what coarser windows had collected."""
        self._read_series()
        finest = self._steps[0].seconds
        moments = Moment.objects.filter(broker=self.broker).order_by("at")
        first = moments.filter(step=finest).values_list("at", flat=True).first()
        if first is None:
            return
        self._last = self._told(finest, first)
        for window in self._windows:
            begin = first // window.seconds * window.seconds
            window.resume(begin, self._last, self._told(window.seconds, begin), self._kinds)
        written = set(moments.exclude(step=finest).values_list("step", "at"))
        rows = []
        for moment in moments.filter(step=finest).iterator(chunk_size=20):
            if self._at is not None and moment.at - self._at > self._gap:
                self._pause(self._at)
            rows += self._over(moment.at)
            self._feed(moment.at, dict(self._known(moment)))
            self._at = moment.at
        _write([row for row in rows if row.count and (row.step, row.at) not in written])
        self._raw = {}

    def _told(self, step: int, before: int) -> dict[int, Values]:
        """Return by series what is stored last of a step before a moment: in its newest chunk, or not folded yet.

        Behind a gap all is said anew, so that nothing of before it is the last.
        """
        chunks = Chunk.objects.filter(step=step, start__lt=before)
        newer = chunks.filter(series_id=OuterRef("series_id"), start__gt=OuterRef("start"))
        mine = Series.objects.filter(broker=self.broker, ended_at=None).values("pk")
        newest = chunks.filter(~Exists(newer), series_id__in=mine).values_list("series_id", "data")
        found: dict[int, Values] = {}
        for series, data in newest.iterator(chunk_size=500):
            earlier = [values for at, values in packing.points(bytes(data)) if at < before]
            if earlier:
                found[series] = earlier[-1]
        moments = Moment.objects.filter(broker=self.broker, step=step, at__lt=before).order_by("at")
        for moment in moments.iterator(chunk_size=20):
            found.update(self._known(moment))
        return {series: values for series, values in found.items() if series in self._kinds}

    def _known(self, moment: Moment) -> Iterator[tuple[int, Values]]:
        return ((series, row) for series, row in packing.all_of(bytes(moment.data)) if series in self._kinds)


def _missing(known: Iterable[Key], sample: Mapping[Key, Raw]) -> set[Key]:
    return set(filterfalse(sample.__contains__, known))


def _write(rows: list[Moment]) -> None:
    Moment.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["broker", "step", "at"],
        update_fields=["count", "data"],
    )
