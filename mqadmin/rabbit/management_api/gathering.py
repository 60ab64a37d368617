"""One virtual host as the management API tells of it, for `rabbit.effects`: nine calls, however much is in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from mqadmin.rabbit.effects.state import Hidden, VhostState
from mqadmin.rabbit.errors import BadResponse, NotFound, Refused
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.types import PolicyInfo

T = TypeVar("T")


def gather(client: ManagementClient, vhost: str) -> VhostState:
    """Return a virtual host as it is: what is in its queues up to five seconds old, all else as of now.

    What the account may not read is named in `hidden`. Raises RabbitError; Refused or NotFound where the queues,
    the exchanges or the bindings are kept from it.
    """
    queues, exchanges = client.queues(vhost), client.exchanges(vhost)
    bindings = client.bindings(vhost)
    hidden: set[Hidden] = set()

    def allowed(name: Hidden, read: Callable[[str], T], otherwise: T) -> T:
        try:
            return read(vhost)
        except (Refused, NotFound, BadResponse):  # not allowed, or not offered
            hidden.add(name)
            return otherwise

    nothing: tuple[list[str], list[str]] = ([], [])
    order, operator_order = allowed("order", client.policy_order, nothing)
    none: list[PolicyInfo] = []
    policies = allowed("policies", lambda name: client.policies(name), none)
    operator_policies = allowed("operator_policies", lambda name: client.operator_policies(name), none)
    return VhostState(
        vhost,
        queues={item.name: item for item in queues},
        exchanges={item.name: item for item in exchanges},
        bindings=tuple(bindings),
        policies=_in_order(policies, order),
        operator_policies=_in_order(operator_policies, operator_order),
        limits=allowed("limits", client.vhost_limits, {}),
        version=_version(client.overview().version),
        hidden=frozenset(hidden),
    )


def _in_order(policies: Iterable[PolicyInfo], names: Sequence[str]) -> tuple[PolicyInfo, ...]:
    places = {name: place for place, name in enumerate(names)}
    return tuple(sorted(policies, key=lambda item: places.get(item.name, len(places))))


def _version(text: str) -> tuple[int, int] | None:
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None
