"""What is measured of each kind of thing: names, order and precision of the numbers in a point.

Points are tuples of whole numbers in the order given here, so that they are small; a new number goes to the end,
and points written before have None for it. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

How = Literal["peak", "mean"]


class Number(NamedTuple):
    """One number of a kind. `scale`: what it is multiplied with before it is rounded. `how`: what stands for a
    span of time that is told by one point, its peak or its mean."""

    name: str
    scale: int = 1
    how: How = "peak"


RATE = 100  # two decimals of a rate are kept
Values = tuple[int | None, ...]

_TRAFFIC = (  # of both below, which end differently: it does not grow
    Number("ready"),
    Number("unacked"),
    Number("consumers"),
    Number("publish_rate", RATE, "mean"),
    Number("deliver_rate", RATE, "mean"),
    Number("ack_rate", RATE, "mean"),
    Number("redeliver_rate", RATE, "mean"),
)
QUEUE = (*_TRAFFIC, Number("oldest"))  # seconds, as coarse as `coarse` makes them
BROKER = (
    *_TRAFFIC,
    Number("connections"),
    Number("channels"),
    Number("connections_opened_rate", RATE, "mean"),
    Number("connections_closed_rate", RATE, "mean"),
    Number("channels_opened_rate", RATE, "mean"),
    Number("channels_closed_rate", RATE, "mean"),
    Number("dropped_rate", RATE, "mean"),
    Number("returned_rate", RATE, "mean"),
)
NODE = (
    Number("mem_used"),
    Number("disk_free", how="mean"),
    Number("fd_used"),
    Number("sockets_used"),
    Number("proc_used"),
)
CONSUMER = (  # a managed one: its processes, and what they handled in the last full minute
    Number("wanted"),
    Number("running"),
    Number("handled_rate", RATE, "mean"),
    Number("failed_rate", RATE, "mean"),
    Number("memory"),
)
CAUSE = (  # of dead letters: those that wait, and all that are kept
    Number("waiting"),
    Number("letters"),
)
KINDS: Mapping[str, tuple[Number, ...]] = {
    "queue": QUEUE,
    "broker": BROKER,
    "node": NODE,
    "consumer": CONSUMER,
    "cause": CAUSE,
}


def coarse(seconds: float) -> int:
    """Return a duration that changes seldom while it goes on: by 5 s up to a minute, then by a twentieth of it."""
    if seconds < 60:
        return int(seconds // 5 * 5)
    return round(60 * _STEP ** int(math.log(seconds / 60) / math.log(_STEP) + 1e-9))


_STEP = 1.05
_SCALES = {kind: tuple(number.scale for number in numbers) for kind, numbers in KINDS.items()}


def scaled(kind: str, numbers: Sequence[float | None]) -> Values:
    """Return the point of what was measured, in the order of the kind; None was not known."""
    return tuple(
        [
            None if value is None else round(value * scale)
            for scale, value in zip(_SCALES[kind], numbers, strict=True)
        ]
    )


def unscaled(number: Number, value: float | None) -> float | None:
    """Return the number as it was measured."""
    return value if value is None or number.scale == 1 else value / number.scale


def padded(kind: str, row: Sequence[int | None]) -> Values:
    """Return a point that may have been written when the kind had fewer numbers."""
    missing = len(KINDS[kind]) - len(row)
    return (*row, *(None,) * missing)
