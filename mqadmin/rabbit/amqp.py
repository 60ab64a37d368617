"""Short errands over AMQP: a connection for one call, closed after it. For any thread; raises RabbitError."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel

from mqadmin.rabbit import counting
from mqadmin.rabbit.config import BrokerConfig, Endpoint
from mqadmin.rabbit.errors import PIKA_ERRORS, RabbitError, Refused, from_pika, together
from mqadmin.rabbit.message import Message
from mqadmin.rabbit.types import NO_VALUE, PeekedMessage


@contextmanager
def channel(config: BrokerConfig, vhost: str, *, client_name: str = "mqadmin") -> Iterator[BlockingChannel]:
    """Yield a channel to `vhost` and close its connection after; pika's errors come out as RabbitError."""
    connection, endpoint = _connect(config, vhost, client_name)
    try:
        yield connection.channel()
    except PIKA_ERRORS as error:
        raise from_pika(error, where=str(endpoint)) from error
    finally:
        if connection.is_open:
            try:
                connection.close()
            except PIKA_ERRORS:
                pass


def _connect(config: BrokerConfig, vhost: str, client_name: str) -> tuple[pika.BlockingConnection, Endpoint]:
    """Connect to the first host that answers. A refusal is the whole cluster's: it is raised at once."""
    faults: list[RabbitError] = []
    for endpoint in config.endpoints:
        parameters = config.connection_parameters(
            vhost,
            endpoint=endpoint,
            client_name=client_name,
            blocked_connection_timeout=config.timeout_s,
        )
        try:
            return pika.BlockingConnection(parameters), endpoint
        except PIKA_ERRORS as error:
            fault = from_pika(error, where=str(endpoint))
            if fault.kind != "connection":
                raise fault from error
            faults.append(fault)
    raise together(faults)


def has_vhost(config: BrokerConfig, vhost: str) -> bool:
    """Tell whether the virtual host is there, also where the user may not use it. Raises NoResponse."""
    try:
        with channel(config, vhost):
            return True
    except Refused as error:
        return error.code != "vhost_missing"


def declare_queue(
    config: BrokerConfig,
    vhost: str,
    name: str,
    *,
    durable: bool = True,
    auto_delete: bool = False,
    arguments: Mapping[str, Any] | None = None,
) -> None:
    """Create the queue if it is not there. Raises ChannelLost when it is there with other properties."""
    with channel(config, vhost) as open_channel:
        open_channel.queue_declare(
            name, durable=durable, auto_delete=auto_delete, arguments=dict(arguments or {})
        )


def declare_exchange(
    config: BrokerConfig,
    vhost: str,
    name: str,
    *,
    type: str,
    durable: bool = True,
    auto_delete: bool = False,
    internal: bool = False,
    arguments: Mapping[str, Any] | None = None,
) -> None:
    """Create the exchange if it is not there. Raises ChannelLost when it is there with other properties."""
    with channel(config, vhost) as open_channel:
        open_channel.exchange_declare(
            name,
            exchange_type=type,
            durable=durable,
            auto_delete=auto_delete,
            internal=internal,
            arguments=longs(arguments),
        )


def delete_exchange(config: BrokerConfig, vhost: str, name: str, *, if_unused: bool = False) -> None:
    """Delete an exchange with its bindings. One that is not there is no error; ChannelLost where it is in use."""
    with channel(config, vhost) as open_channel:
        open_channel.exchange_delete(name, if_unused=if_unused)


def bind(
    config: BrokerConfig,
    vhost: str,
    source: str,
    destination: str,
    *,
    destination_type: str,
    routing_key: str,
    arguments: Mapping[str, Any] | None = None,
) -> None:
    """Bind a queue or an exchange to exchange `source`. Raises NotFound."""
    with channel(config, vhost) as open_channel:
        if destination_type == "queue":
            open_channel.queue_bind(destination, source, routing_key, longs(arguments))
        else:
            open_channel.exchange_bind(destination, source, routing_key, longs(arguments))


def unbind(
    config: BrokerConfig,
    vhost: str,
    source: str,
    destination: str,
    *,
    destination_type: str,
    routing_key: str,
    arguments: Mapping[str, Any] | None = None,
) -> None:
    """Take away a binding; one that is not there is no error.

    RabbitMQ knows a binding by its arguments with the widths of their numbers, which the management API does not
    tell: it makes them of 64 bits, as `bind` does here; pika and others take what is enough. Of an argument without
    a value it tells a text. Each of these is unbound.
    """
    with channel(config, vhost) as open_channel:
        plain = dict(arguments or {})
        bare = {name: None if value == NO_VALUE else value for name, value in plain.items()}
        for given in (longs(arguments), plain, longs(bare), bare):
            if destination_type == "queue":
                open_channel.queue_unbind(destination, source, routing_key, given)
            else:
                open_channel.exchange_unbind(destination, source, routing_key, given)


def longs(value: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return arguments with whole numbers as the management API writes them: of 64 bits."""
    return {name: _long(item) for name, item in (value or {}).items()}


def _long(value: Any) -> Any:
    if isinstance(value, Mapping):
        return longs(value)
    if isinstance(value, list):
        return [_long(item) for item in value]
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return pika.compat.long(value) if is_whole else value


def counts(config: BrokerConfig, vhost: str, name: str) -> tuple[int, int]:
    """Return how many messages are ready in a queue, and how many consumers it has, this instant.

    By a passive declare: the management API's numbers are up to five seconds old. Raises NoResponse where a quorum
    queue's leader does not say it, which is no zero.
    """
    with channel(config, vhost) as open_channel:
        return counting.counted(open_channel, name)


def get_and_return(
    config: BrokerConfig, vhost: str, name: str, count: int, *, truncate: int
) -> list[PeekedMessage]:
    """Take up to `count` messages and give them back by one nack, as the management API's `get` does."""
    found: list[PeekedMessage] = []
    with channel(config, vhost) as open_channel:
        for _ in range(count):
            method, properties, body = open_channel.basic_get(name)
            if method is None or properties is None:
                break
            content = body or b""
            message = Message.from_pika(method, properties, content[:truncate])
            found.append(PeekedMessage(message, size=len(content), truncated=len(content) > truncate))
        if found:
            last = found[-1].message.delivery_tag or 0
            open_channel.basic_nack(last, multiple=True, requeue=True)
    return found
