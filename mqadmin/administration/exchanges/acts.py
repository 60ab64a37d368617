"""Exchanges are declared and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.administration.acting import second
from mqadmin.administration.acting.changing import blame, change, require_name
from mqadmin.approvals.gate import kinds
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.rabbit.administration import bindings, exchanges

DECLARE, DELETE = "exchange.declare", "exchange.delete"
ALTERNATE = "alternate-exchange"
DELAYED = "x-delayed-message"


def declare(
    *,
    broker: str,
    by: Actor,
    vhost: str,
    name: str,
    type: str,
    durable: bool = True,
    auto_delete: bool = False,
    internal: bool = False,
    alternate_exchange: str = "",
    delayed_type: str = "",
    arguments: Mapping[str, Any] | None = None,
) -> None:
    """Declare an exchange that is not there yet.

    `alternate_exchange` and `delayed_type` (what an x-delayed-message exchange does once the delay is over) are
    arguments with fields of their own. Raises Refusal (422 with the field to blame, 409 `exists` or in the broker's
    words), RabbitError.
    """
    require_name("vhost", vhost)
    require_name("name", name, declared=True)
    require_name("type", type)
    if name.startswith("amq."):
        raise blame("name", _("Names that begin with “amq.” are RabbitMQ's own."))
    given = dict(arguments or {})
    if alternate_exchange:
        given[ALTERNATE] = require_name("alternate_exchange", alternate_exchange)
    if delayed_type:
        given["x-delayed-type"] = delayed_type
    if type == DELAYED and "x-delayed-type" not in given:
        raise blame("delayed_type", _("Say what it does with a message once its delay is over."))
    detail = {
        "type": type,
        "durable": durable,
        "auto_delete": auto_delete,
        "internal": internal,
        "arguments": given,
    }
    with change(
        by=by,
        action=DECLARE,
        broker=broker,
        vhost=vhost,
        target=f"{vhost}:{name}",
        kinds=["exchanges", "bindings"],
        detail=detail,
    ) as act:
        if any((item.vhost, item.name) == (vhost, name) for item in exchanges.listed(act.client)):
            text = _("There is an exchange of that name already.")
            raise Refusal(text, "exists", fields={"name": text})
        exchanges.declare(
            act.client,
            vhost,
            name,
            type=type,
            durable=durable,
            auto_delete=auto_delete,
            internal=internal,
            arguments=given,
        )


def delete(*, broker: str, by: Actor, vhost: str, name: str, if_unused: bool = True) -> None:
    """Delete an exchange, by default only if nothing is bound to it. Its bindings go with it.

    Raises Refusal (409 `built_in`, `in_use`, or in the broker's words; 404), RabbitError.
    """
    with change(
        by=by,
        action=DELETE,
        broker=broker,
        vhost=vhost,
        target=f"{vhost}:{name}",
        kinds=["exchanges", "bindings"],
        detail={"if_unused": if_unused},
    ) as act:
        found = exchanges.one(act.client, vhost, name)
        if found.is_built_in:
            raise Refusal(_("RabbitMQ's own exchanges cannot be deleted."), "built_in")
        bound = bindings.from_exchange(act.client, vhost, name)
        act.was(
            type=found.type,
            durable=found.durable,
            auto_delete=found.auto_delete,
            internal=found.internal,
            arguments=dict(found.arguments),
            bindings=[_told(item) for item in bound[:100]],
        )
        if if_unused and bound:
            raise Refusal(_("Queues or exchanges are bound to it. Take the bindings away first."), "in_use")
        second.ask(
            act,
            by=by,
            action=DELETE,
            broker=broker,
            summary=_("Delete the exchange %(name)s") % {"name": f"{vhost}:{name}"},
            arguments={"vhost": vhost, "name": name, "if_unused": if_unused},
            values={"vhost": vhost, "name": name},
        )
        exchanges.delete(act.client, vhost, name, if_unused=if_unused)


@kinds.register(DELETE, needs="configure", counts_as="delete")
def _delete_agreed(given: Mapping[str, Any], by: Actor) -> None:
    """Do what waited for a second person."""
    names = {name: given[name] for name in ("broker", "vhost", "name")}
    delete(by=by, if_unused=bool(given["if_unused"]), **names)


def _told(item: bindings.Binding) -> dict[str, Any]:
    return {
        "destination": item.destination,
        "destination_type": item.destination_type,
        "routing_key": item.routing_key,
        "arguments": dict(item.arguments),
    }
