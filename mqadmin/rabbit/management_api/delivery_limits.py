"""How often a quorum queue lets a message come back, from everything that may set it. Pure.

The statistics of a queue, its effective policy among them, are up to five seconds old, and a policy holds at once
(tried on 3.10.8 and 4.0.5): so the policies themselves are read as well, and of two answers the smaller counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mqadmin.rabbit.topology.policies import applying
from mqadmin.rabbit.types import QueueInfo

__all__ = ["DEFAULT_DELIVERY_LIMIT", "Definitions", "applying", "of", "settings", "smaller", "values"]

DEFAULT_DELIVERY_LIMIT = 20
"""From RabbitMQ 4.0 on, unless something else is set."""

Definitions = Sequence[Mapping[str, Any]]
"""What the policies say that apply to a queue."""


def of(info: QueueInfo, version: tuple[int, int], definitions: Definitions | None = None) -> int | None:
    """Return after how many returns the next one is too many; None: any number.

    `definitions`: of the policies that apply, as they are now; None where they were not asked for.
    """
    arguments = [info.arguments.get("x-delivery-limit")]
    if info.delivery_limit is not None:
        sampled = _smallest([info.delivery_limit], version)
    else:
        sampled = _smallest([*arguments, info.effective_policy.get("delivery-limit")], version)
    if definitions is None:
        return sampled
    return smaller(sampled, _smallest([*arguments, *values(definitions, "delivery-limit")], version))


def smaller(one: int | None, other: int | None) -> int | None:
    """Return the stricter of two limits, where None is none."""
    return min((limit for limit in (one, other) if limit is not None), default=None)


def settings(info: QueueInfo, name: str, definitions: Definitions | None = None) -> list[Any]:
    """Return every value that an argument or a policy gives to `name`, whichever of them counts."""
    found = (info.arguments.get(f"x-{name}"), info.effective_policy.get(name))
    return [*(value for value in found if value is not None), *values(definitions or (), name)]


def values(definitions: Definitions, name: str) -> list[Any]:
    """Return what the definitions say to `name`."""
    return [definition[name] for definition in definitions if name in definition]


def _smallest(given: Iterable[Any], version: tuple[int, int]) -> int | None:
    """Return the smallest that is a limit (rabbit_quorum_queue:resolve_delivery_limit/2): from 4.0 a negative one
    is none, and without any there is the default."""
    numbers = [value for value in given if isinstance(value, int) and not isinstance(value, bool)]
    if not numbers:
        return DEFAULT_DELIVERY_LIMIT if version >= (4, 0) else None
    return min((value for value in numbers if value >= 0), default=None)
