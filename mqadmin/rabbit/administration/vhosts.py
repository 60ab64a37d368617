"""Virtual hosts: listed, looked at, made, changed, traced, started again, protected, deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mqadmin.rabbit.administration import calls, limits
from mqadmin.rabbit.errors import ManagementUnavailable, NotFound, NotOffered, Refused
from mqadmin.rabbit.management_api import parse, values
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.values import Json

_STATS = "message_stats.publish_details.rate,message_stats.deliver_get_details.rate"
COLUMNS = (
    "name,description,tags,default_queue_type,metadata,tracing,protected_from_deletion,cluster_state,messages,"
    f"messages_ready,messages_unacknowledged,recv_oct_details.rate,send_oct_details.rate,{_STATS}"
)
RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Vhost:
    """One virtual host.

    `nodes`: its state by node ("running", "stopped", "nodedown"). `default_queue_type`: of queues that do not say,
    "" where the broker keeps none (before 3.11). `protected`: from deletion, None before 4.1.
    `messages`, `ready`, `unacked`, rates (per second; `received`, `sent` in bytes): None where not told, as of one
    that has no queue yet. `limits` by name; None where the account may not know.
    """

    name: str
    description: str
    tags: list[str]
    default_queue_type: str
    tracing: bool
    protected: bool | None
    nodes: dict[str, str]
    messages: int | None
    ready: int | None
    unacked: int | None
    in_rate: float | None
    out_rate: float | None
    received: float | None
    sent: float | None
    limits: dict[str, int] | None

    @property
    def stopped_on(self) -> list[str]:
        """The nodes on which it does not run."""
        return [node for node, state in self.nodes.items() if state != RUNNING]


def listed(client: ManagementClient) -> list[Vhost]:
    """Return all virtual hosts that the account sees, with their limits: two calls."""
    found = calls.asked(client, "vhosts", params={"columns": COLUMNS})
    known = _limits(client)
    return client.typed(lambda item: _vhost(item, known), parse.still_there(found))


def one(client: ManagementClient, name: str) -> Vhost:
    """Return one virtual host, live. Raises NotFound where it is deleted, or is just being."""
    found = calls.asked(client, "vhosts", name)
    if not parse.still_there([found]):
        raise NotFound("The broker has no such object.")
    known = _limits(client)
    return client.typed(lambda item: _vhost(item, known), [found])[0]


def put(
    client: ManagementClient,
    name: str,
    *,
    description: str = "",
    tags: Sequence[str] = (),
    default_queue_type: str = "",
    tracing: bool | None = None,
) -> None:
    """Make a virtual host, or change the one of that name: description, tags and type as they are given, whatever
    was there (rabbit_vhost:put_vhost/6); `tracing` None stays.

    Who makes one gets full permissions in it. A new one is waited for, up to 45 s, until it runs on all nodes.
    """
    body: dict[str, Any] = {"description": description, "tags": ",".join(tags)}
    if default_queue_type:
        body["default_queue_type"] = default_queue_type
    if tracing is not None:
        body["tracing"] = tracing
    calls.change(client, "PUT", "vhosts", name, body=body)


def protect(client: ManagementClient, name: str, *, protected: bool) -> None:
    """Have RabbitMQ refuse to delete it, or not any more. NotOffered before 4.1."""
    method = "POST" if protected else "DELETE"
    try:
        calls.change(client, method, "vhosts", name, "deletion", "protection")
    except (
        ManagementUnavailable
    ) as error:  # older ones answer 405 with an empty body (tried on 3.10.8 and 4.0.5)
        client.whoami()  # raises where the API is not there indeed
        raise NotOffered(
            "This broker has no protection from deletion: RabbitMQ has it from 4.1 on."
        ) from error


def start(client: ManagementClient, name: str, node: str) -> None:
    """Start a virtual host that stopped on a node; one that runs stays as it is."""
    calls.change(client, "POST", "vhosts", name, "start", node)


def delete(client: ManagementClient, name: str) -> None:
    """Delete a virtual host with all that is in it. BadRequest for one that is protected; NoResponse (`timeout`)
    where some of it is left."""
    calls.to_the_end(lambda: calls.change(client, "DELETE", "vhosts", name), may_be_gone=True)


def _limits(client: ManagementClient) -> Mapping[str, dict[str, int]] | None:
    try:
        return limits.of_vhosts(client)
    except Refused:
        return None


def _vhost(item: Json, known: Mapping[str, dict[str, int]] | None) -> Vhost:
    stats = values.table(item.get("message_stats"))
    metadata = values.table(item.get("metadata"))
    kind = values.text(item.get("default_queue_type")) or values.text(metadata.get("default_queue_type"))
    protected = item.get("protected_from_deletion", metadata.get("protected_from_deletion"))
    name = str(item["name"])
    return Vhost(
        name=name,
        description=str(item.get("description") or ""),
        tags=list(values.texts(item.get("tags"))),
        default_queue_type=kind or "",
        tracing=item.get("tracing") is True,
        protected=values.flag(protected),
        nodes={str(node): str(state) for node, state in values.table(item.get("cluster_state")).items()},
        messages=values.integer(item.get("messages")),
        ready=values.integer(item.get("messages_ready")),
        unacked=values.integer(item.get("messages_unacknowledged")),
        in_rate=values.rate(stats, "publish"),
        out_rate=values.rate(stats, "deliver_get"),
        received=values.rate(item, "recv_oct"),
        sent=values.rate(item, "send_oct"),
        limits=None if known is None else known.get(name, {}),
    )
