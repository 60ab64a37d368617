"""What mqadmin's user may see of a broker: nodes, alarms, virtual hosts. What it may not is noted, not left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mqadmin.rabbit import amqp
from mqadmin.rabbit.errors import NotFound, RabbitError, Refused
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.types import AlarmInfo, ExchangeInfo, NodeInfo, UserInfo

_NOBODY = UserInfo("")


@dataclass(frozen=True)
class Sight:
    """Who mqadmin is to the broker, and the virtual hosts that are there and not to be seen.

    `is_blind`: it sees no virtual host at all.
    """

    user: UserInfo = _NOBODY
    hidden: tuple[str, ...] = ()
    is_blind: bool = False


@dataclass(frozen=True)
class Cluster:
    """The nodes, None where they cannot be seen, and the alarms in force, None where those are not known."""

    nodes: Sequence[NodeInfo] | None
    alarms: Sequence[AlarmInfo] | None


def cluster(client: ManagementClient) -> Cluster:
    """Ask for the nodes, and where the user lacks the tag for it for the alarms alone. Raises RabbitError."""
    try:
        nodes = client.nodes()
    except Refused as error:
        if error.code != "tag_missing":
            raise
    else:
        return Cluster(nodes, in_force(nodes))
    try:
        return Cluster(None, client.resource_alarms())
    except RabbitError:
        return Cluster(None, None)


def in_force(nodes: Iterable[NodeInfo]) -> list[AlarmInfo]:
    """Return the resource alarms by which nodes stop their publishers."""
    found = []
    for node in nodes:
        if node.mem_alarm:
            found.append(AlarmInfo(node.name, "memory"))
        if node.disk_free_alarm:
            found.append(AlarmInfo(node.name, "disk"))
    return found


def look(
    client: ManagementClient, exchanges: Iterable[ExchangeInfo], known: Iterable[str], last: Sight
) -> Sight:
    """Return what can be seen. Each virtual host that can be has exchanges; `known`: those that had queues before,
    `last`: what was found last time. Raises RabbitError.
    """
    user = client.whoami()
    listed = {vhost.name for vhost in client.vhosts()}
    seen = {exchange.vhost for exchange in exchanges}
    hidden = set()
    if "administrator" not in user.tags:
        # One that was made or deleted while we asked is not hidden. Each refusal is a line in the broker's log.
        missing = listed - seen
        hidden = {vhost for vhost in missing if vhost in last.hidden or _is_refused(client, vhost)}
    if not user.sees_the_cluster:  # then only what it may see is listed
        hidden |= {vhost for vhost in set(known) - listed - seen if _is_there(client, vhost)}
    return Sight(user, tuple(sorted(hidden)), is_blind=not seen)


def _is_refused(client: ManagementClient, vhost: str) -> bool:
    try:
        client.exchanges(vhost)
    except (Refused, NotFound) as error:
        return isinstance(error, Refused)
    return False


def _is_there(client: ManagementClient, vhost: str) -> bool:
    """Tell whether a virtual host is there. What cannot be asked is taken to be: nothing is shown as gone."""
    try:
        return amqp.has_vhost(client.config, vhost)
    except RabbitError:
        return True


def noted(found: Sight, around: Cluster) -> dict[str, Any]:
    """Return what `Broker.unseen` keeps: {} for a user who sees everything."""
    if found.user.sees_the_cluster and not found.hidden and not found.is_blind and around.nodes is not None:
        return {}
    return {
        "user": found.user.name,
        "tags": list(found.user.tags),
        "nodes": around.nodes is None,
        "alarms": around.alarms is None,
        "vhosts": list(found.hidden),
        "everything": found.is_blind,
    }


def alarm_rows(around: Cluster) -> list[dict[str, str]]:
    """Return the alarms as `Broker.alarms` keeps them."""
    return [asdict(alarm) for alarm in around.alarms or ()]
