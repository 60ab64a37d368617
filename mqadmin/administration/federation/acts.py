"""Upstreams and sets of upstreams are defined and deleted, links are started anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.administration.acting.changing import blame, change
from mqadmin.administration.listing.kinds import Name
from mqadmin.administration.parameters import acts as parameters
from mqadmin.core.acts.audit import Actor
from mqadmin.rabbit.administration import federation

SET_UPSTREAM, DELETE_UPSTREAM = "federation_upstream.set", "federation_upstream.delete"
SET_SET, DELETE_SET = "federation_set.set", "federation_set.delete"
RESTART = "federation_link.restart"


def put_upstream(
    *,
    broker: str,
    by: Actor,
    vhost: str,
    name: str,
    definition: Mapping[str, Any],
    only_new: bool = False,
) -> None:
    """Define an upstream; links by it connect anew. `•••` for a password keeps the one that is there.

    Raises Refusal (422 with the field to blame; 409 `exists`, `not_offered` or in the broker's words), RabbitError.
    """
    if not definition.get("uri"):
        raise blame("uri", _("Say where it is: amqp://user:password@host/vhost."))
    parameters.put(
        broker=broker,
        by=by,
        vhost=vhost,
        component=federation.UPSTREAM,
        name=name,
        value=dict(definition),
        only_new=only_new,
        action=SET_UPSTREAM,
    )


def delete_upstream(*, broker: str, by: Actor, vhost: str, name: str) -> None:
    """Delete an upstream: its links end at once. Raises Refusal, RabbitError."""
    parameters.delete(
        broker=broker,
        by=by,
        vhost=vhost,
        component=federation.UPSTREAM,
        name=name,
        action=DELETE_UPSTREAM,
    )


def put_set(
    *,
    broker: str,
    by: Actor,
    vhost: str,
    name: str,
    members: Sequence[Mapping[str, Any]],
    only_new: bool = False,
) -> None:
    """Define a set of upstreams: each member is a table that names its `upstream`.

    Raises Refusal (422 with the field to blame; 409 `exists`, `not_offered` or in the broker's words), RabbitError.
    """
    if not members or not all(isinstance(item, Mapping) and item.get("upstream") for item in members):
        raise blame("members", _('Each is a table that names its upstream: [{"upstream": "other-site"}].'))
    if name == "all":
        raise blame("name", _("“all” is RabbitMQ's own name for all upstreams of the virtual host."))
    parameters.put(
        broker=broker,
        by=by,
        vhost=vhost,
        component=federation.SET,
        name=name,
        value=[dict(item) for item in members],
        only_new=only_new,
        action=SET_SET,
    )


def delete_set(*, broker: str, by: Actor, vhost: str, name: str) -> None:
    """Delete a set of upstreams: links by it end at once. Raises Refusal, RabbitError."""
    parameters.delete(
        broker=broker, by=by, vhost=vhost, component=federation.SET, name=name, action=DELETE_SET
    )


def restart(*, broker: str, by: Actor, vhost: str, id: str, node: str, name: str = "") -> None:
    """Have a link connect anew. `name`: of its exchange or queue, for the audit log. Raises Refusal (404),
    RabbitError."""
    detail = {"id": id, "node": node}
    target = f"{vhost}:{name or id}"
    kinds: list[Name] = ["federation_links"]
    with change(
        by=by, action=RESTART, broker=broker, vhost=vhost, target=target, kinds=kinds, detail=detail
    ) as act:
        federation.restart(act.client, vhost, id, node)
