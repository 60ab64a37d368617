"""Of what a change would do, what who asks may know: a queue of theirs may be one of many in a virtual host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mqadmin.core import permissions
from mqadmin.core.rights import asking
from mqadmin.rabbit.effects.effect import Effect, QueueEffect, Statement

_NAMES = ("to", "before", "after")  # of a statement: names of queues, where they are several
Known = Callable[[str], bool]


def of(effect: Effect, broker: str, vhost: str) -> Effect:
    """Return an effect without what is told of other queues, and of exchanges, where who asks sees no more than
    some queues of the virtual host; else the same."""
    with asking.needing("view"):
        if permissions.allows(broker, vhost):
            return effect

        def known(queue: str) -> bool:
            return permissions.allows(broker, vhost, queue)

        queues = (item for item in effect.queues if known(item.queue))
        return Effect(
            queues=tuple(_queue(item, known) for item in queues), statements=_theirs(effect.statements, known)
        )


def _queue(item: QueueEffect, known: Known) -> QueueEffect:
    return replace(item, statements=_theirs(item.statements, known))


def _theirs(statements: tuple[Statement, ...], known: Known) -> tuple[Statement, ...]:
    """Return what is said of queues of theirs. A statement of no queue tells of the virtual host."""
    return tuple(
        replace(item, params=_params(item.params, known))
        for item in statements
        if item.queue and known(item.queue)
    )


def _params(params: Mapping[str, Any], known: Known) -> dict[str, Any]:
    return {
        name: [one for one in value if known(one)]
        if name in _NAMES and isinstance(value, list | tuple)
        else value
        for name, value in params.items()
    }
