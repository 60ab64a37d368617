"""The API's calls for connections and channels."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from mqadmin.administration.acting.changing import blame, refused
from mqadmin.administration.connections import acts
from mqadmin.administration.connections.lists import CHANNELS, CONNECTIONS
from mqadmin.administration.listed.api import Listed, ListQuery, page
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import OPERATE, VIEW, Asked, a_broker
from mqadmin.rabbit.administration import channels, connections, streaming
from mqadmin.rabbit.errors import RabbitError

router = Router(tags=["connections and channels"], auth=VIEW.of("vhost"))


class ConnectionOut(Schema):
    """One connection. `called`: what its client calls itself; rates are bytes per second; `connected` is epoch
    seconds; `heartbeat` seconds; `ours`: the consumer of mqadmin's, or "mqadmin", that it is of."""

    name: str
    called: str
    user: str
    vhost: str
    address: str
    port: int | None
    node: str
    protocol: str
    state: str
    tls: bool
    channels: int | None
    connected: float | None
    heartbeat: int | None
    client: str
    version: str
    platform: str
    in_rate: float | None
    out_rate: float | None
    ours: str


class ConnectionList(Listed):
    items: list[ConnectionOut]


class SessionLinkOut(Schema):
    """One link of AMQP 1.0: `way` "in" from the client, "out" to it; `settled`: it asks for no settlement."""

    way: str
    name: str
    handle: int | None
    address: str
    queue: str
    credit: int | None
    count: int | None
    unconfirmed: int | None
    settled: bool
    largest: int | None
    filters: list[str]


class SessionOut(Schema):
    """One session of AMQP 1.0."""

    number: int | None
    incoming_window: int | None
    remote_incoming_window: int | None
    remote_outgoing_window: int | None
    handle_max: int | None
    unsettled: int | None
    links: list[SessionLinkOut]


class ReaderOut(Schema):
    """One consumer. `arguments` but its priority; null but where one channel is asked for."""

    tag: str
    queue: str
    acks: bool
    prefetch: int | None
    exclusive: bool
    active: bool
    priority: int | None
    arguments: dict[str, Any] | None = None


class StreamReaderOut(Schema):
    """One subscription to a stream: `offset` of the last message it was given, `behind` messages after that;
    `credit`: chunks that it lets the broker send."""

    stream: str
    number: int | None
    offset: int | None
    behind: int | None
    consumed: int | None
    credit: int | None
    active: bool


class StreamPublisherOut(Schema):
    """One publisher to a stream; `reference`: the name by which the broker drops what it is sent twice."""

    stream: str
    number: int | None
    reference: str
    published: int | None
    confirmed: int | None
    failed: int | None


class StreamEndsOut(Schema):
    """What a connection reads of streams and writes to them."""

    readers: list[StreamReaderOut]
    publishers: list[StreamPublisherOut]


class ConnectionDetail(Schema):
    """One connection, as the broker tells of it now; `sessions` null but for AMQP 1.0 on RabbitMQ 4.1 and later;
    `readers`: its consumers where it has no channels, as of MQTT and of streams; `streams` null but for the latter,
    where the broker has the plugin `rabbitmq_stream_management`."""

    connection: ConnectionOut
    mechanism: str
    frame_max: int | None
    channel_max: int | None
    container: str
    received: int | None
    sent: int | None
    waiting: int | None
    here: str
    tls: dict[str, str]
    properties: dict[str, Any]
    sessions: list[SessionOut] | None
    readers: list[ReaderOut]
    streams: StreamEndsOut | None


class ChannelOut(Schema):
    """One channel. `held`: since when (epoch seconds) at the latest its first unacked message is with its client,
    null where it holds none or that is not known; `readers`: the first fifty of its consumers."""

    name: str
    number: int | None
    connection: str
    address: str
    user: str
    vhost: str
    node: str
    state: str
    prefetch: int | None
    global_prefetch: int | None
    confirm: bool
    transactional: bool
    unacked: int | None
    unconfirmed: int | None
    uncommitted: int | None
    acks_uncommitted: int | None
    held: float | None
    consumers: int | None
    queues: list[str]
    readers: list[ReaderOut]
    publish_rate: float | None
    confirm_rate: float | None
    deliver_rate: float | None
    ack_rate: float | None
    redeliver_rate: float | None
    returned_rate: float | None
    dropped_rate: float | None


