"""The line of a sparkline: values in order of time, as points of an SVG."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=1_000)  # of most queues nothing changes in an hour: thousands have the same line
def line(points: tuple[float | None, ...], width: int, height: int) -> str:
    """Return the points of a polyline in pixels; between two that are level none is needed."""
    known = [value for value in points if value is not None]
    highest, lowest = max(known), min(known)
    low = min(lowest, 0)
    scale = (height - 4) / ((max(highest, 0) or 1) - low)
    filled, last = [], known[0]
    for value in points:
        if value is not None:
            last = value
        filled.append(last)
    # A queue has few lengths in an hour, and many times the same.
    down = {value: f"{height - 2 - (value - low) * scale:.1f}" for value in set(known)}
    between = zip(_across(len(points), width)[1:], filled, filled[1:], filled[2:], strict=False)
    inside = [
        f"{across},{down[value]}"
        for across, before, value, after in between
        if value != before or value != after
    ]
    ends = f"0.0,{down[filled[0]]}", f"{width:.1f},{down[filled[-1]]}"
    return " ".join((ends[0], *inside, ends[1]))


@lru_cache(maxsize=50)
def _across(count: int, width: int) -> tuple[str, ...]:
    step = width / (count - 1)
    return tuple(f"{at * step:.1f}" for at in range(count))
