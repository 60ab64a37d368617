"""Tracing of a virtual host, RabbitMQ's firehose: asked for, switched on and off.

It is kept by each node for itself, and in memory (rabbit_trace: the application's environment): a call reaches the
node that answers it, only messages of clients connected there are traced, and a restart ends it.
"""

from __future__ import annotations

from typing import Any

from mqadmin.rabbit.administration import calls
from mqadmin.rabbit.errors import BadResponse, NotFound
from mqadmin.rabbit.management_api.client import ManagementClient

EXCHANGE = "amq.rabbitmq.trace"
_KEPT = ("description", "tags", "default_queue_type")  # a PUT without them takes them away


def is_on(client: ManagementClient, vhost: str) -> bool:
    """Whether the virtual host is traced. Raises NotFound."""
    return _vhost(client, vhost).get("tracing") is True


def switch(client: ManagementClient, vhost: str, *, on: bool) -> None:
    """Switch tracing of a virtual host; all else of it stays. Administrators may. Raises NotFound."""
    found = _vhost(client, vhost)
    kept = {name: found[name] for name in _KEPT if found.get(name) not in (None, "", [], "undefined")}
    calls.change(client, "PUT", "vhosts", vhost, body={**kept, "tracing": on})


def _vhost(client: ManagementClient, vhost: str) -> dict[str, Any]:
    # A PUT would make one that is not there.
    found = calls.asked(client, "vhosts", vhost)
    if not isinstance(found, dict):
        raise BadResponse("RabbitMQ described no virtual host.")
    if found.get("name") != vhost:
        raise NotFound("The broker has no such object: virtual host.")
    return found


def count_published(client: ManagementClient, vhost: str, queue: str) -> tuple[int | None, bool]:
    """Return how many messages the broker counted into a queue, None where it does not count, and whether a policy
    dead-letters what the queue drops."""
    columns = "message_stats.publish,effective_policy_definition"
    found = calls.asked(client, "queues", vhost, queue, params={"columns": columns})
    found = found if isinstance(found, dict) else {}
    stats, policy = found.get("message_stats"), found.get("effective_policy_definition")
    count = stats.get("publish") if isinstance(stats, dict) else None
    letters = isinstance(policy, dict) and "dead-letter-exchange" in policy
    return (count if isinstance(count, int) else None), letters
