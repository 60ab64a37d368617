"""Parameters of virtual hosts and of the whole broker: what plugins and RabbitMQ itself are told at run time.

A value may hold passwords: whoever lists them hides those before anything is kept or shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mqadmin.rabbit.administration import calls
from mqadmin.rabbit.errors import NotFound
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.values import Json


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `vhost` and `component` are "" of a global one. `value`: any JSON, with its secrets."""

    vhost: str
    component: str
    name: str
    value: Any


def listed(client: ManagementClient) -> list[Parameter]:
    """Return all parameters, those of virtual hosts and the global ones."""
    return [*of_vhosts(client), *calls.rows(client, _global, "global-parameters")]


def of_vhosts(client: ManagementClient, component: str = "") -> list[Parameter]:
    """Return the parameters of virtual hosts, all or those of one component, [] for an unknown one."""
    return calls.rows(client, _parameter, "parameters", *([component] if component else []))


def one(client: ManagementClient, vhost: str, component: str, name: str) -> Parameter | None:
    """Return one parameter, live; None where there is none. Global with `vhost` and `component` ""."""
    try:
        if not component:
            return calls.one(client, _global, "global-parameters", name)
        return calls.one(client, _parameter, "parameters", component, vhost, name)
    except NotFound:
        return None


def put(client: ManagementClient, vhost: str, component: str, name: str, value: Any) -> None:
    """Set a parameter. BadRequest: the broker does not take it, and repeats it, or has no such component."""
    if component:
        calls.change(client, "PUT", "parameters", component, vhost, name, body={"value": value})
    else:
        calls.change(client, "PUT", "global-parameters", name, body={"value": value})


def delete(client: ManagementClient, vhost: str, component: str, name: str) -> None:
    """Delete a parameter. Raises NotFound."""
    if component:
        calls.change(client, "DELETE", "parameters", component, vhost, name)
    else:
        calls.change(client, "DELETE", "global-parameters", name)


def _parameter(item: Json) -> Parameter:
    return Parameter(str(item["vhost"]), str(item["component"]), str(item["name"]), item.get("value"))


def _global(item: Json) -> Parameter:
    return Parameter("", "", str(item["name"]), item.get("value"))
