"""Moments that are over become one chunk for each series; what is older than its step is kept goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import groupby, islice
from operator import itemgetter

from django.db import transaction
from django.db.models import Exists, Min, OuterRef, Sum

from mqadmin.history import packing
from mqadmin.history.models import Chunk, Gap, Moment, Series
from mqadmin.history.packing import Point
from mqadmin.history.steps import Step

_AT_ONCE = 50_000  # points that are held in memory
_BATCH = 200
_FORGOTTEN = 500  # chunks in one transaction


def fold(broker: str, steps: Sequence[Step], now: float) -> int:
    """Fold the oldest span of each step that is over. Returns how many chunks that made. Raises django.db.Error;
    done again after that, or by two at a time, it makes the same."""
    # Until then a recorder that begins anew reads the moments of the finest step (`recording.Recorder`).
    needed = now // steps[-1].seconds * steps[-1].seconds
    return sum(
        _fold(broker, step, needed if place == 0 else now - step.seconds) for place, step in enumerate(steps)
    )


def _fold(broker: str, step: Step, before: float) -> int:
    moments = Moment.objects.filter(broker=broker, step=step.seconds)
    oldest = moments.aggregate(oldest=Min("at"))["oldest"]
    if oldest is None:
        return 0
    start = oldest // step.span * step.span
    if start + step.span > before:
        return 0
    span = moments.filter(at__gte=start, at__lt=start + step.span)
    parts = (span.aggregate(points=Sum("count"))["points"] or 0) // _AT_ONCE + 1
    made = 0
    for part in range(parts):
        found: dict[int, list[Point]] = defaultdict(list)
        for at, data in span.order_by("at").values_list("at", "data").iterator(chunk_size=20):
            for series, values in packing.all_of(bytes(data), part=part, parts=parts):
                found[series].append((at, values))
        made += _write(step, start, found)
    span.delete()
    return made


def _write(step: Step, start: int, found: dict[int, list[Point]]) -> int:
    remaining = iter(found.items())
    while part := list(islice(remaining, _BATCH)):
        Chunk.objects.bulk_create(
            [
                Chunk(series_id=series, step=step.seconds, start=start, data=packing.chunk(points))
                for series, points in part
            ],
            update_conflicts=True,
            unique_fields=["series_id", "step", "start"],
            update_fields=["data"],
        )
    return len(found)


def end(configured: Collection[str], steps: Sequence[Step], now: float) -> int:
    """Of brokers that are not configured any more: end their series, and fold what is left of their moments.

    So both are forgotten like all others. Returns how many series ended. One that comes back goes on.
    """
    ended = Series.objects.filter(ended_at=None).exclude(broker__in=configured).update(ended_at=int(now))
    others = Moment.objects.exclude(broker__in=configured).order_by()
    for broker in others.values_list("broker", flat=True).distinct():
        # Nobody records them: what is over of the coarsest step is over of all.
        while fold(broker, steps, now):
            pass
    return ended


def forget(steps: Sequence[Step], now: float) -> int:
    """Delete what is older than its step is kept. Returns how many chunks went.

    The last chunk before that stays: it says what held from then on.
    """
    gone = 0
    for step in steps:
        limit = int(now) - step.kept - step.span
        newer = Chunk.objects.filter(
            series_id=OuterRef("series_id"), step=step.seconds, start__gt=OuterRef("start"), start__lte=limit
        )
        old = Chunk.objects.filter(Exists(newer), step=step.seconds, start__lt=limit).order_by("start")
        while rows := list(old.values_list("start", "series_id")[:_FORGOTTEN]):
            with transaction.atomic():
                for start, group in groupby(rows, key=itemgetter(0)):
                    Chunk.objects.filter(
                        step=step.seconds, start=start, series_id__in=[series for _start, series in group]
                    ).delete()
            gone += len(rows)
    Gap.objects.filter(end__lt=int(now) - steps[-1].kept).delete()
    return gone + _forget_series(steps, now)


def _forget_series(steps: Sequence[Step], now: float) -> int:
    """Forget what was last heard of before the longest memory."""
    limit = int(now) - steps[-1].kept - steps[-1].span
    gone = 0
    for series in Series.objects.filter(ended_at__lt=limit).iterator():
        with transaction.atomic():
            count, _rows = Chunk.objects.filter(series=series).delete()
            series.delete()
        gone += count
    return gone
