"""Connections: listed, looked at, closed; the sessions and links of AMQP 1.0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mqadmin.rabbit.administration import calls
from mqadmin.rabbit.errors import BadRequest, NotFound
from mqadmin.rabbit.management_api import values
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.values import Json

COLUMNS = (
    "name,user_provided_name,user,vhost,peer_host,peer_port,node,protocol,state,ssl,channels,connected_at,timeout,"
    "client_properties.product,client_properties.version,client_properties.platform,"
    "client_properties.connection_name,client_properties.client_id,recv_oct_details.rate,send_oct_details.rate"
)
STATES = ("blocked", "blocking", "flow", "starting", "opening", "closing", "closed", "running")
"""From the worst: blocked publishes no more, blocking will not once it publishes, flow is slowed down."""
STREAM = "stream"  # the protocol of streams, as RabbitMQ calls it
LONGEST_REASON = 200  # bytes: RabbitMQ puts it into a text of 255 at most, behind words of its own


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection.

    `called`: what its client calls itself, of MQTT its client id, "" where it does not; `address`: where it comes
    from; `client`: the library; `in_rate`, `out_rate`: bytes per second from and to the client; `connected`: epoch
    seconds; `heartbeat`: seconds, 0 for none; `wrong`: the place of its state among STATES; `ours`: whose it is
    among mqadmin's own, a consumer's name or "mqadmin". None: the broker does not say.
    """

    name: str
    called: str
    user: str
    vhost: str
    address: str
    port: int | None
    node: str
    protocol: str
    state: str
    wrong: int
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

    @property
    def is_1_0(self) -> bool:
        """Whether it speaks AMQP 1.0: it has sessions with links, where others have channels with consumers."""
        return self.protocol.startswith("AMQP 1")

    @property
    def has_channels(self) -> bool:
        """Whether the broker knows what it does by channels. Streams have none, nor has MQTT since RabbitMQ 3.12,
        nor AMQP 1.0 since 4.0; as plugins of AMQP 0-9-1, which they were before, they have (tried on 3.10.8)."""
        return bool(self.channels) or not (self.is_1_0 or self.is_stream or self.is_mqtt)

    @property
    def is_stream(self) -> bool:
        return self.protocol == STREAM

    @property
    def is_mqtt(self) -> bool:
        return self.protocol.startswith("MQTT")

    @property
    def is_told(self) -> bool:
        """Whether its client gets to know why it is closed: MQTT 3 and streams have no words for it (tried on
        3.10.8 and 4.3.6: the socket just closes), MQTT 5 has a code."""
        return not (self.is_mqtt or self.is_stream)


@dataclass(frozen=True)
class Detail:
    """One connection with what the list has no room for.

    `tls`: by what is agreed ("protocol", "cipher", "key exchange", "hash") and of the client's certificate
    ("subject", "issuer", "valid", "serial number"); {} without TLS. `received`, `sent`: bytes since it began.
    `properties`: what the client says of itself;
    `frame_max`: bytes, None for no bound.
    """

    connection: Connection
    mechanism: str
    frame_max: int | None
    channel_max: int | None
    container: str
    received: int | None
    sent: int | None
    waiting: int | None
    here: str
    tls: Mapping[str, str]
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Link:
    """One link of AMQP 1.0. `way`: "in" from the client, "out" to it; `address`: of its target or source; `queue`:
    what it reads; `unconfirmed`: messages that the broker has not settled yet; `credit`: how many may come."""

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
    filters: tuple[str, ...]


@dataclass(frozen=True)
class Session:
    """One session of AMQP 1.0. Windows count transfers; `unsettled`: messages with the client."""

    number: int | None
    incoming_window: int | None
    remote_incoming_window: int | None
    remote_outgoing_window: int | None
    handle_max: int | None
    unsettled: int | None
    links: tuple[Link, ...]


def listed(client: ManagementClient) -> list[Connection]:
    """Return all connections that the account sees: others' only with the tag monitoring or administrator."""
    return calls.rows(client, connection, "connections", params={"columns": COLUMNS})


def one(client: ManagementClient, name: str) -> Detail:
    """Return one connection, live. Raises NotFound once it is closed."""
    return calls.settled(client, lambda: calls.one(client, _detail, "connections", name))


def sessions(client: ManagementClient, name: str) -> list[Session] | None:
    """Return the sessions of a connection of AMQP 1.0; None where the broker does not tell them (before 4.1), and
    of any other protocol, for which it says 400."""
    try:
        return calls.settled(client, lambda: calls.rows(client, _session, "connections", name, "sessions"))
    except (NotFound, BadRequest):
        return None


def close(client: ManagementClient, name: str, *, reason: str) -> None:
    """Close one connection; its client is told `reason`. Raises NotFound where it is closed already."""
    calls.settled(client, lambda: calls.change(client, "DELETE", "connections", name, headers=_why(reason)))


def close_of_user(client: ManagementClient, user: str, *, reason: str) -> None:
    """Close all connections of a user; of none it is no error."""
    calls.change(client, "DELETE", "connections", "username", user, headers=_why(reason))


def written(reason: str) -> str:
    """Return a reason as it can be sent: one line, cut to what a closing frame holds."""
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in reason).split())
    return text.encode("utf-8", "replace")[:LONGEST_REASON].decode("utf-8", "ignore")


