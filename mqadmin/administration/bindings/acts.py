"""Queues and exchanges are bound to an exchange, and unbound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from django.utils.translation import gettext as _

from mqadmin.administration.acting import second
from mqadmin.administration.acting.changing import blame, change, require_name
from mqadmin.approvals.gate import kinds
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.rabbit.administration import bindings

BIND, UNBIND = "binding.create", "binding.delete"
To = Literal["queue", "exchange"]


def bind(
    *,
    broker: str,
    by: Actor,
    vhost: str,
    source: str,
    destination: str,
    destination_type: To = "queue",
    routing_key: str = "",
    arguments: Mapping[str, Any] | None = None,
) -> None:
    """Bind a queue or an exchange to exchange `source`. Such a binding that is there already stays as it is.

    Raises Refusal (422 with the field to blame; 404, 409 in the broker's words), RabbitError.
    """
    require_name("vhost", vhost)
    if not source:
        raise blame(
            "source", _("To the default exchange every queue is bound by its name, and nothing else is.")
        )
    require_name("source", source)
    require_name("destination", destination)
    require_name("routing_key", routing_key, empty=True)
    detail = _detail(source, destination, destination_type, routing_key, arguments)
    with change(
        by=by,
        action=BIND,
        broker=broker,
        vhost=vhost,
        target=f"{vhost}:{source}",
        kinds=["bindings", "exchanges"],
        detail=detail,
    ) as act:
        bindings.bind(
            act.client,
            vhost,
            source,
            destination,
            destination_type=destination_type,
            routing_key=routing_key,
            arguments=arguments,
        )


def unbind(
    *,
    broker: str,
    by: Actor,
    vhost: str,
    source: str,
    destination: str,
    destination_type: To = "queue",
    properties_key: str,
) -> None:
    """Take away one binding: `properties_key` is what RabbitMQ calls it among those between the same two.

    Raises Refusal (404 where it is not there any more; 409), RabbitError.
    """
    with change(
        by=by,
        action=UNBIND,
        broker=broker,
        vhost=vhost,
        target=f"{vhost}:{source}",
        kinds=["bindings", "exchanges"],
        detail={"destination": destination, "destination_type": destination_type},
    ) as act:
        wanted = (destination_type, destination, properties_key)
        for item in bindings.from_exchange(act.client, vhost, source):
            if (item.destination_type, item.destination, item.properties_key) == wanted:
                act.was(routing_key=item.routing_key, arguments=dict(item.arguments))
                break
        else:
            raise Refusal(_("There is no such binding any more."), "not_found", status=404)
        values = {
            "vhost": vhost,
            "source": source,
            "destination": destination,
            "destination_type": destination_type,
            "properties_key": properties_key,
        }
        second.ask(
            act,
            by=by,
            action=UNBIND,
            broker=broker,
            summary=_("Delete the binding from %(source)s to %(destination)s")
            % {"source": f"{vhost}:{source}", "destination": destination},
            arguments=values,
            values=values,
        )
        bindings.unbind(act.client, item)


@kinds.register(UNBIND, needs="configure", counts_as="delete")
def _unbind_agreed(given: Mapping[str, Any], by: Actor) -> None:
    """Do what waited for a second person."""
    unbind(by=by, **given)


def _detail(
    source: str, destination: str, to: str, routing_key: str, arguments: Mapping[str, Any] | None
) -> dict[str, Any]:
    return {
        "source": source,
        "destination": destination,
        "destination_type": to,
        "routing_key": routing_key,
        "arguments": dict(arguments or {}),
    }
