"""What is asked before a node is stopped and before an upgrade, and what comes of it: findings, not raw answers.

A broker of ten thousand queues is asked for all of them: so what is kept of the answer is the judgement.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mqadmin.rabbit.administration import calls, checks, flags, members, nodes
from mqadmin.rabbit.errors import NotFound, NotOffered, Refused
from mqadmin.rabbit.management_api import values
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.values import Json
from mqadmin.rabbit.upkeep import stopping, upgrading
from mqadmin.rabbit.upkeep.facts import (
    Client,
    Cluster,
    FlagFact,
    Installed,
    Machine,
    PolicyFact,
    PrefetchFact,
)
from mqadmin.rabbit.upkeep.finding import Finding

T = TypeVar("T")
CLIENT_COLUMNS = (
    "name,node,user,vhost,protocol,user_provided_name,client_properties.product,"
    "client_properties.mqadmin_consumer"
)
CHANNEL_COLUMNS = "name,vhost,user,global_prefetch_count,connection_details.name"


def stops(client: ManagementClient) -> list[Finding]:
    """Return what holds before each node of the cluster is stopped (`upkeep.stopping.judge`)."""
    overview = values.table(calls.asked(client, "overview"))
    version = upgrading.series(str(overview.get("rabbitmq_version", "")))
    known = _flags(client)
    machines = _machines(client, overview)
    cluster = Cluster(
        nodes=machines,
        queues=members.placed(client),
        clients=_clients(client),
        addresses=len(client.config.management_nodes()),
        store=_store(version, known),
        broker_says=_critical(client),
    )
    return [found for machine in machines for found in stopping.judge(cluster, machine.name)]


def before_upgrade(client: ManagementClient) -> list[Finding]:
    """Return what is to be known before an upgrade (`upkeep.upgrading.assess`)."""
    overview = values.table(calls.asked(client, "overview"))
    found = calls.asked(client, "nodes")
    plugins = {name for item in found for name in values.texts(values.table(item).get("enabled_plugins"))}
    installed = Installed(
        version=str(overview.get("rabbitmq_version", "")),
        erlang=str(overview.get("erlang_version", "")),
        nodes=_machines(client, overview),
        plugins=sorted(plugins),
        queues=members.placed(client),
        policies=_policies(client),
        shared_prefetch=_shared_prefetch(client),
        clients=_clients(client),
        flags=_flags(client),
        deprecated=_deprecated(client),
    )
    return upgrading.assess(installed)


def _machines(client: ManagementClient, overview: Json) -> list[Machine]:
    found = calls.asked(client, "nodes")
    made = client.typed(lambda item: nodes.machine(item, overview), found)
    return [
        Machine(
            name=item.name,
            running=item.running,
            draining=item.draining,
            answers=item.answers,
            is_ram=item.type == "ram",
            version=item.version,
        )
        for item in made
    ]


def _store(version: tuple[int, int] | None, known: list[FlagFact] | None) -> str:
    if version is not None and version >= (4, 3):
        return "Khepri"
    return "Khepri" if any(f.name == "khepri_db" and f.state == "enabled" for f in known or ()) else "Mnesia"


def _critical(client: ManagementClient) -> str | None:
    """Return what RabbitMQ itself has against stopping the node that answers, "" for nothing."""
    found = checks.run(client, "quorum_critical")
    if found.state == checks.PASSED:
        return ""
    return (found.reason or found.state) if found.state == checks.FAILED else None


def _clients(client: ManagementClient) -> list[Client] | None:
    return _allowed(lambda: calls.rows(client, _client, "connections", params={"columns": CLIENT_COLUMNS}))


def _client(item: Json) -> Client:
    properties = values.table(item.get("client_properties"))
    name = str(item.get("name", ""))
    return Client(
        name=name,
        label=values.text(item.get("user_provided_name")) or name,
        node=values.text(item.get("node")) or "",
        user=values.text(item.get("user")) or "",
        vhost=values.text(item.get("vhost")) or "",
        protocol=_protocol(item.get("protocol")),
        product=str(properties.get("product", "")),
        consumer=str(properties.get("mqadmin_consumer", "")),
    )


def _protocol(told: object) -> str:
    """MQTT and STOMP tell it as text, AMQP too; some versions tell parts in a list."""
    return " ".join(map(str, told)) if isinstance(told, list) else str(told or "")


def _shared_prefetch(client: ManagementClient) -> list[PrefetchFact] | None:
    found = _allowed(lambda: calls.rows(client, _prefetch, "channels", params={"columns": CHANNEL_COLUMNS}))
    if found is None or (found and all(item.count is None for item in found)):
        return (
            None  # RabbitMQ 4.0.5 tells it of no channel; others of each but those that were opened just now
        )
    return [item for item in found if item.count]


def _prefetch(item: Json) -> PrefetchFact:
    return PrefetchFact(
        name=str(item.get("name", "")),
        connection=str(values.table(item.get("connection_details")).get("name", "")),
        user=values.text(item.get("user")) or "",
        vhost=values.text(item.get("vhost")) or "",
        count=values.integer(item.get("global_prefetch_count")),
    )


def _policies(client: ManagementClient) -> list[PolicyFact]:
    found = [PolicyFact(item.vhost, item.name, item.definition) for item in client.policies()]
    operator = [
        PolicyFact(item.vhost, item.name, item.definition, is_operator=True)
        for item in client.operator_policies()
    ]
    return found + operator


def _flags(client: ManagementClient) -> list[FlagFact] | None:
    found = _allowed(lambda: flags.listed(client))
    return None if found is None else [FlagFact(item.name, item.state, item.stability) for item in found]


def _deprecated(client: ManagementClient) -> list[str] | None:
    found = _allowed(lambda: flags.deprecated(client))
    return None if found is None else [item.name for item in found if item.used]


def _allowed(ask: Callable[[], list[T]]) -> list[T] | None:
    """Return what is asked for, None where the account may not ask, or this version has no such thing."""
    try:
        return ask()
    except (Refused, NotFound, NotOffered):
        return None
