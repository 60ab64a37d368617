"""Which queues gain or lose a member by RabbitMQ's own rules, before it is asked to do so.

The rules are those of `rabbit_quorum_queue:grow` and `shrink_all` (4.0 to 4.3). They deal with quorum queues; the
members of streams are changed with `rabbitmq-streams` alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mqadmin.rabbit.upkeep.facts import Placed

STRATEGIES = ("all", "even")


def growing(
    queues: Iterable[Placed], node: str, *, strategy: str, vhost_pattern: str, queue_pattern: str
) -> list[Placed]:
    """Return the quorum queues that would get a member on a node: those without one that match both patterns.

    "even" means those that have an even number of members now. Raises re.error for a pattern that is none; the
    broker reads patterns as PCRE, Python nearly so.
    """
    vhosts, names = re.compile(vhost_pattern), re.compile(queue_pattern)
    return [
        item
        for item in queues
        if item.type == "quorum"
        and node not in item.members
        and (strategy == "all" or len(item.members) % 2 == 0)
        and vhosts.search(item.vhost)
        and names.search(item.name)
    ]


def shrinking(queues: Iterable[Placed], node: str) -> tuple[list[Placed], list[Placed]]:
    """Return the quorum queues that would lose their member on a node, and those that keep it: it is their
    only one."""
    there = [item for item in queues if item.type == "quorum" and node in item.members]
    return [item for item in there if len(item.members) > 1], [
        item for item in there if len(item.members) == 1
    ]


def is_short(item: Placed, without: str = "") -> bool:
    """Whether too few members are online to go on, leaving one node out."""
    left = sum(1 for name in item.online if name != without)
    return left <= len(item.members) // 2