class ChannelList(Listed):
    items: list[ChannelOut]


class FlowOut(Schema):
    """What a channel passes to an exchange, or gets from a queue: messages per second by kind."""

    vhost: str
    name: str
    rates: dict[str, float]


class ChannelDetail(Schema):
    """One channel, as the broker tells of it now."""

    channel: ChannelOut
    publishes: list[FlowOut]
    deliveries: list[FlowOut]


class NamedConnection(Asked):
    """Which connection or channel, by what the broker calls it."""

    broker: str = ""
    name: str


class Closed(Schema):
    """How many connections were closed."""

    closed: int


class ConnectionsNamed(Asked):
    """Which connections to close: one by `name`, or all of a `user`, or all from an `address`. `expect`: how many
    they must be; `reason`: what their clients are told."""

    broker: str = ""
    name: str = ""
    user: str = ""
    address: str = ""
    expect: int | None = Field(None, ge=0)
    reason: str = ""


@router.get("/connections", response=ConnectionList)
def connection_list(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List connections: `q` as `user:shop state:blocked channels>10 tls:no ours:no`."""
    return page(CONNECTIONS, wanted, asdict)


@router.get("/connections/one", response=ConnectionDetail)
def connection_read(request: HttpRequest, wanted: Query[NamedConnection]) -> dict[str, Any]:
    """Read one connection, live, with its sessions; 404 once it is closed."""
    slug = a_broker(wanted.broker)
    client = brokers.for_page(slug)
    try:
        found = connections.one(client, wanted.name)
        permissions.require(slug, found.connection.vhost)
        sessions = connections.sessions(client, wanted.name) if found.connection.is_1_0 else None
        readers = [reader for _vhost, reader in channels.apart(client, [found.connection])]
        item = found.connection
        ends = streaming.of_connection(client, item.vhost, item.name) if item.is_stream else None
    except RabbitError as error:
        raise refused(error) or error from error
    told = None if sessions is None else [asdict(item) for item in sessions]
    return {**asdict(found), "sessions": told, "readers": readers, "streams": asdict(ends) if ends else None}


@router.delete("/connections", response=Closed, auth=OPERATE.of("vhost"))
def connection_close(request: HttpRequest, wanted: Query[ConnectionsNamed]) -> dict[str, int]:
    """Close connections; 404 where there are none, 409 `changed` where they are not as many as expected."""
    given = [name for name in ("name", "user", "address") if getattr(wanted, name)]
    if len(given) != 1:
        raise blame("name", _("Give one of name, user and address."))
    broker, by = a_broker(wanted.broker), audit.actor(request)
    if wanted.name:
        acts.close(broker=broker, by=by, name=wanted.name, reason=wanted.reason)
        return {"closed": 1}
    closed = acts.close_all(
        broker=broker,
        by=by,
        user=wanted.user,
        address=wanted.address,
        expect=wanted.expect,
        reason=wanted.reason,
    )
    return {"closed": closed}


@router.get("/open-channels", response=ChannelList)
def open_channel_list(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List channels of connections: `q` as `unacked>100 held>10m queue:orders`."""
    return page(CHANNELS, wanted, asdict)


@router.get("/open-channels/one", response=ChannelDetail)
def open_channel_read(request: HttpRequest, wanted: Query[NamedConnection]) -> dict[str, Any]:
    """Read one channel of a connection, live; 404 once it is closed."""
    slug = a_broker(wanted.broker)
    try:
        found = channels.one(brokers.for_page(slug), wanted.name)
        permissions.require(slug, found.channel.vhost)
        return asdict(found)
    except RabbitError as error:
        raise refused(error) or error from error