def _why(reason: str) -> Mapping[str, str | bytes]:
    return {"X-Reason": written(reason).encode()}


def connection(item: Json) -> Connection:
    properties = values.table(item.get("client_properties"))
    names = (item.get("user_provided_name"), properties.get("connection_name"), properties.get("client_id"))
    called = next(filter(None, map(_text, names)), "")
    since, product = values.real(item.get("connected_at")), _text(properties.get("product"))
    state = values.text(item.get("state")) or ""
    return Connection(
        name=str(item["name"]),
        called=called,
        user=_text(item.get("user")),
        vhost=_text(item.get("vhost")),
        address=_text(item.get("peer_host")),
        port=values.integer(item.get("peer_port")),
        node=_text(item.get("node")),
        protocol=_protocol(item.get("protocol")),
        state=state,
        wrong=STATES.index(state) if state in STATES else len(STATES),
        tls=item.get("ssl") is True,
        channels=values.integer(item.get("channels")),
        connected=None if since is None else since / 1000,
        heartbeat=values.integer(item.get("timeout")),
        client=product,
        version=_text(properties.get("version")),
        platform=_text(properties.get("platform")),
        in_rate=values.rate(item, "recv_oct"),
        out_rate=values.rate(item, "send_oct"),
        ours=owner(product, called),
    )


def owner(product: str, called: str) -> str:
    """Return whose connection it is among mqadmin's own, by what it says of itself (`BrokerConfig` writes it):
    "mqadmin.orders@host" is the consumer "orders"'s, what else mqadmin opens is "mqadmin"; "" for others'."""
    if product != "mqadmin":
        return ""
    name = called.rpartition("@")[0]
    return name.removeprefix("mqadmin.") if name.startswith("mqadmin.") else "mqadmin"


def _protocol(value: Any) -> str:
    """Return the name of a protocol as it is known: 4.x writes MQTT 3-1-1 and AMQP 1-0, where 3.x and all the world
    have dots (tried on 3.10.8 and 4.3.6), and some the latter as a pair of numbers. AMQP 0-9-1 has dashes."""
    text = "AMQP " + "-".join(str(part) for part in value) if isinstance(value, list) else _text(value)
    return text.replace("-", ".") if text.startswith(("MQTT", "AMQP 1")) else text


def _detail(item: Json) -> Detail:
    tls = {
        "protocol": item.get("ssl_protocol"),
        "cipher": item.get("ssl_cipher"),
        "key exchange": item.get("ssl_key_exchange"),
        "hash": item.get("ssl_hash"),
        "subject": item.get("peer_cert_subject"),
        "issuer": item.get("peer_cert_issuer"),
        "valid": item.get("peer_cert_validity"),
        "serial number": item.get("peer_cert_serial_number"),
    }
    return Detail(
        connection=connection(item),
        mechanism="" if item.get("auth_mechanism") == "none" else _text(item.get("auth_mechanism")),
        frame_max=_bound(item.get("frame_max")),
        channel_max=values.integer(item.get("channel_max")),
        container=_text(item.get("container_id")),
        received=values.integer(item.get("recv_oct")),
        sent=values.integer(item.get("send_oct")),
        waiting=values.integer(item.get("send_pend")),
        here=f"{_text(item.get('host'))}:{item.get('port', '')}".strip(":"),
        tls={name: _text(value) for name, value in tls.items() if _text(value)} if item.get("ssl") else {},
        properties=values.table(item.get("client_properties")),
    )


def _session(item: Json) -> Session:
    links = [
        _link(way, values.table(entry))
        for way, found in (("in", item.get("incoming_links")), ("out", item.get("outgoing_links")))
        if isinstance(found, list)
        for entry in found
    ]
    return Session(
        number=values.integer(item.get("channel_number")),
        incoming_window=values.integer(item.get("incoming_window")),
        remote_incoming_window=values.integer(item.get("remote_incoming_window")),
        remote_outgoing_window=values.integer(item.get("remote_outgoing_window")),
        handle_max=values.integer(item.get("handle_max")),
        unsettled=values.integer(item.get("outgoing_unsettled_deliveries")),
        links=tuple(links),
    )


def _link(way: str, item: Json) -> Link:
    filters = item.get("filter")
    return Link(
        way=way,
        name=_text(item.get("link_name")),
        handle=values.integer(item.get("handle")),
        address=_text(item.get("target_address" if way == "in" else "source_address")),
        queue=_text(item.get("queue_name")),
        credit=values.integer(item.get("credit")),
        count=values.integer(item.get("delivery_count")),
        unconfirmed=values.integer(item.get("unconfirmed_messages")),
        settled=item.get("send_settled") is True or item.get("snd_settle_mode") == "settled",
        largest=values.integer(item.get("max_message_size")),
        filters=tuple(_text(values.table(entry).get("name")) for entry in filters)
        if isinstance(filters, list)
        else (),
    )


def _bound(value: Any) -> int | None:
    """Return the bytes of a bound; None for none, of which AMQP 1.0 tells as the most that fits into 32 bits."""
    found = values.integer(value)
    return None if not found or found >= 2**32 - 1 else found


def _text(value: Any) -> str:
    """Return a text, "" for none; what stands for an unknown value is none."""
    if value is None or isinstance(value, bool):
        return ""
    return (values.text(value) or "") if isinstance(value, str) else str(value)
