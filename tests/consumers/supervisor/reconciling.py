"""What the tests of `reconcile` start from: one consumer, its process, and a pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from consumers.scaling.placement import Host
from consumers.supervisor.deaths import Exit
from consumers.supervisor.reconcile import (
    Action,
    Actual,
    Desired,
    View,
    reconcile,
)

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
WANTED = Desired(consumer=1, name="orders", wanted=True, replicas=1, revision=3, nudge=2, stop_seconds=30)
STOPPED = replace(WANTED, wanted=False)
RUNNING = Actual(
    id=10,
    consumer=1,
    replica=0,
    state="running",
    mine=True,
    host="a",
    alive=True,
    nudge=2,
    started_at=NOW - timedelta(minutes=2),
    subscribed_at=NOW - timedelta(minutes=2),
    heartbeat_at=NOW - timedelta(seconds=1),
)
DEAD = replace(RUNNING, alive=False)
EARLY = replace(DEAD, subscribed_at=None)  # never consumed
FOREIGN = replace(RUNNING, mine=False, alive=None, host="b")


GONE = "its host reports no more"


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def decide(desired: list[Desired], actual: list[Actual], trusted: float = 3600, **view: Any) -> list[Action]:
    return reconcile(desired, actual, View(NOW, ago(trusted), **{"me": "a", "hosts": [Host("a")], **view}))


def crashed(process: Actual, code: int | None = 1, **changes: object) -> Actual:
    return replace(process, exit=Exit(code, f"exit {code}"), **changes)  # type: ignore[arg-type]
