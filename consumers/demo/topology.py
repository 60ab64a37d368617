"""The demo's exchanges, queues and bindings, all in the vhost `shop`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mqadmin.rabbit.management_api.client import ManagementClient

VHOST = "shop"

TASKS = "task_queue"
TASKS_DEAD = "task_queue.dead"
THREADS = "thread_queue"
PRIORITY = "priority_queue"
ORDERS_EXCHANGE = "order.events"
ORDERS = "order.processing"
ORDERS_DLX = "dlx.exchange"
ORDERS_DEAD = "dlx.orders"
LOGS_EXCHANGE = "logs"
LOGS_ERROR = "logs.error"
LOGS_ALL = "logs.all"

DAY_MS = 86_400_000


@dataclass(frozen=True)
class QueueSpec:
    """A durable queue; `bound` holds (exchange, routing key) pairs."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    bound: tuple[tuple[str, str], ...] = ()


EXCHANGES = (ORDERS_EXCHANGE, ORDERS_DLX, LOGS_EXCHANGE)  # topic exchanges, durable

QUEUES = (
    QueueSpec(TASKS_DEAD),
    QueueSpec(TASKS, {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": TASKS_DEAD}),
    QueueSpec(THREADS),
    QueueSpec(PRIORITY, {"x-max-priority": 10}),
    QueueSpec(ORDERS_DEAD, bound=((ORDERS_DLX, "#"),)),
    QueueSpec(
        ORDERS,
        {"x-message-ttl": DAY_MS, "x-dead-letter-exchange": ORDERS_DLX},
        bound=((ORDERS_EXCHANGE, "order.#"),),
    ),
    QueueSpec(LOGS_ERROR, bound=((LOGS_EXCHANGE, "*.error"),)),
    QueueSpec(LOGS_ALL, bound=((LOGS_EXCHANGE, "#"),)),
)


def declare(client: ManagementClient, user: str) -> None:
    """Declare all of it, with every right in the vhost for `user`; what exists alike is left as it is.

    Raises RabbitError, also where a queue of that name exists with other arguments.
    """
    client.create_vhost(VHOST)
    client.set_permissions(VHOST, user)
    for exchange in EXCHANGES:
        client.declare_exchange(VHOST, exchange, type="topic")
    for queue in QUEUES:
        client.declare_queue(VHOST, queue.name, arguments=queue.arguments)
        for exchange, key in queue.bound:
            client.bind(VHOST, exchange, queue.name, key)


def exists(client: ManagementClient) -> bool:
    """Whether the vhost is there. Raises RabbitError."""
    return any(vhost.name == VHOST for vhost in client.vhosts())
