"""Whether anybody consumes where letters are requeued to, asked of the broker at this instant.

By passive declares: what the management API says of consumers is several seconds old.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import QuerySet

from mqadmin.core import brokers
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import destinations
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.rabbit import amqp, counting
from mqadmin.rabbit.errors import RabbitError

MOST_PLACES = 20  # that are asked about; of more, the ones with most letters


def places(*, broker: str, rows: QuerySet[DeadLetter], to: To) -> list[dict[str, Any]]:
    """Return where the letters go: [{"name", "vhost", "queues"}], without those that would not arrive.

    Raises RabbitError, Refusal as `destinations.look`.
    """
    found = destinations.check_destination(broker=broker, rows=rows, to=to)
    return [
        {"name": place.name, "vhost": place.vhost, "queues": list(place.queues)}
        for place in found
        if not place.problem and place.queues
    ][:MOST_PLACES]


def silent(broker: str, places: Iterable[dict[str, Any]]) -> list[str]:
    """Return the names of the places none of whose queues has a consumer. What cannot be asked is not named."""
    by_vhost: dict[str, list[dict[str, Any]]] = {}
    for place in places:
        by_vhost.setdefault(place["vhost"], []).append(place)
    found = []
    for vhost, here in by_vhost.items():
        try:
            counts = _consumers(broker, vhost, sorted({queue for place in here for queue in place["queues"]}))
        except RabbitError:  # not known: the broker is away, or a queue is gone
            continue
        found += [place["name"] for place in here if not any(counts[queue] for queue in place["queues"])]
    return found


def _consumers(broker: str, vhost: str, queues: Sequence[str]) -> dict[str, int]:
    """Return how many consumers each queue has now. Raises RabbitError."""
    with amqp.channel(brokers.config(broker), vhost, client_name="mqadmin canary") as channel:
        return {queue: counting.counted(channel, queue)[1] for queue in queues}
