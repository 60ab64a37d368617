"""What changed before it broke: what happened in the hour before a verdict, nearest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mqadmin.history import happenings
from mqadmin.history.happenings import Asked, Happening
from mqadmin.queues.models import Queue

HOUR = timedelta(hours=1)
# A verdict's beginning is the sample that saw it; its cause may have been noted a little later.
GRACE = timedelta(seconds=30)
MOST = 20
_TROUBLE = ("broken", "watch")
# Where a reason does not say since when, the latch behind it does (`Queue.facts`).
_LATCHES = {
    "growing": "growing",
    "full_prefetch": "growing",
    "no_consumers": "absent",
    "no_collector": "absent",
    "never_consumed": "absent",
    "stalled": "stalled",
    "redelivered": "redelivering",
    "nearly_full": "full",
    "full": "full",
    "waits_long": "waiting",
}


@dataclass(frozen=True)
class Before:
    """`since`: when it broke, epoch seconds. `found`: what happened in the hour before, nearest first."""

    since: float
    code: str
    found: list[Happening]

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.since, UTC)


def began(reason: Mapping[str, Any], facts: Mapping[str, Any] | None = None) -> float | None:
    """Return since when a reason holds, None where nobody knows. `facts`: of the queue it is about."""
    latch = (facts or {}).get(_LATCHES.get(str(reason.get("code")), "")) or [None]
    known = (reason.get("since"), reason.get("params", {}).get("since"), latch[0])
    return next((float(value) for value in known if isinstance(value, int | float)), None)


def of_queue(queue: Queue) -> Before | None:
    """Return what changed before the worst that is wrong with a queue began; None where nothing is, or nobody knows
    since when it is."""
    asked = (queue.vhost, queue.name)
    return of_reasons(queue.broker.slug, queue.health_reasons, queue=asked, facts=queue.facts)


def of_reasons(
    broker: str,
    reasons: Iterable[Mapping[str, Any]],
    *,
    queue: tuple[str, str] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Before | None:
    """Return what changed before the first reason of trouble that says since when. The worst comes first."""
    for reason in reasons:
        if reason.get("level") not in _TROUBLE:
            continue
        since = began(reason, facts)
        if since is not None:
            return Before(since, str(reason["code"]), before(broker, since, queue=queue))
    return None


def before(
    broker: str, since: float, *, queue: tuple[str, str] | None = None, most: int = MOST
) -> list[Happening]:
    """Return what happened in the hour before, nearest first."""
    moment = datetime.fromtimestamp(since, UTC)
    found = happenings.between(Asked(broker, moment - HOUR, moment + GRACE, queue))
    return sorted(found, key=lambda item: abs(item.at - moment))[:most]
