"""What the monitor writes of a broker as a whole: totals, nodes, alarms, the last hour, or its fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from mqadmin.queues.models import Broker
from mqadmin.queues.monitor import sight
from mqadmin.queues.monitor.cluster.watch import Observed, Sampled
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
    "reasons",
    "facts",
    "queue_count",
    "tried_at",
    "sampled_at",
)


# Of the totals: those of which the row keeps an hour, for the overview's tiles.
_KEPT = (
    "ready",
    "unacked",
    "publish_rate",
    "deliver_rate",
    "ack_rate",
    "redeliver_rate",
    "consumers",
    "connections",
)


def totals(
    overview: OverviewInfo, infos: Iterable[QueueInfo], unroutable: tuple[float | None, ...] = (None, None)
) -> dict[str, float]:
    """Return what the broker counts; a number it does not report is absent. `unroutable`: see `Observed`."""
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
        "channels": overview.channels,
        "connections_opened_rate": overview.connections_opened_rate,
        "connections_closed_rate": overview.connections_closed_rate,
        "channels_opened_rate": overview.channels_opened_rate,
        "channels_closed_rate": overview.channels_closed_rate,
        "dropped_rate": unroutable[0],
        "returned_rate": unroutable[1],
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


def sampled(broker: Broker, found: Sampled, observed: Observed, at: float) -> None:
    """Write a success, the verdict on it, and what the user may not see."""
    overview, around = found.overview, found.around
    broker.reachable, broker.error, broker.error_code = True, "", ""
    broker.product, broker.version = overview.product[:40], overview.version[:40]
    broker.cluster_name = overview.cluster_name[:255]
    broker.totals = totals(overview, found.infos, observed.unroutable)
    broker.nodes = [asdict(node) for node in around.nodes or ()]
    broker.alarms = sight.alarm_rows(around)
    broker.traits = dict(found.traits)
    broker.unseen = sight.noted(found.sight, around)
    broker.reasons, broker.facts = observed.reasons, observed.facts
    broker.queue_count = len(found.infos)
    broker.tried_at = broker.sampled_at = datetime.fromtimestamp(at, UTC)
    # The big parts of the row are rewritten with something new only.
    also = []
    shown = {name: value for name, value in broker.totals.items() if name in _KEPT}
    if (history := extended(broker.history, shown, at)) is not None:
        broker.history = history
        also.append("history")
    if observed.definitions is not None:
        broker.definitions = observed.definitions
        also.append("definitions")
    broker.save(update_fields=[*_SAMPLED, *also])


def failed(broker: Broker, error: RabbitError) -> None:
    """Write a failure; what was last sampled stays, with its age."""
    Broker.objects.filter(pk=broker.pk).update(
        reachable=False, error_code=error.code[:40], error=str(error), tried_at=timezone.now()
    )
