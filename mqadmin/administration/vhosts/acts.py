"""Virtual hosts are made, changed, protected, traced, started again and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.administration.acting import second
from mqadmin.administration.acting.changing import blame, change, require_name
from mqadmin.administration.listing.kinds import Name
from mqadmin.approvals.gate import kinds
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.rabbit.administration import limits, permissions, vhosts
from mqadmin.rabbit.administration.vhosts import Vhost

CREATE, UPDATE, DELETE = "vhost.create", "vhost.update", "vhost.delete"
TRACE, START, PROTECT = "vhost.trace", "vhost.start", "vhost.protect"
_INSIDE: list[Name] = [
    "vhosts",
    "users",
    "permissions",
    "topic_permissions",
    "limits",
    "exchanges",
    "bindings",
]


def create(
    *,
    broker: str,
    by: Actor,
    name: str,
    description: str = "",
    tags: Sequence[str] = (),
    default_queue_type: str = "",
    tracing: bool = False,
) -> None:
    """Make a virtual host that is not there yet. mqadmin's own user gets full permissions in it.

    Raises Refusal (422 with the field to blame, 409 `exists` or in the broker's words), RabbitError.
    """
    require_name("name", name)
    told = _told(description, tags, default_queue_type)
    detail = {**told, "tracing": tracing}
    with change(by=by, action=CREATE, broker=broker, target=name, kinds=_INSIDE, detail=detail) as act:
        if any(item.name == name for item in act.client.vhosts()):
            text = _("There is a virtual host of that name already.")
            raise Refusal(text, "exists", fields={"name": text})
        vhosts.put(act.client, name, **told, tracing=tracing or None)


def update(
    *,
    broker: str,
    by: Actor,
    name: str,
    description: str | None = None,
    tags: Sequence[str] | None = None,
    default_queue_type: str | None = None,
) -> None:
    """Change what is said of a virtual host, and the type of queues that do not say theirs; None stays.

    Raises Refusal (422, 404, 409), RabbitError.
    """
    given = {"description": description, "tags": tags, "default_queue_type": default_queue_type}
    wanted = {key: value for key, value in given.items() if value is not None}
    with change(
        by=by, action=UPDATE, broker=broker, vhost=name, target=name, kinds=["vhosts"], detail=wanted
    ) as act:
        found = vhosts.one(act.client, name)
        was = _was(found)
        act.was(**was)
        vhosts.put(act.client, name, **_told(**{**was, **wanted}))


def trace(*, broker: str, by: Actor, name: str, on: bool) -> None:
    """Have every message of a virtual host copied to `amq.rabbitmq.trace`, or not any more. Raises as `update`."""
    with change(
        by=by, action=TRACE, broker=broker, vhost=name, target=name, kinds=["vhosts"], detail={"on": on}
    ) as act:
        found = vhosts.one(act.client, name)
        act.was(on=found.tracing)
        vhosts.put(act.client, name, **_was(found), tracing=on)


def protect(*, broker: str, by: Actor, name: str, on: bool) -> None:
    """Have RabbitMQ refuse to delete a virtual host, or not any more; 409 `not_offered` before 4.1."""
    with change(
        by=by, action=PROTECT, broker=broker, target=name, kinds=["vhosts"], detail={"on": on}
    ) as act:
        found = vhosts.one(act.client, name)
        act.was(on=bool(found.protected))
        vhosts.protect(act.client, name, protected=on)


def start(*, broker: str, by: Actor, name: str, node: str) -> None:
    """Start a virtual host that stopped on a node. Raises Refusal (422 for a node that it has not), RabbitError."""
    with change(
        by=by, action=START, broker=broker, vhost=name, target=name, kinds=["vhosts"], detail={"node": node}
    ) as act:
        found = vhosts.one(act.client, name)
        if node not in found.nodes:
            raise blame("node", _("The broker has no such node, or it is down."))
        act.was(state=found.nodes[node])
        vhosts.start(act.client, name, node)


def delete(*, broker: str, by: Actor, name: str) -> None:
    """Delete a virtual host with all queues, messages, exchanges, permissions and policies in it.

    Raises Refusal (409 `protected`, 404), RabbitError.
    """
    with change(by=by, action=DELETE, broker=broker, target=name, kinds=_INSIDE) as act:
        found = vhosts.one(act.client, name)
        if found.protected:
            text = _("It is protected from deletion. Take the protection away first.")
            raise Refusal(text, "protected")
        inside = [item.user for item in permissions.listed(act.client) if item.vhost == name]
        known = limits.of_vhosts(act.client).get(name, {})
        act.was(**_was(found), messages=found.messages, limits=known, users=inside[:200])
        second.ask(
            act,
            by=by,
            action=DELETE,
            broker=broker,
            summary=_("Delete the virtual host %(name)s") % {"name": name},
            arguments={"name": name},
            values={"vhost": name, "name": name},
        )
        vhosts.delete(act.client, name)


@kinds.register(DELETE, needs="configure", counts_as="delete")
def _delete_agreed(given: Mapping[str, Any], by: Actor) -> None:
    """Do what waited for a second person."""
    delete(broker=given["broker"], by=by, name=given["name"])


def _was(found: Vhost) -> dict[str, Any]:
    return {
        "description": found.description,
        "tags": found.tags,
        "default_queue_type": found.default_queue_type,
    }


def _told(description: str, tags: Sequence[str], default_queue_type: str) -> dict[str, Any]:
    return {
        "description": require_name("description", description, empty=True),
        "tags": require_tags(tags),
        "default_queue_type": default_queue_type,
    }


def require_tags(tags: Sequence[str]) -> list[str]:
    """Return tags as RabbitMQ takes them: in one text, with commas between. Raises Refusal (422, `tags`)."""
    found = [tag.strip() for tag in tags]
    for tag in found:
        require_name("tags", tag)
        if "," in tag:
            raise blame("tags", _("A tag has no comma in it."))
    return list(dict.fromkeys(found))
