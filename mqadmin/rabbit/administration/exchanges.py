"""Exchanges: listed, looked at, declared, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mqadmin.rabbit import amqp
from mqadmin.rabbit.administration import calls
from mqadmin.rabbit.errors import NotFound, Refused
from mqadmin.rabbit.management_api import values
from mqadmin.rabbit.management_api.calling import in_path as addressable
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.values import Json

COLUMNS = (
    "vhost,name,type,durable,auto_delete,internal,arguments,policy,message_stats.publish_in,"
    "message_stats.publish_out,message_stats.publish_in_details.rate,message_stats.publish_out_details.rate"
)
ALTERNATE = "alternate-exchange"
DEFAULT_IN_PATH = "amq.default"  # what the management API calls the exchange without a name


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange. Rates per second; `taken`, `passed`: messages since its statistics began; None: not known.

    `alternate`: the exchange that gets what no binding takes, by its argument or else its policy; "" for none, None
    where the account may not read the policies.
    """

    vhost: str
    name: str
    type: str
    durable: bool
    auto_delete: bool
    internal: bool
    arguments: Mapping[str, Any]
    policy: str
    in_rate: float | None
    out_rate: float | None
    taken: int | None
    passed: int | None
    alternate: str | None = ""

    @property
    def is_built_in(self) -> bool:
        """Whether RabbitMQ made it, and lets nobody declare or delete it."""
        return not self.name or self.name.startswith("amq.")


@dataclass(frozen=True)
class ExchangeType:
    """A type that exchanges may have on this broker: of its own or of a plugin."""

    name: str
    description: str


def listed(client: ManagementClient) -> list[Exchange]:
    """Return all exchanges that the account sees."""
    return _with_policies(client, calls.rows(client, _exchange, "exchanges", params={"columns": COLUMNS}))


def one(client: ManagementClient, vhost: str, name: str) -> Exchange:
    """Return one exchange, live; "" is the default one. One whose name no address can hold is found in the list."""
    if not addressable(vhost, name):
        for item in listed(client):
            if (item.vhost, item.name) == (vhost, name):
                return item
        raise NotFound("The broker has no such object: exchange.")
    return _with_policies(client, [calls.one(client, _exchange, "exchanges", vhost, in_path(name))])[0]


def types(client: ManagementClient) -> list[ExchangeType]:
    """Return the types that this broker has, by name."""
    found = calls.asked(client, "overview")
    entries = found.get("exchange_types") if isinstance(found, dict) else None
    read = client.typed(_type, entries or [])
    return sorted(read, key=lambda item: item.name)


def declare(
    client: ManagementClient,
    vhost: str,
    name: str,
    *,
    type: str,
    durable: bool = True,
    auto_delete: bool = False,
    internal: bool = False,
    arguments: Mapping[str, Any] | None = None,
) -> None:
    """Declare an exchange; the same again changes nothing, another definition raises BadRequest or ChannelLost."""
    if not addressable(vhost, name) or None in (arguments or {}).values():
        amqp.declare_exchange(
            client.config,
            vhost,
            name,
            type=type,
            durable=durable,
            auto_delete=auto_delete,
            internal=internal,
            arguments=arguments,
        )
        return
    body = {
        "type": type,
        "durable": durable,
        "auto_delete": auto_delete,
        "internal": internal,
        "arguments": dict(arguments or {}),
    }
    calls.change(client, "PUT", "exchanges", vhost, name, body=body)


def delete(client: ManagementClient, vhost: str, name: str, *, if_unused: bool = False) -> None:
    """Delete an exchange with its bindings; with `if_unused` BadRequest or ChannelLost where something is bound."""
    if not addressable(vhost, name):
        amqp.delete_exchange(client.config, vhost, name, if_unused=if_unused)
        return
    params = {"if-unused": "true"} if if_unused else None
    calls.change(client, "DELETE", "exchanges", vhost, name, params=params)


def _with_policies(client: ManagementClient, found: list[Exchange]) -> list[Exchange]:
    """Return exchanges with the alternate that a policy sets: an argument wins (rabbit_policy:get_arg/3)."""
    if not any(item.policy and not item.alternate for item in found):
        return found
    try:
        policies = {(item.vhost, item.name): item.definition for item in client.policies()}
    except Refused:
        policies = None

    def alternate(item: Exchange) -> str | None:
        if item.alternate or not item.policy:
            return item.alternate
        if policies is None:
            return None
        return values.text(policies.get((item.vhost, item.policy), {}).get(ALTERNATE)) or ""

    return [replace(item, alternate=alternate(item)) for item in found]


def in_path(name: str) -> str:
    """Return what stands for an exchange in a path."""
    return name or DEFAULT_IN_PATH


def _exchange(item: Json) -> Exchange:
    stats, arguments = values.table(item.get("message_stats")), values.table(item.get("arguments"))
    return Exchange(
        vhost=str(item["vhost"]),
        name=str(item["name"]),
        type=str(item["type"]),
        durable=item.get("durable") is not False,
        auto_delete=item.get("auto_delete") is True,
        internal=item.get("internal") is True,
        arguments=arguments,
        policy=values.text(item.get("policy")) or "",
        in_rate=values.rate(stats, "publish_in"),
        out_rate=values.rate(stats, "publish_out"),
        taken=values.integer(stats.get("publish_in")),
        passed=values.integer(stats.get("publish_out")),
        alternate=values.text(arguments.get(ALTERNATE)) or "",
    )


def _type(item: Json) -> ExchangeType:
    return ExchangeType(str(item["name"]), str(item.get("description", "")))
