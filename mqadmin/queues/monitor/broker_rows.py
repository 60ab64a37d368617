"""What the monitor writes of a broker as a whole: totals, nodes, alarms, the last hour, or its fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from mqadmin.queues.models import Broker
from mqadmin.queues.monitor import sight
from mqadmin.queues.monitor.sight import Cluster, Sight
from mqadmin.rabbit.errors import RabbitError
from mqadmin.rabbit.types import OverviewInfo, QueueInfo

HOUR_S = 3600
STEP_S = 15

_SAMPLED = (
    "reachable",
    "error",
    "error_code",
    "product",
    "version",
    "cluster_name",
    "totals",
    "nodes",
    "alarms",
    "traits",
    "unseen",
    "queue_count",
    "tried_at",
    "sampled_at",
)


def totals(overview: OverviewInfo, infos: Iterable[QueueInfo]) -> dict[str, float]:
    """Return what the broker counts; a number it does not report is absent."""
    redelivered = [info.redeliver_rate for info in infos if info.redeliver_rate is not None]
    found = {
        "ready": overview.ready,
        "unacked": overview.unacked,
        "publish_rate": overview.publish_rate,
        "deliver_rate": overview.deliver_rate,
        "ack_rate": overview.ack_rate,
        "redeliver_rate": sum(redelivered) if redelivered else None,
        "consumers": overview.consumers,
        "connections": overview.connections,
    }
    return {name: value for name, value in found.items() if value is not None}


def extended(history: Mapping[str, Any], values: Mapping[str, float], at: float) -> dict[str, Any] | None:
    """Return the last hour with one more point per total, None while the last point is younger than STEP_S.

    A total that is not reported gets no point: a gap in its line, not a zero.
    """
    newest = max((line[-1][0] for line in history.values() if line), default=float("-inf"))
    if at - newest < STEP_S:
        return None
    found = {name: [point for point in line if point[0] > at - HOUR_S] for name, line in history.items()}
    for name, value in values.items():
        found.setdefault(name, []).append([round(at), round(value, 2)])
    return {name: line for name, line in found.items() if line}


def sampled(
    broker: Broker,
    overview: OverviewInfo,
    around: Cluster,
    seen: Sight,
    infos: Sequence[QueueInfo],
    at: float,
    traits: Mapping[str, Any],
) -> None:
    """Write a success, and what the user may not see."""
    broker.reachable, broker.error, broker.error_code = True, "", ""
    broker.product, broker.version = overview.product[:40], overview.version[:40]
    broker.cluster_name = overview.cluster_name[:255]
    broker.totals = totals(overview, infos)
    broker.nodes = [asdict(node) for node in around.nodes or ()]
    broker.alarms = sight.alarm_rows(around)
    broker.traits = dict(traits)
    broker.unseen = sight.noted(seen, around)
    broker.queue_count = len(infos)
    broker.tried_at = broker.sampled_at = datetime.fromtimestamp(at, UTC)
    history = extended(broker.history, broker.totals, at)
    if history is not None:
        broker.history = history
    # The history is the big part of the row: it is rewritten with a new point only.
    broker.save(update_fields=[*_SAMPLED, *(["history"] if history is not None else [])])


def failed(broker: Broker, error: RabbitError) -> None:
    """Write a failure; what was last sampled stays, with its age."""
    Broker.objects.filter(pk=broker.pk).update(
        reachable=False, error_code=error.code[:40], error=str(error), tried_at=timezone.now()
    )
