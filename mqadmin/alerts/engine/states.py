"""What becomes of one alert at one moment. Pure: no clock, no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

State = Literal["pending", "firing"]
# begin: a new one that waits; fire: it begins to fire; drop: it goes before it fired; fine: it seems to end;
# again: it does not end after all; resolve: it is over.
Step = Literal["begin", "fire", "drop", "fine", "again", "resolve", ""]


@dataclass(frozen=True, slots=True)
class Now:
    """How an alert stands. `since`: since when it holds; `fine_since`: while it fires, since when it is fine."""

    state: State
    since: datetime
    fine_since: datetime | None = None


def step(
    alert: Now | None,
    *,
    hit: bool,
    holds: bool,
    since: datetime | None,
    now: datetime,
    for_s: int,
    clear_s: int,
) -> Step:
    """Return what happens to an alert (None: there is none yet).

    `hit`: its rule still speaks of it; `holds`: and so badly that it may begin; `since`: since when, where the
    evidence says it.
    """
    if alert is None or alert.state == "pending":
        if not (hit and holds):
            return "drop" if alert is not None else ""
        began = min(filter(None, (since, alert.since if alert else None)), default=now)
        if now - began >= timedelta(seconds=for_s):
            return "fire"
        return "" if alert is not None else "begin"
    if hit:
        return "again" if alert.fine_since is not None else ""
    if clear_s == 0 or (
        alert.fine_since is not None and now - alert.fine_since >= timedelta(seconds=clear_s)
    ):
        return "resolve"
    return "fine" if alert.fine_since is None else ""
