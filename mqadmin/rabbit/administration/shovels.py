"""Shovels: what moves messages from one place to another by itself; how they are defined, and how they do.

What they are to do are parameters; how they do is told by the plugin rabbitmq_shovel_management alone. The broker
takes passwords out of the addresses in a status, not out of those in a definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mqadmin.rabbit.administration import calls, parameters
from mqadmin.rabbit.errors import NotOffered, Refused
from mqadmin.rabbit.management_api import values
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.values import Json

COMPONENT = "shovel"
PLUGIN, STATUS_PLUGIN = "rabbitmq_shovel", "rabbitmq_shovel_management"


@dataclass(frozen=True, slots=True)
class Shovel:
    """One shovel. `type`: dynamic (a parameter) or static (of the node's configuration).

    `state`: running, flow, blocked, starting, terminated; "" where the broker does not tell. `since`: by the
    broker's own clock, as text. `reason`: why it ended. `definition`: with its secrets. `forwarded`, `pending`:
    messages, `remaining`: until it ends by itself; None where it is not told.
    """

    vhost: str
    name: str
    type: str
    state: str
    since: str
    reason: str
    node: str
    forwarded: int | None
    pending: int | None
    remaining: int | None
    definition: Mapping[str, Any]


def listed(client: ManagementClient) -> list[Shovel]:
    """Return all shovels. Raises NotOffered, with the plugin's name, where there are none and can be none."""
    defined = parameters.of_vhosts(client, COMPONENT)
    try:
        told = calls.rows(client, values.table, "shovels")
    except NotOffered as error:
        if not defined:
            raise NotOffered(missing(PLUGIN, STATUS_PLUGIN)) from error
        told = []
    except Refused:
        told = []
    by_name = {(str(item.get("vhost") or ""), str(item.get("name"))): item for item in told}
    found = [
        _shovel(item.vhost, item.name, by_name.pop((item.vhost, item.name), {}), values.table(item.value))
        for item in defined
    ]
    return found + [_shovel(vhost, name, item, _seen(item)) for (vhost, name), item in by_name.items()]


def restart(client: ManagementClient, vhost: str, name: str) -> None:
    """Have a shovel connect anew. NotFound where it does not run, NotOffered without the plugin."""
    calls.change(client, "DELETE", "shovels", "vhost", vhost, name, "restart")


def missing(*plugins: str) -> str:
    """Say which plugins are not enabled."""
    if len(plugins) == 1:
        return (
            f"The plugin {plugins[0]} is not enabled on this broker (rabbitmq-plugins enable {plugins[0]})."
        )
    names = " ".join(plugins)
    return f"The plugin {plugins[0]} is not enabled on this broker (rabbitmq-plugins enable {names})."


def _shovel(vhost: str, name: str, told: Json, definition: Mapping[str, Any]) -> Shovel:
    return Shovel(
        vhost=vhost,
        name=name,
        type=str(told.get("type") or "dynamic"),
        state=str(told.get("state") or ""),
        since=str(told.get("timestamp") or ""),
        reason=str(told.get("reason") or ""),
        node=str(told.get("node") or ""),
        forwarded=values.integer(told.get("forwarded")),
        pending=values.integer(told.get("pending")),
        remaining=values.integer(told.get("remaining")),
        definition=definition,
    )


def _seen(told: Json) -> dict[str, Any]:
    """Return what a status tells of a definition, by the names that definitions have."""
    ends = ("src_", "dest_")
    return {name.replace("_", "-"): value for name, value in told.items() if name.startswith(ends)}
