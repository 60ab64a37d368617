"""Makes what a case needs on a real broker, makes its change, and looks at what came of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel

from mqadmin.rabbit.effects.change import (
    Bind,
    Change,
    DeclareExchange,
    DeclareQueue,
    DeleteExchange,
    DeletePolicy,
    DeleteQueue,
    DeleteVhost,
    DeleteVhostLimit,
    PurgeQueue,
    PutPolicy,
    PutVhostLimit,
    Unbind,
)
from mqadmin.rabbit.errors import BadResponse, NotFound
from mqadmin.rabbit.types import BindingInfo, PolicyInfo
from tests.rabbit.effects.cases import B, Case, Named, P, Q, X
from tests.support.management import Management

SIZE = 100
REFUSED = "refused"
Reached = frozenset[str] | str


@dataclass
class Client:
    """A connection that publishes, and one whose channel takes messages and consumes."""

    connection: pika.BlockingConnection
    taking: pika.BlockingConnection
    channel: BlockingChannel = field(init=False)
    holding: BlockingChannel = field(init=False)
    cancelled: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.channel, self.holding = self.connection.channel(), self.taking.channel()
        self.holding.add_on_cancel_callback(lambda frame: self.cancelled.append(frame.method.consumer_tag))

    def set_up(self, management: Management, case: Case, named: Named) -> None:
        """Make what is there before the change: policies last, so that they find all."""
        for item in case.there:
            if isinstance(item, Q):
                self._queue(named, item)
            elif isinstance(item, X):
                made = named.exchange(item)
                self.channel.exchange_declare(
                    made.name,
                    made.type,
                    durable=True,
                    auto_delete=made.auto_delete,
                    arguments=dict(made.arguments),
                )
        for item in case.there:
            if isinstance(item, B):
                self._bind(named.binding(item))
            elif isinstance(item, P):
                set_policy(management, named.policy(item), item.by_operator)

    def _queue(self, named: Named, item: Q) -> None:
        name = named(item.name)
        arguments = named.definition(item.arguments)
        if item.type != "classic":
            arguments["x-queue-type"] = item.type
        self.channel.queue_declare(name, durable=True, arguments=arguments)
        for _ in range(item.count):
            self.channel.basic_publish("", name, b"x" * SIZE)
        for _ in range(item.unacked):
            while self.holding.basic_get(name)[0] is None:
                pass  # it is on its way
        for number in range(item.consumers):
            self.holding.basic_consume(name, lambda *_: None, consumer_tag=f"{name}#{number}")

    def _bind(self, item: BindingInfo) -> None:
        call = self.channel.queue_bind if item.destination_type == "queue" else self.channel.exchange_bind
        call(item.destination, item.source, item.routing_key)

    def ready(self, name: str) -> int | None:
        """Return how many messages are ready this instant, None where there is no such queue."""
        try:
            return int(self.open_channel().queue_declare(name, passive=True).method.message_count)
        except pika.exceptions.ChannelClosedByBroker:
            return None

    def open_channel(self) -> BlockingChannel:
        if not self.channel.is_open:
            self.channel = self.connection.channel()
        return self.channel

    def reached(self, named: Named, exchange: str, key: str, queues: Iterable[str]) -> Reached:
        """Publish, and return the queues it comes to; nothing else comes to them."""
        names = list(queues)
        before = {name: self.ready(name) for name in names}
        key = named(key) if not exchange else key
        returned: list[Any] = []
        with self.connection.channel() as channel:
            channel.confirm_delivery()
            try:
                channel.basic_publish(named(exchange), key, b"", mandatory=True)
            except pika.exceptions.UnroutableError:
                returned.append(key)
            except pika.exceptions.ChannelClosedByBroker:
                return REFUSED
        after = {name: self.ready(name) for name in names}
        found = frozenset(name for name in names if after[name] != before[name])
        assert bool(found) is not bool(returned)
        return found


def set_policy(management: Management, policy: PolicyInfo, by_operator: bool) -> None:
    management.set_policy(
        policy.vhost,
        policy.name,
        policy.pattern,
        policy.definition,
        apply_to=policy.apply_to,
        priority=policy.priority,
        kind="operator-policies" if by_operator else "policies",
    )


def make(management: Management, vhost: str, change: Change) -> bool:
    """Make a change; return whether the broker took it."""
    try:
        _make(management, vhost, change)
    except (BadResponse, NotFound):
        return False
    return True


def _make(management: Management, vhost: str, change: Change) -> None:
    match change:
        case PutPolicy(policy=policy, by_operator=by_operator):
            set_policy(management, policy, by_operator)
        case DeletePolicy(name=name, by_operator=by_operator):
            management.delete_policy(vhost, name, kind="operator-policies" if by_operator else "policies")
        case DeleteQueue(name=name):
            management.delete_queue(vhost, name)
        case PurgeQueue(name=name):
            management.purge(vhost, name)
        case DeleteExchange(name=name):
            management.delete_exchange(vhost, name)
        case Bind(binding=item):
            management.bind(
                vhost,
                item.source,
                item.destination,
                item.routing_key,
                destination_type=item.destination_type,
            )
        case Unbind(binding=item):
            management.unbind(
                vhost, item.source, item.destination, item.routing_key, destination_type=item.destination_type
            )
        case DeclareQueue():
            management.declare_queue(vhost, change.name, arguments=change.arguments)
        case DeclareExchange(exchange=item):
            management.declare_exchange(vhost, item.name, type=item.type, arguments=item.arguments)
        case PutVhostLimit(name=name, value=value):
            management.set_vhost_limit(vhost, name, value)
        case DeleteVhostLimit(name=name):
            management.delete_vhost_limit(vhost, name)
        case DeleteVhost():
            management.delete_vhost(vhost)


@contextlib.contextmanager
def client(amqp_url: str, vhost: str) -> Any:
    """Yield a client of the virtual host, closed afterwards."""
    parameters = pika.URLParameters(amqp_url)
    parameters.virtual_host = vhost
    parameters.heartbeat = 0
    with pika.BlockingConnection(parameters) as one, pika.BlockingConnection(parameters) as other:
        yield Client(one, other)
