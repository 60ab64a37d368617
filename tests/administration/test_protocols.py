"""Connections of all that RabbitMQ speaks, plain and by TLS, on a node of its own: shown, found, and closed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

import pika
import pytest
from django.test import Client
from django.urls import reverse
from pika.exceptions import AMQPError

from mqadmin.administration.connections import cutting
from mqadmin.administration.connections.cutting import Cut
from mqadmin.core import brokers
from mqadmin.local import ports
from mqadmin.rabbit.administration import connections, streaming
from mqadmin.rabbit.administration.connections import Connection
from mqadmin.rabbit.administration.streaming import Ends, StreamPublisher
from mqadmin.rabbit.config import load
from mqadmin.rabbit.errors import NotFound
from tests.rabbit.tls import Certificates, make_certificates
from tests.support import amqp_1_0, own_nodes, protocols
from tests.support.management import Management
from tests.support.pages import html
from tests.support.protocols import Door
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
VHOST, QUEUE, STREAM = "spoken here", "work", "log"
PLUGINS = (
    "rabbitmq_mqtt",
    "rabbitmq_stomp",
    "rabbitmq_stream",
    "rabbitmq_stream_management",
    "rabbitmq_amqp1_0",
)


NAMES = tuple(
    f"{kind}{tls}" for kind in ("older", "newer", "mqtt", "stomp", "stream") for tls in ("", "+tls")
)
REASON = "closed for a cup of tea"


NEW = (4, 0)  # from there on MQTT and AMQP 1.0 are no plugins of AMQP 0-9-1 any more
Version = tuple[int, ...]


@dataclass(frozen=True)
class Spoken:
    """A connection: what it speaks, by the name that all versions are shown with; what is known of how it calls
    itself and of its library; what it is told to read. `rest`: what its client still gets till it is closed."""

    protocol: str
    called: str
    client: str
    queue: str
    rest: Callable[[], bytes]


def older(door: Door, name: str, stack: contextlib.ExitStack, version: Version) -> Spoken:
    parameters = pika.ConnectionParameters(
        "localhost",
        door.port,
        VHOST,
        pika.PlainCredentials(door.user, door.password),
        ssl_options=pika.SSLOptions(door.context(), "localhost") if door.ca_file else None,
        client_properties={"connection_name": name, "product": "Shop"},
    )
    connection = pika.BlockingConnection(parameters)
    connection.channel().basic_consume(QUEUE, lambda *_message: None)

    def rest() -> bytes:
        try:
            while True:
                connection.process_data_events(1)
        except AMQPError as error:
            return str(error).encode()

    return Spoken("AMQP 0-9-1", name, "Shop", QUEUE, rest)


def newer(door: Door, name: str, stack: contextlib.ExitStack, version: Version) -> Spoken:
    wire = stack.enter_context(door.opened())
    address = "" if version >= NEW else f"/amq/queue/{QUEUE}"
    client = amqp_1_0.Client(
        (door.user, door.password), VHOST, QUEUE, credit=1, line=wire.line, address=address
    )

    def rest() -> bytes:
        # The first error's description; of 4.x in its close: before that 4.0.5 may end the session alone.
        told = wire.until(b"\x00\x53\x18" if version >= NEW else b"\x00\x53\x1d")
        client.close()  # RabbitMQ keeps the connection for 30 s more where its client does not (tried on 4.3.6)
        return told

    return Spoken("AMQP 1.0", "", "", QUEUE, rest)


def mqtt(door: Door, name: str, stack: contextlib.ExitStack, version: Version) -> Spoken:
    wire = stack.enter_context(door.opened())
    protocols.mqtt(door, wire, name)
    if version >= NEW:  # what it reads without acks is told nowhere
        return Spoken("MQTT 3.1.1", name, "", "", wire.rest)
    return Spoken("MQTT 3.1.1", name, "MQTT client", f"mqtt-subscription-{name}qos0", wire.rest)


def stomp(door: Door, name: str, stack: contextlib.ExitStack, version: Version) -> Spoken:
    wire = stack.enter_context(door.opened())
    protocols.stomp(door, wire, QUEUE)
    return Spoken("STOMP 1.2", "", "STOMP client" if version <= (4, 0) else "", QUEUE, wire.rest)


def stream(door: Door, name: str, stack: contextlib.ExitStack, version: Version) -> Spoken:
    wire = stack.enter_context(door.opened())
    protocols.stream(door, wire, name, STREAM)
    return Spoken("stream", name, "a stream client", STREAM, wire.rest)


KINDS = {"older": older, "newer": newer, "mqtt": mqtt, "stomp": stomp, "stream": stream}
UNTOLD = ("MQTT", "stream")  # the reason of a close


@dataclass
class World:
    """A node and all that is connected to it, by its name among NAMES."""

    environ: dict[str, str]
    management: Management
    version: tuple[int, ...]
    spoken: dict[str, Spoken]
    listed: dict[str, Connection]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(own_nodes.folder(tmp_path_factory.mktemp("protocols")))
        ports_of = {name: ports.pick() for name in NAMES if not name.startswith("newer")}
        shown = _certificates(folder / "tls")
        settings = _settings(shown, ports_of)
        node = stack.enter_context(own_nodes.running(folder / "node", plugins=PLUGINS, settings=settings))
        environ = {"RABBITMQ_URL": node.amqp_url, "RABBITMQ_MANAGEMENT_URL": node.management_url}
        management = Management(load(environ)["default"])
        stack.callback(management.close)
        management.create_vhost(VHOST)
        management.declare_queue(VHOST, QUEUE)
        management.declare_queue(VHOST, STREAM, arguments={"x-queue-type": "stream"})
        version = tuple(map(int, management.overview().version.split(".")[:2]))
        ports_of |= {"older": node.amqp_port, "newer": node.amqp_port, "newer+tls": ports_of["older+tls"]}
        spoken = {}
        for name in NAMES:
            door = Door(ports_of[name], "mqadmin", node.password, VHOST)
            if name.endswith("+tls"):
                pair = shown.file("client.pem"), shown.file("client.key")
                door = replace(door, ca_file=shown.file("ca.pem"), client_files=pair)
            spoken[name] = KINDS[name.removesuffix("+tls")](door, name, stack, version)
        yield World(environ, management, version, spoken, _listed(management, spoken))


def _certificates(folder: Path) -> Certificates:
    folder.mkdir()
    return make_certificates(folder)


def _settings(shown: Certificates, ports_of: dict[str, int]) -> dict[str, str]:
    found = {"ssl_options.verify": "verify_peer", "listeners.ssl.1": f"127.0.0.1:{ports_of['older+tls']}"}
    for kind in ("mqtt", "stomp", "stream"):
        found[f"{kind}.listeners.tcp.1"] = f"127.0.0.1:{ports_of[kind]}"
        found[f"{kind}.listeners.ssl.1"] = f"127.0.0.1:{ports_of[kind + '+tls']}"
    for key, name in (("cacertfile", "ca.pem"), ("certfile", "server.pem"), ("keyfile", "server.key")):
        found[f"ssl_options.{key}"] = own_nodes.seen(shown.folder / name)
    return found


def _listed(management: Management, spoken: dict[str, Spoken]) -> dict[str, Connection]:
    """Return the connections by their names once all are listed with their state, but those that never have one."""

    def find() -> dict[str, Connection]:
        rows = {(row.protocol, row.tls): row for row in connections.listed(management) if row.vhost == VHOST}
        named = {name: rows.get((item.protocol, name.endswith("+tls"))) for name, item in spoken.items()}
        found = {name: row for name, row in named.items() if row and (row.state or name.startswith("newer"))}
        return found if len(found) == len(named) else {}

    return wait_until(find, 30, interval=0.5)


@pytest.fixture(autouse=True)
def _pointed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in world.environ.items():
        monkeypatch.setenv(name, value)
    brokers.forget()


def at(view: str, **names: str) -> str:
    return f"{reverse(view)}?{urlencode(names)}"


@pytest.mark.parametrize("name", NAMES)
def test_what_it_is_is_told(world: World, name: str, admin: Client, token: dict[str, str]) -> None:
    spoken, row = world.spoken[name], world.listed[name]
    is_tls = name.endswith("+tls")
    assert (row.protocol, row.called, row.client) == (spoken.protocol, spoken.called, spoken.client)
    assert (row.user, row.vhost, row.tls, row.address) == ("mqadmin", VHOST, is_tls, "127.0.0.1")
    sought = f'protocol:"{spoken.protocol}" tls:{"yes" if is_tls else "no"}'
    page = html(admin.get(at("connection_list", q=sought)))
    assert page.count("<tr id=") == 1
    assert spoken.protocol in page
    one = admin.get("/api/v1/connections/one", {"name": row.name}, headers=token).json()
    page = html(admin.get(at("connection_detail", name=row.name)))
    assert spoken.protocol in page
    assert (one["tls"].get("protocol", "") != "") == is_tls
    assert ("CN=client" in page) == is_tls
    assert "by none" not in page


@pytest.mark.parametrize("name", NAMES)
def test_what_it_reads_is_told(world: World, name: str, admin: Client) -> None:
    """Its consumers, by its channels, its sessions, or neither; and what ends when it is closed."""
    spoken, row = world.spoken[name], world.listed[name]
    is_known = spoken.protocol != "AMQP 1.0" or world.version != (4, 0)  # that one has no call for sessions
    wanted = [(VHOST, spoken.queue, 1)] if spoken.queue and is_known else []
    cut = wait_until(lambda: _cut(world.management, row.name, wanted), 15, interval=0.5)
    assert cut.consumers == len(wanted)
    assert (cut.unacked is None) == (world.version >= (4, 0) and (not is_known or row.is_mqtt))
    assert cut.untold == int(spoken.protocol.startswith(UNTOLD))
    page = html(admin.get(at("connection_detail", name=row.name)))
    assert ("Its channels are not listed yet" in page) is False
    if wanted and not row.has_channels:
        assert spoken.queue in page
    dialog = html(admin.get(at("connection_close", name=row.name)))
    assert ("is not told the reason" in dialog) == bool(cut.untold)
    assert not wanted or spoken.queue in dialog


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("stream")])
def test_what_it_does_with_streams_is_told(
    world: World, name: str, admin: Client, token: dict[str, str]
) -> None:
    """By the plugin `rabbitmq_stream_management`: where it stands in what it reads, and what it published."""
    row = world.listed[name]

    def told() -> Ends | None:
        found = streaming.of_connection(world.management, VHOST, row.name)
        is_counted = found and found.readers and found.publishers and found.publishers[0].confirmed
        return found if is_counted else None

    found = wait_until(told, 30, interval=0.5)
    (reader,), (publisher,) = found.readers, found.publishers
    assert (reader.stream, reader.number, reader.active) == (STREAM, 0, True)
    assert reader.behind is not None
    assert publisher == StreamPublisher(STREAM, 3, f"ref-{world.spoken[name].called}", 1, 1, 0)
    page = html(admin.get(at("connection_detail", name=row.name)))
    assert publisher.reference in page
    assert "Behind" in page
    assert "is not enabled" not in page
    one = admin.get("/api/v1/connections/one", {"name": row.name}, headers=token).json()
    assert one["streams"]["publishers"][0]["reference"] == publisher.reference


def test_streams_without_the_plugin_are_not_told(management: Management, vhost: str) -> None:
    assert streaming.of_connection(management, vhost, "127.0.0.1:1 -> 127.0.0.1:2") is None


def test_all_of_an_address_count_together(world: World) -> None:
    """What is of no channel is counted too: of one connection, and of many."""
    cut = cutting.of_all(world.management, "default", address="127.0.0.1")
    each = [cutting.of_one(world.management, item.name) for item in world.listed.values()]
    assert (cut.count, cut.consumers) == (len(NAMES), sum(one.consumers for one in each))
    assert cut.untold == 4


def test_each_is_closed_and_told_why(world: World, admin: Client) -> None:
    """The last of this module: nothing is connected after it."""
    for row in world.listed.values():
        done = admin.post(at("connection_close", name=row.name), {"reason": REASON, "expect": "1"})
        assert done.status_code == 302, html(done)
    for name, spoken in world.spoken.items():
        rest = spoken.rest()
        # The plugin of 3.10 tells it as Erlang prints a list of signs: "[99,108,...".
        is_told = REASON.encode() in rest or str(list(REASON.encode())).replace(" ", "").encode() in rest
        assert is_told is not spoken.protocol.startswith(UNTOLD), name
    wait_until(lambda: all(_is_gone(world.management, row.name) for row in world.listed.values()), 20)


def _is_gone(management: Management, name: str) -> bool:
    try:
        connections.one(management, name)
    except NotFound:
        return True
    return False


def _cut(management: Management, name: str, queues: list[tuple[str, str, int]]) -> Cut | None:
    found = cutting.of_one(management, name)
    return found if list(found.queues) == queues else None
