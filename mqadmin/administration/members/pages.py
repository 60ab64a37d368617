"""What is shown of the members of a quorum queue."""

from __future__ import annotations

from dataclasses import dataclass

from mqadmin.administration.listed.naming import address
from mqadmin.rabbit.upkeep.facts import Placed


@dataclass(frozen=True)
class MemberRow:
    """A member of a queue, and the dialog that takes it away."""

    node: str
    href: str
    online: bool
    leads: bool
    remove: str


def member_rows(broker: str, queue: Placed) -> list[MemberRow]:
    """Return the members of a queue, by name."""
    names = {"vhost": queue.vhost, "name": queue.name}
    return [
        MemberRow(
            node,
            address("node_detail", broker, name=node),
            node in queue.online,
            node == queue.node,
            address("member_remove", broker, **names, node=node),
        )
        for node in sorted(queue.members)
    ]
