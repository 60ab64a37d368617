"""Members of quorum queues are added and taken away: of one queue, or of all on a node."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Literal

from django.utils.translation import gettext as _

from mqadmin.administration.acting.changing import Change, blame, change, require_name
from mqadmin.administration.nodes.acts import require_node
from mqadmin.core import brokers
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.rabbit.administration import members
from mqadmin.rabbit.upkeep import replicas
from mqadmin.rabbit.upkeep.facts import Placed

ADD, REMOVE = "queue.add_member", "queue.remove_member"
GROW, SHRINK = "node.grow", "node.shrink"
Strategy = Literal["all", "even"]
MOST_NOTED = 100  # queues that the audit log names


def add(*, broker: str, by: Actor, vhost: str, name: str, node: str) -> None:
    """Add a member of a quorum queue on a node. Raises Refusal (404, 409 with why), RabbitError."""
    with _of_queue(ADD, broker, by, vhost, name, node) as act:
        require_node(act.client, node, running=True)
        found = _quorum(act, vhost, name)
        if node in found.members:
            text = _("It has a member there already.")
            raise Refusal(text, "exists", fields={"node": text})
        members.add(act.client, vhost, name, node)


def remove(*, broker: str, by: Actor, vhost: str, name: str, node: str) -> None:
    """Take a member of a quorum queue away, unless the others are too few. Raises Refusal (404, 409), RabbitError.

    RabbitMQ itself refuses only the last member: that the queue has no majority afterwards it does not look at.
    """
    with _of_queue(REMOVE, broker, by, vhost, name, node) as act:
        found = _quorum(act, vhost, name)
        if node not in found.members:
            raise Refusal(_("It has no member there."), "not_found", status=404)
        if len(found.members) == 1:
            raise Refusal(_("It is the only member: the messages would go with it."), "last_member")
        if _is_left_short(found, node):
            raise Refusal(_("Too few of the other members are online to go on without it."), "no_majority")
        members.delete(act.client, vhost, name, node)


def would_grow(
    *,
    broker: str,
    node: str,
    strategy: Strategy = "all",
    vhost_pattern: str = ".*",
    queue_pattern: str = ".*",
) -> list[Placed]:
    """Return the queues that `grow` would give a member. Raises Refusal (422 with the field), RabbitError."""
    _patterns(vhost_pattern, queue_pattern)
    return replicas.growing(
        members.placed(brokers.for_page(broker)),
        node,
        strategy=strategy,
        vhost_pattern=vhost_pattern,
        queue_pattern=queue_pattern,
    )


def would_shrink(*, broker: str, node: str) -> tuple[list[Placed], list[Placed]]:
    """Return the queues that `shrink` would take a member from, and those whose only member it is. RabbitError."""
    return replicas.shrinking(members.placed(brokers.for_page(broker)), node)


def grow(
    *,
    broker: str,
    by: Actor,
    node: str,
    strategy: Strategy = "all",
    vhost_pattern: str = ".*",
    queue_pattern: str = ".*",
) -> list[Placed]:
    """Add a member on a node to each quorum queue that matches; return them. Raises Refusal, RabbitError."""
    _patterns(vhost_pattern, queue_pattern)
    given = {"strategy": strategy, "vhost_pattern": vhost_pattern, "queue_pattern": queue_pattern}
    with change(
        by=by, action=GROW, broker=broker, target=node, kinds=["nodes", "stops"], detail=given
    ) as act:
        require_node(act.client, node, running=True)
        found = replicas.growing(members.placed(act.client), node, **given)
        _note(act, found)
        members.grow(act.client, node, **given)
    return found


def shrink(*, broker: str, by: Actor, node: str) -> list[Placed]:
    """Take the members on a node away from all quorum queues that have others; return them.

    Raises Refusal (409 `no_majority` where a queue would have too few members online), RabbitError.
    """
    with change(by=by, action=SHRINK, broker=broker, target=node, kinds=["nodes", "stops"]) as act:
        require_node(act.client, node)
        found, _kept = replicas.shrinking(members.placed(act.client), node)
        _note(act, found)
        short = [item for item in found if _is_left_short(item, node)]
        if short:
            words = _("%(queue)s would have too few members online (and %(n)d others like it).")
            raise Refusal(words % {"queue": short[0].name, "n": len(short) - 1}, "no_majority")
        members.shrink(act.client, node)
    return found


def _is_left_short(item: Placed, node: str) -> bool:
    """Whether a queue would have no majority of members online without the one on this node."""
    others = [name for name in item.online if name != node]
    return len(others) <= (len(item.members) - 1) // 2


def _of_queue(
    action: str, broker: str, by: Actor, vhost: str, name: str, node: str
) -> AbstractContextManager[Change]:
    require_name("vhost", vhost)
    require_name("name", name)
    require_name("node", node)
    return change(
        by=by,
        action=action,
        broker=broker,
        target=f"{vhost}:{name}",
        kinds=["nodes", "stops"],
        detail={"node": node},
    )


def _quorum(act: Change, vhost: str, name: str) -> Placed:
    found = members.one(act.client, vhost, name)
    act.was(members=list(found.members))
    if found.type == "stream":
        words = _("RabbitMQ's API does not change the members of streams: rabbitmq-streams add_replica does.")
        raise Refusal(words, "stream")
    if found.type != "quorum":
        raise Refusal(_("Only quorum queues have members."), "not_quorum")
    return found


def _note(act: Change, found: Sequence[Placed]) -> None:
    act.was(
        queues=len(found),
        first=[
            {"vhost": item.vhost, "name": item.name, "members": list(item.members)}
            for item in found[:MOST_NOTED]
        ],
    )


def _patterns(vhost_pattern: str, queue_pattern: str) -> None:
    for field, text in (("vhost_pattern", vhost_pattern), ("queue_pattern", queue_pattern)):
        require_name(field, text)
        try:
            re.compile(text)
        except re.error as error:
            raise blame(field, _("Not a pattern: %(why)s.") % {"why": error}) from error
