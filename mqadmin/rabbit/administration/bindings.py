"""Bindings: listed, made, taken away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mqadmin.rabbit import amqp
from mqadmin.rabbit.administration import calls
from mqadmin.rabbit.administration.exchanges import in_path
from mqadmin.rabbit.errors import BadResponse
from mqadmin.rabbit.management_api import values
from mqadmin.rabbit.management_api.calling import in_path as addressable
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
    if not addressable(vhost, name):
        return [item for item in listed(client) if (item.vhost, item.source) == (vhost, name)]
    return calls.rows(client, _binding, "exchanges", vhost, in_path(name), "bindings", "source")


def to_exchange(client: ManagementClient, vhost: str, name: str) -> list[Binding]:
    """Return the bindings by which other exchanges pass messages to this one."""
    if not addressable(vhost, name):
        wanted = (vhost, "exchange", name)
        return [
            item for item in listed(client) if (item.vhost, item.destination_type, item.destination) == wanted
        ]
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
    """Bind a queue or an exchange to exchange `source`. One that is there already stays as it is.

    The management API cannot say an argument without a value (it answers 500, tried on 3.10.8), nor a name of one
    or two dots: these go by AMQP.
    """
    if not addressable(vhost, source, destination) or None in (arguments or {}).values():
        amqp.bind(
            client.config,
            vhost,
            source,
            destination,
            destination_type=destination_type,
            routing_key=routing_key,
            arguments=arguments,
        )
        return
    body = {"routing_key": routing_key, "arguments": dict(arguments or {})}
    calls.change(client, "POST", "bindings", vhost, "e", source, destination_type[0], destination, body=body)


def unbind(client: ManagementClient, item: Binding) -> None:
    """Take away one binding, as a listing told of it."""
    if not addressable(item.vhost, item.source, item.destination, item.properties_key):
        amqp.unbind(
            client.config,
            item.vhost,
            item.source,
            item.destination,
            destination_type=item.destination_type,
            routing_key=item.routing_key,
            arguments=item.arguments,
        )
        if item in from_exchange(client, item.vhost, item.source):
            raise BadResponse(
                "The broker keeps this binding: its arguments are of types that it does not tell."
            )
        return
    ends = ("e", item.source, item.destination_type[0], item.destination)
    calls.change(client, "DELETE", "bindings", item.vhost, *ends, item.properties_key)


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
