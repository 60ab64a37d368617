"""What the rules here go by: queues with where they live, clients with where they are connected, nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Placed:
    """A queue and where it lives. `node`: of its leader, "" for none; `members`, `online`: of quorum queues and
    streams; `mirrors`: nodes with a mirror in step (RabbitMQ 3). `unsaved`: messages of a classic queue that are
    not persistent."""

    vhost: str
    name: str
    type: str
    node: str
    members: Sequence[str] = ()
    online: Sequence[str] = ()
    mirrors: Sequence[str] = ()
    durable: bool = True
    exclusive: bool = False
    messages: int = 0
    unsaved: int = 0
    arguments: Mapping[str, Any] = field(default_factory=dict)
    effective: Mapping[str, Any] = field(default_factory=dict)
    version: int | None = None
    bytes: int = 0

    @property
    def is_replicated(self) -> bool:
        """Whether it has members that vote for a leader."""
        return self.type in ("quorum", "stream")


@dataclass(frozen=True, slots=True)
class Client:
    """A connection. `label`: what its client calls it, else its name; `consumer`: the mqadmin consumer it is
    of, ""."""

    name: str
    label: str
    node: str
    user: str
    vhost: str
    protocol: str
    product: str = ""
    consumer: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """A node as the rules see it. `draining`: None where the broker does not say (3.10)."""

    name: str
    running: bool = True
    draining: bool | None = None
    answers: bool = False
    is_ram: bool = False
    version: str = ""


@dataclass(frozen=True)
class Cluster:
    """All that is known before a node is stopped. `addresses`: how many nodes mqadmin's own addresses name.
    `broker_says`: what RabbitMQ's own check says of the node that answers, "" for no objection, None for
    unknown."""

    nodes: Sequence[Machine]
    queues: Sequence[Placed]
    clients: Sequence[Client] | None
    addresses: int = 1
    store: str = ""
    broker_says: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyFact:
    """A policy, or operator policy, with what it sets."""

    vhost: str
    name: str
    definition: Mapping[str, Any]
    is_operator: bool = False


@dataclass(frozen=True, slots=True)
class PrefetchFact:
    """A channel whose consumers share one prefetch; `count` None: the broker does not tell it."""

    name: str
    connection: str
    user: str
    vhost: str
    count: int | None


@dataclass(frozen=True, slots=True)
class FlagFact:
    """A feature flag: `state` enabled, disabled or unavailable; `stability` stable, required or experimental."""

    name: str
    state: str
    stability: str


@dataclass(frozen=True)
class Installed:
    """All that is known before an upgrade. None: the broker does not tell, or the account may not ask."""

    version: str
    erlang: str
    nodes: Sequence[Machine] = ()
    plugins: Sequence[str] = ()
    queues: Sequence[Placed] = ()
    policies: Sequence[PolicyFact] = ()
    shared_prefetch: Sequence[PrefetchFact] | None = ()
    clients: Sequence[Client] | None = ()
    flags: Sequence[FlagFact] | None = ()
    deprecated: Sequence[str] | None = ()
