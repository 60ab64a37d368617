"""What a tap binds its queue by: copies of bindings that are there, and never one that changes where messages go.

A copy gets a message where the binding it is of gets it too, so nothing is routed that was not, and nothing passes
an alternate exchange by, or comes back to its publisher, that did before. An exchange that shares its messages out
among what is bound to it (x-consistent-hash, x-random, ...) gives a copy what another queue should have had: it is
never bound to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mqadmin.passing.models import Tap
from mqadmin.rabbit.administration import tracing
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.types import BindingInfo

COPYING = ("direct", "fanout", "topic", "headers")  # each queue that matches gets one
DELAYED = "x-delayed-message"
PREFIX = "mqadmin.tap."  # what queues of taps are called
_LONGEST_KEY = 255  # bytes


@dataclass(frozen=True)
class Copy:
    """A binding of the tap's queue."""

    exchange: str
    routing_key: str
    arguments: Mapping[str, Any]

    @property
    def listed(self) -> list[Any]:
        """As a tap's row has it."""
        return [self.exchange, self.routing_key, dict(self.arguments)]


@dataclass(frozen=True)
class Plan:
    """What to bind, codes of what will not be seen, and why it cannot be done, a code, "" where it can."""

    copies: tuple[Copy, ...]
    notes: tuple[str, ...] = ()
    refused: str = ""


def plan(client: ManagementClient, tap: Tap) -> Plan:
    """Return what to bind for a tap. Raises RabbitError: NotFound where queue or exchange is not there."""
    if tap.is_firehose:
        return firehose(tap.kind, tap.name)
    types = {item.name: _type(item.type, item.arguments) for item in client.exchanges(tap.vhost)}
    if tap.kind == Tap.Kind.QUEUE:
        client.queue(tap.vhost, tap.name)
        return of_queue(client.queue_bindings(tap.vhost, tap.name), types)
    return of_exchange(tap.name, client.bindings(tap.vhost), types)


def _type(name: str, arguments: Mapping[str, Any]) -> str:
    return str(arguments.get("x-delayed-type", "")) if name == DELAYED else name


def of_queue(bindings: Sequence[BindingInfo], types: Mapping[str, str]) -> Plan:
    """Return the plan for a queue with these bindings; `types`: of the exchanges of its virtual host. Pure."""
    own = [item for item in bindings if item.source]
    copies = [item for item in own if types.get(item.source) in COPYING]
    notes = ["default_exchange", "dead_lettered"]
    if len(copies) < len(own):
        notes.append("sharing")
    refused = "" if copies else "sharing" if own else "only_default"
    return Plan(_copies(copies), tuple(notes), refused)


def of_exchange(name: str, bindings: Sequence[BindingInfo], types: Mapping[str, str]) -> Plan:
    """Return the plan for an exchange; `bindings`: all of its virtual host. Pure."""
    if not name:
        return Plan((), (), "default_exchange")
    if name not in types:
        return Plan((), (), "missing")
    if types[name] not in COPYING:
        return Plan((), (), "sharing")
    # The copies of this tap, or of another, hold nothing: they go when what they are copies of does.
    own = [item for item in bindings if item.source == name and not item.destination.startswith(PREFIX)]
    to_queues = [item for item in own if item.destination_type == "queue"]
    notes = ["unrouted"]
    if len(to_queues) < len(own):
        notes.append("to_exchanges")
    refused = "" if to_queues else "only_exchanges" if own else "nothing_bound"
    return Plan(_copies(to_queues), tuple(notes), refused)


def firehose(kind: str, name: str) -> Plan:
    """Return the plan by the firehose: what is delivered from a queue, or published to an exchange. Pure.

    The exchange of the firehose is a topic: a name with `*` or `#` in it matches others too, which are left
    out when they come (`line`).
    """
    key = f"{'deliver' if kind == Tap.Kind.QUEUE else 'publish'}.{name}"
    if len(key.encode()) > _LONGEST_KEY:
        return Plan((), (), "long_name")
    notes = ("deliveries",) if kind == Tap.Kind.QUEUE else ()
    return Plan((Copy(tracing.EXCHANGE, key, {}),), (*notes, "one_node"))


def _copies(bindings: Sequence[BindingInfo]) -> tuple[Copy, ...]:
    found: list[Copy] = []
    for item in bindings:
        copy = Copy(item.source, item.routing_key, dict(item.arguments))
        if copy not in found:
            found.append(copy)
    return tuple(found)
