"""One virtual host as it is: what a prediction starts from, and what it comes to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mqadmin.rabbit.types import BindingInfo, ExchangeInfo, PolicyInfo, QueueInfo

Hidden = Literal["policies", "operator_policies", "limits", "order"]


@dataclass(frozen=True)
class VhostState:
    """What there is in a virtual host.

    `queues` and `exchanges` by name; the bindings to the default exchange may be among `bindings` or not.
    `policies` and `operator_policies` in the broker's own order, in which the first of equal priority applies,
    unless "order" is in `hidden`: what the account may not read. `version`: None where it is not known. `limits`:
    of the virtual host, by their names in the management API.
    """

    vhost: str
    queues: Mapping[str, QueueInfo] = field(default_factory=dict)
    exchanges: Mapping[str, ExchangeInfo] = field(default_factory=dict)
    bindings: tuple[BindingInfo, ...] = ()
    policies: tuple[PolicyInfo, ...] = ()
    operator_policies: tuple[PolicyInfo, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    version: tuple[int, int] | None = None
    connections: int | None = None
    hidden: frozenset[Hidden] = frozenset()
    exists: bool = True
