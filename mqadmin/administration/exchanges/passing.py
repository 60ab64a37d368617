"""What passes an exchange, asked of the broker once for all who look."""

from __future__ import annotations

import time

from mqadmin.core import brokers, patience
from mqadmin.core.remembered import Remembered
from mqadmin.rabbit.administration import exchange_flows
from mqadmin.rabbit.administration.exchange_flows import Flows

FRESH_S = 5.0  # so often the broker counts anew
_kept: Remembered[Flows] = Remembered(200)
forget = _kept.forget


def flows(slug: str, vhost: str, name: str) -> Flows:
    """Return who publishes to an exchange and which queues get it, at most five seconds old. Raises RabbitError."""
    with patience.asking(slug):
        return _kept.made(
            (slug, vhost, name, int(time.time() // FRESH_S)),
            lambda: exchange_flows.read(brokers.client(slug), vhost, name),
        )
