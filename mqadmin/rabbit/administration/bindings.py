"""Bindings: listed, made, taken away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mqadmin.rabbit.administration import calls
from mqadmin.rabbit.administration.exchanges import in_path
from mqadmin.rabbit.management_api import values
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.values import Json
from mqadmin.rabbit.types import BindingInfo

COLUMNS = "vhost,source,destination,destination_type,routing_key,arguments,properties_key"


@dataclass(frozen=True, slots=True)
class Binding:
    """One binding. `destination_type`: queue or exchange; `properties_key`: what RabbitMQ calls it among those
    between the same two, made of its routing key and its arguments."""

    vhost: str
    source: str
    destination: str
    destination_type: str
    routing_key: str
    arguments: Mapping[str, Any]
    properties_key: str

    @property
    def info(self) -> BindingInfo:
        """The same as `rabbit.topology` knows it."""
        return BindingInfo(
            self.vhost, self.source, self.destination, self.destination_type, self.routing_key, self.arguments
        )


def listed(client: ManagementClient) -> list[Binding]:
    """Return all bindings that the account sees, also those of queues to the default exchange."""
    return calls.rows(client, _binding, "bindings", params={"columns": COLUMNS})


def from_exchange(client: ManagementClient, vhost: str, name: str) -> list[Binding]:
    """Return the bindings by which an exchange passes messages on."""
    return calls.rows(client, _binding, "exchanges", vhost, in_path(name), "bindings", "source")


def to_exchange(client: ManagementClient, vhost: str, name: str) -> list[Binding]:
    """Return the bindings by which other exchanges pass messages to this one."""
    return calls.rows(client, _binding, "exchanges", vhost, in_path(name), "bindings", "destination")


def bind(
    client: ManagementClient,
    vhost: str,
    source: str,
    destination: str,
    *,
    destination_type: str = "queue",
    routing_key: str = "",
    arguments: Mapping[str, Any] | None = None,
) -> None:
    """Bind a queue or an exchange to exchange `source`. One that is there already stays as it is."""
    body = {"routing_key": routing_key, "arguments": dict(arguments or {})}
    calls.change(client, "POST", "bindings", vhost, "e", source, destination_type[0], destination, body=body)


def unbind(
    client: ManagementClient,
    vhost: str,
    source: str,
    destination: str,
    *,
    destination_type: str = "queue",
    properties_key: str,
) -> None:
    """Take away the one binding between the two that RabbitMQ calls `properties_key`."""
    calls.change(
        client, "DELETE", "bindings", vhost, "e", source, destination_type[0], destination, properties_key
    )


def _binding(item: Json) -> Binding:
    return Binding(
        vhost=str(item["vhost"]),
        source=str(item["source"]),
        destination=str(item["destination"]),
        destination_type=str(item["destination_type"]),
        routing_key=str(item.get("routing_key", "")),
        arguments=values.table(item.get("arguments")),
        properties_key=str(item.get("properties_key", "")),
    )
