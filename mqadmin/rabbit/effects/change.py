"""The changes whose effects can be told, one dataclass each. A change is of one virtual host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mqadmin.rabbit.types import BindingInfo, ExchangeInfo, PolicyInfo


@dataclass(frozen=True)
class PutPolicy:
    """A policy is made, or the one of that name replaced."""

    policy: PolicyInfo
    by_operator: bool = False


@dataclass(frozen=True)
class DeletePolicy:
    """A policy goes; `by_operator`: an operator policy."""

    name: str
    by_operator: bool = False


@dataclass(frozen=True)
class PutVhostLimit:
    """A limit of the virtual host is set: `max-queues` or `max-connections`; a negative one is none."""

    name: str
    value: int


@dataclass(frozen=True)
class DeleteVhostLimit:
    name: str


@dataclass(frozen=True)
class Bind:
    binding: BindingInfo


@dataclass(frozen=True)
class Unbind:
    binding: BindingInfo


@dataclass(frozen=True)
class DeclareExchange:
    """An exchange is made; one of that name with other properties stays, and the broker refuses."""

    exchange: ExchangeInfo


@dataclass(frozen=True)
class DeleteExchange:
    name: str


@dataclass(frozen=True)
class DeclareQueue:
    """A queue is made; one of that name with other properties stays, and the broker refuses."""

    name: str
    type: str = "classic"
    durable: bool = True
    auto_delete: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DeleteQueue:
    name: str


@dataclass(frozen=True)
class PurgeQueue:
    """The ready messages of a queue go. None of them is dead-lettered."""

    name: str


@dataclass(frozen=True)
class DeleteVhost:
    """The virtual host goes with all that is in it."""


Change = (
    PutPolicy
    | DeletePolicy
    | PutVhostLimit
    | DeleteVhostLimit
    | Bind
    | Unbind
    | DeclareExchange
    | DeleteExchange
    | DeclareQueue
    | DeleteQueue
    | PurgeQueue
    | DeleteVhost
)
