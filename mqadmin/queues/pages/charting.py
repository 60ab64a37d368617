"""Lines for `static/js/charts.js`: one shared time axis, a gap (null) where a value was not known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Line = tuple[str, str, Sequence[Sequence[float | None]]]
"""Label, tone, points (epoch seconds, value or None where it was not known), oldest first."""


def chart(lines: Iterable[Line]) -> dict[str, Any]:
    """Return {"x": [epoch seconds], "series": [{"label", "tone", "y": [value or None]}]}."""
    known = list(lines)
    times = sorted({point[0] or 0 for _label, _tone, points in known for point in points})
    series = []
    for label, tone, points in known:
        values = {point[0]: point[1] for point in points}
        series.append({"label": label, "tone": tone, "y": [values.get(at) for at in times]})
    return {"x": times, "series": series}


def joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return one chart with the lines of both."""
    lines = [
        (line["label"], line["tone"], list(zip(found["x"], line["y"], strict=True)))
        for found in (one, other)
        for line in found["series"]
    ]
    return chart(lines)
