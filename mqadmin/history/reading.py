"""History for charts: the points of one series between two moments, and lines of as many values as fit a page."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from django.db.models import Max

from mqadmin.history import packing
from mqadmin.history.kinds import KINDS, Values, padded, unscaled
from mqadmin.history.models import Chunk, Gap, Moment, Series
from mqadmin.history.packing import Point
from mqadmin.history.steps import Step, gap
from mqadmin.history.tally import Tally

MOST = 400  # values of one line


@dataclass(frozen=True)
class Lines:
    """`times`: epoch seconds; `lines`: name of a number -> its value at each, None where it was not known.

    `seconds`: how much of time one value stands for."""

    times: list[int]
    lines: dict[str, list[float | None]]
    seconds: int


def read(
    broker: str,
    kind: str,
    vhost: str,
    name: str,
    *,
    since: int,
    until: int,
    steps: Sequence[Step],
    now: float,
    width: int = 0,
) -> Lines:
    """Return the lines of a thing between two moments, a value standing for at least `width` seconds.

    A handful of indexed reads; a thing that nothing is known of has lines of None.
    """
    step = fitting(steps, since, now)
    series = Series.objects.filter(broker=broker, kind=kind, vhost=vhost, name=name).first()
    points = [] if series is None else stored(series, step, since, until, finest=steps[0])
    gaps = _gaps(broker, steps[0], since, until)
    seconds = -(-max(width, step.seconds) // step.seconds) * step.seconds
    return lines(kind, points, gaps, since=since, until=min(until, int(now)), seconds=seconds)


def fitting(steps: Sequence[Step], since: float, now: float) -> Step:
    """Return the finest step that is still kept for that moment."""
    return next((step for step in steps if since >= now - step.kept), steps[-1])


def stored(series: Series, step: Step, since: int, until: int, *, finest: Step) -> list[Point]:
    """Return the points in the order of time, with the last one before `since`, where there is one."""
    chunks = Chunk.objects.filter(series=series, step=step.seconds, start__lt=until).order_by("-start")
    found: list[Point] = []
    for start, data in chunks.values_list("start", "data").iterator(chunk_size=50):
        found[:0] = packing.points(bytes(data))
        if start <= since and found[0][0] <= since:
            break
    found += _fresh(series, step, until)
    if step != finest:
        # What is not over yet has no coarse point: the newest finer ones stand for it.
        newest = found[-1][0] + step.seconds if found else since
        fine = _fresh(series, finest, until)
        place = bisect_left(fine, newest, key=itemgetter(0))
        found += [(newest, values) for _at, values in fine[max(place - 1, 0) : place]]
        found += fine[place:]
    begin = max(bisect_right(found, since, key=itemgetter(0)) - 1, 0)
    return [(at, padded(series.kind, values)) for at, values in found[begin:] if at < until]


def _fresh(series: Series, step: Step, until: int) -> list[Point]:
    moments = Moment.objects.filter(broker=series.broker, step=step.seconds, at__lt=until).order_by("at")
    rows = moments.values_list("at", "data").iterator(chunk_size=20)
    return [(at, values) for at, data in rows if (values := packing.one(bytes(data), series.pk)) is not None]


def _gaps(broker: str, finest: Step, since: int, until: int) -> list[tuple[int, int]]:
    rows = Gap.objects.filter(broker=broker, end__gt=since, begin__lt=until).order_by("begin")
    found = list(rows.values_list("begin", "end"))
    newest = Moment.objects.filter(broker=broker, step=finest.seconds).aggregate(newest=Max("at"))["newest"]
    if newest is not None and until - newest > gap():
        found.append((newest, until))  # nobody looks now, or the broker does not answer
    return found


def lines(
    kind: str,
    points: Sequence[Point],
    gaps: Sequence[tuple[int, int]],
    *,
    since: int,
    until: int,
    seconds: int,
    most: int = MOST,
) -> Lines:
    """Return lines of at most `most` values. A value holds until the next point; of those that share a place the
    peak is shown, or the mean over time, as the number wants it. Pure."""
    width = -(-max(seconds, (until - since) / most) // seconds) * seconds
    width = int(width)
    begin = since // width * width
    times = list(range(begin, max(until, begin + 1), width))
    rows = [
        [None] * len(KINDS[kind]) if any(first < at < last for first, last in gaps) else values
        for at, values in zip(times, _spans(kind, points, times, width), strict=True)
    ]
    return Lines(
        times,
        {
            number.name: [_rounded(unscaled(number, row[place])) for row in rows]
            for place, number in enumerate(KINDS[kind])
        },
        width,
    )


def _spans(
    kind: str, points: Sequence[Point], times: Iterable[int], width: int
) -> Iterator[list[float | None]]:
    """Yield what stands for each span of `width` seconds."""
    place = 0
    held: Values = ()
    for at in times:
        tally = Tally(kind)
        moment, end = at, at + width
        while place < len(points) and points[place][0] < end:
            upcoming = max(points[place][0], moment)
            tally.hold(held, upcoming - moment)
            moment, held = upcoming, points[place][1]
            place += 1
        tally.hold(held, end - moment)
        yield tally.values()


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
