"""Sums over a broker: the monitor's for who may see all of it; over their own queues for whom a part is theirs."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count, Sum

from mqadmin.core.pages.once import once
from mqadmin.core.rights import naming
from mqadmin.queues.models import Broker
from mqadmin.queues.pages import listing

_SUMMED = ("ready", "unacked", "publish_rate", "deliver_rate", "ack_rate", "redeliver_rate", "consumers")


def of(broker: Broker) -> Mapping[str, float]:
    """Return ready, unacked, rates; what is missing is not known."""
    return broker.totals if naming.holds("view", broker.slug) else _theirs(broker.slug)[1]


def history(broker: Broker) -> Mapping[str, list[tuple[int, float]]]:
    """Return the last hour of them, by name; nothing for whom a part is theirs: of parts nobody keeps it."""
    return broker.history if naming.holds("view", broker.slug) else {}


def queues(broker: Broker) -> int:
    """Return how many queues there are."""
    return broker.queue_count if naming.holds("view", broker.slug) else _theirs(broker.slug)[0]


@once
def _theirs(slug: str) -> tuple[int, dict[str, float]]:
    """Return how many queues of who asks there are, and the sums over them."""
    sums = listing.present(slug).aggregate(
        queues=Count("pk"), **{f"sum_{name}": Sum(name) for name in _SUMMED}
    )
    known = {name: sums[f"sum_{name}"] for name in _SUMMED}
    return sums["queues"], {name: value for name, value in known.items() if value is not None}
