"""Members of quorum queues: where they are, added and taken away. RabbitMQ offers it over HTTP from 3.13 on."""

from __future__ import annotations

from mqadmin.rabbit.administration import calls
from mqadmin.rabbit.management_api import values
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.values import Json
from mqadmin.rabbit.upkeep.facts import Placed

COLUMNS = (
    "vhost,name,type,node,leader,members,online,durable,exclusive,messages,messages_persistent,arguments,"
    "synchronised_slave_nodes,effective_policy_definition,backing_queue_status.version,message_bytes"
)


def placed(client: ManagementClient) -> list[Placed]:
    """Return where each queue lives. It is the broker's heaviest listing: not for every few milliseconds."""
    return calls.rows(client, _placed, "queues", params={"columns": COLUMNS})


def one(client: ManagementClient, vhost: str, name: str) -> Placed:
    """Return where one queue lives, live."""
    return calls.one(client, _placed, "queues", vhost, name)


def add(client: ManagementClient, vhost: str, name: str, node: str) -> None:
    """Add a member of a quorum queue on a node; it fetches the messages afterwards."""
    calls.change(client, "POST", "queues", "quorum", vhost, name, "replicas", "add", body={"node": node})


def delete(client: ManagementClient, vhost: str, name: str, node: str) -> None:
    """Take the member on a node away from a quorum queue, with its copy of the messages."""
    calls.change(client, "DELETE", "queues", "quorum", vhost, name, "replicas", "delete", body={"node": node})


def grow(
    client: ManagementClient, node: str, *, strategy: str, vhost_pattern: str, queue_pattern: str
) -> None:
    """Add a member on a node to each quorum queue that matches (`upkeep.replicas.growing`)."""
    body = {"strategy": strategy, "vhost_pattern": vhost_pattern, "queue_pattern": queue_pattern}
    path = ("queues", "quorum", "replicas", "on", node, "grow")
    calls.to_the_end(lambda: calls.change(client, "POST", *path, body=body))


def shrink(client: ManagementClient, node: str) -> None:
    """Take the members on a node away from all quorum queues that have others (`upkeep.replicas.shrinking`)."""
    path = ("queues", "quorum", "replicas", "on", node, "shrink")
    calls.to_the_end(lambda: calls.change(client, "DELETE", *path))


def _placed(item: Json) -> Placed:
    messages = values.integer(item.get("messages")) or 0
    kind = str(item.get("type", "classic"))
    persistent = values.integer(item.get("messages_persistent"))
    # Of an exclusive queue the API says exclusive; of what it does not count nothing is called lost.
    unsaved = messages - persistent if persistent is not None and kind == "classic" else 0
    leader = values.text(item.get("leader"))
    return Placed(
        vhost=str(item["vhost"]),
        name=str(item["name"]),
        type=kind,
        node=leader if leader is not None else values.text(item.get("node")) or "",
        members=values.texts(item.get("members")),
        online=values.texts(item.get("online")),
        mirrors=values.texts(item.get("synchronised_slave_nodes")),
        durable=item.get("durable") is not False,
        exclusive=item.get("exclusive") is True,
        messages=messages,
        unsaved=max(0, unsaved),
        arguments=values.table(item.get("arguments")),
        effective=values.table(item.get("effective_policy_definition")),
        version=values.integer(values.table(item.get("backing_queue_status")).get("version")),
        bytes=values.integer(item.get("message_bytes")) or 0,
    )
