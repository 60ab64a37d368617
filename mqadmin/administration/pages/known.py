"""What forms offer to choose from: asked of the broker when a form is opened."""

from __future__ import annotations

from mqadmin.core import brokers
from mqadmin.queues.models import Queue
from mqadmin.rabbit.administration import exchanges
from mqadmin.rabbit.errors import RabbitError


def vhosts(broker: str) -> list[str]:
    """Return the virtual hosts: as the broker says, else those whose queues are known."""
    try:
        return sorted(item.name for item in brokers.client(broker).vhosts())
    except RabbitError:
        known = Queue.objects.filter(broker__slug=broker, gone_at__isnull=True)
        return sorted(set(known.order_by().values_list("vhost", flat=True).distinct()))


def exchange_types(broker: str) -> list[str]:
    """Return the types that exchanges of this broker may have; [] where it does not say."""
    try:
        return [item.name for item in exchanges.types(brokers.client(broker))]
    except RabbitError:
        return []


def nodes(broker: str) -> list[str]:
    """Return the names of the nodes that run; [] where the account may not ask."""
    try:
        return sorted(item.name for item in brokers.client(broker).nodes() if item.running)
    except RabbitError:
        return []


def exchange_names(broker: str, vhost: str, most: int = 500) -> list[str]:
    """Return the exchanges of a virtual host to bind to, the first `most`; [] where the broker does not say."""
    try:
        found = brokers.client(broker).exchanges(vhost)
    except RabbitError:
        return []
    return sorted(item.name for item in found if item.name)[:most]
