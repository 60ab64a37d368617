"""What may be told of things that come by name, not as rows: the queues that another one's letters come from."""

from __future__ import annotations

from collections.abc import Iterable

from mqadmin.core.rights import asking
from mqadmin.core.rights.rules import LEVELS, Needed, covers


def holds(needed: Needed, broker: str, vhost: str | None = None, queue: str | None = None) -> bool:
    """Whether who asks holds a level of a thing, whatever is being done just now; None: of the whole of it.

    True where nobody asks.
    """
    who = asking.now()
    if who is None or who.rights.everywhere >= LEVELS[needed]:
        return True
    return who.rights.level(broker, vhost, queue) >= LEVELS[needed]


def holds_inside(broker: str, needed: Needed = "view") -> bool:
    """Whether who asks holds a level of anything in a broker. True where nobody asks."""
    who = asking.now()
    return who is None or who.rights.inside(broker) >= LEVELS[needed]


def seen(broker: str, vhost: str, names: Iterable[str]) -> list[str]:
    """Return those of the names of queues that who asks may see."""
    return [name for name in names if holds("view", broker, vhost, name)]


def is_seen_anywhere(queue: str) -> bool:
    """Whether who asks sees queues of this name wherever they see any: its place is not known."""
    who = asking.now()
    return who is None or all(covers(rule.queue, queue) for layer in who.rights.layers for rule in layer)


def reveals(broker: str, vhost: str, *queues: str) -> bool:
    """Whether who asks may see what masks hide of what is of any of the queues. True where nobody asks."""
    who = asking.now()
    return who is None or any(who.rights.reveals(broker, vhost, queue) for queue in queues)


def reveals_some() -> bool:
    """Whether who asks may see what masks hide of anything. True where nobody asks."""
    who = asking.now()
    return who is None or all(any(rule.reveals for rule in layer) for layer in who.rights.layers)


def reveals_all() -> bool:
    """Whether who asks may see what masks hide of all that they may see. True where nobody asks."""
    who = asking.now()
    if who is None:
        return True
    rights = who.rights
    return rights.reveals() or (
        any(rights.layers[0]) and all(rule.reveals for layer in rights.layers for rule in layer)
    )
