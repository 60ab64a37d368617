"""What is known of queues beside the broker's listing: what people set, and what mqadmin's consumers and it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from mqadmin.core.hooks import Registry
from mqadmin.core.models import Operation
from mqadmin.queues.health.facts import Handling
from mqadmin.queues.health.thresholds import Limits, limits
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.monitor.observing import Key
from mqadmin.queues.monitor.sight import Cluster

CALM_S = 600.0  # after a node came, counters begin anew for so long
PURGE = "queues.purge"  # `acts.purging.KIND`
PURGED_S = 20.0

Measured = Callable[[str, float], Mapping[Key, Handling]]
_measured: Registry[Measured] = Registry()
register_handling = _measured.register
"""Who knows how long mqadmin's own consumers take: `function(broker_slug, now)`, a few indexed reads."""


def handling(slug: str, at: float) -> dict[Key, Handling]:
    """Return what mqadmin's own consumers measured, by queue."""
    found: dict[Key, Handling] = {}
    for function in _measured:
        found |= function(slug, at)
    return found


def own_limits(broker: Broker) -> dict[Key, Limits]:
    """Return the thresholds of the queues that have some of their own."""
    rows = Queue.objects.filter(broker=broker).exclude(thresholds={})
    return {
        (vhost, name): limits(own) for vhost, name, own in rows.values_list("vhost", "name", "thresholds")
    }


def emptied(broker: Broker, at: float) -> set[Key]:
    """Return the queues that mqadmin itself purged a moment ago."""
    since = datetime.fromtimestamp(at, UTC) - timedelta(seconds=PURGED_S)
    purges = Operation.objects.filter(
        Q(finished_at__gte=since) | Q(status="running"), kind=PURGE, broker=broker.slug
    )
    ids = [number for number in purges.values_list("params__queue", flat=True) if number]
    return set(Queue.objects.filter(pk__in=ids).values_list("vhost", "name")) if ids else set()


def is_calm(cluster: Cluster) -> bool:
    """Whether all nodes have been there for a while; not known is no."""
    nodes = cluster.nodes or ()
    uptimes = [node.uptime_s or 0.0 for node in nodes if node.running]
    return bool(nodes) and len(uptimes) == len(nodes) and min(uptimes) >= CALM_S
