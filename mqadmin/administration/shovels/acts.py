"""Shovels are defined, deleted and started anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.administration.acting.changing import blame, change
from mqadmin.administration.parameters import acts as parameters
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.rabbit.administration import shovels
from mqadmin.rabbit.administration.shovels import COMPONENT

SET, DELETE, RESTART = "shovel.set", "shovel.delete", "shovel.restart"
_ENDS = ("queue", "exchange", "address")


def put(
    *,
    broker: str,
    by: Actor,
    vhost: str,
    name: str,
    definition: Mapping[str, Any],
    only_new: bool = False,
) -> None:
    """Define a shovel: it begins at once, one that is there begins anew. `definition`: as RabbitMQ has it.

    `•••` for a password keeps the one that is there. Raises Refusal (422 with the field to blame; 409 `exists`,
    `not_offered` or in the broker's words), RabbitError.
    """
    for end in ("src", "dest"):
        if not definition.get(f"{end}-uri"):
            raise blame(f"{end}_uri", _("Say where: amqp://user:password@host/vhost, or amqp:// for here."))
    if not any(definition.get(f"src-{kind}") for kind in _ENDS):
        raise blame("src_queue", _("Say from which queue or exchange."))
    parameters.put(
        broker=broker,
        by=by,
        vhost=vhost,
        component=COMPONENT,
        name=name,
        value=dict(definition),
        only_new=only_new,
        action=SET,
    )


def delete(*, broker: str, by: Actor, vhost: str, name: str) -> None:
    """Delete a shovel: it ends at once, what it had in hand goes back. Raises Refusal, RabbitError."""
    parameters.delete(broker=broker, by=by, vhost=vhost, component=COMPONENT, name=name, action=DELETE)


def restart(*, broker: str, by: Actor, vhost: str, name: str) -> None:
    """Have a shovel connect anew. Raises Refusal (404; 409 `not_offered`, `not_running`), RabbitError."""
    with change(
        by=by, action=RESTART, broker=broker, vhost=vhost, target=f"{vhost}:{name}", kinds=["shovels"]
    ) as act:
        found = next(
            (item for item in shovels.listed(act.client) if (item.vhost, item.name) == (vhost, name)), None
        )
        if found is None:
            raise Refusal(_("There is no such shovel any more."), "not_found", status=404)
        act.was(state=found.state, since=found.since)
        if not found.state:
            raise Refusal(shovels.missing(shovels.STATUS_PLUGIN), "not_offered")
        if found.type == "static":
            raise Refusal(_("It is of the node's configuration: only the node starts it anew."), "static")
        shovels.restart(act.client, vhost, name)
