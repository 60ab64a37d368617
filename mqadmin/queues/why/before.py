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


@dataclass(frozen=True)
class Before:
    """`since`: when it broke, epoch seconds. `found`: what happened in the hour before, nearest first."""

    since: float
    code: str
    found: list[Happening]

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.since, UTC)


def of_queue(queue: Queue) -> Before | None:
    """Return what changed before the worst that is wrong with a queue began; None where nothing is, or nobody knows
    since when it is."""
    return of_reasons(queue.broker.slug, queue.health_reasons, queue=(queue.vhost, queue.name))


def of_reasons(
    broker: str, reasons: Iterable[Mapping[str, Any]], *, queue: tuple[str, str] | None = None
) -> Before | None:
    """Return what changed before the first reason of trouble that says since when. The worst comes first."""
    for reason in reasons:
        since = reason.get("since")
        if reason.get("level") in _TROUBLE and since is not None:
            return Before(float(since), str(reason["code"]), before(broker, since, queue=queue))
    return None


def before(
    broker: str, since: float, *, queue: tuple[str, str] | None = None, most: int = MOST
) -> list[Happening]:
    """Return what happened in the hour before, nearest first."""
    moment = datetime.fromtimestamp(since, UTC)
    found = happenings.between(Asked(broker, moment - HOUR, moment + GRACE, queue))
    return sorted(found, key=lambda item: abs(item.at - moment))[:most]
