"""The connection of a consumer: tried, told about, and made again, on a real broker."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from pika import SelectConnection
from pika.adapters.select_connection import IOLoop
from pika.channel import Channel

from consumers.models import ConsumerProcess
from consumers.runtime.channel.consumer_connection import FIRST_DELAY, MAX_DELAY, ConsumerConnection, backoff
from consumers.runtime.process import CONFIGURATION
from consumers.runtime.spec import ConsumerSpec
from mqadmin.local.node import Node
from mqadmin.rabbit.config import BrokerConfig, load
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.consumers.runtime.child import Child
from tests.rabbit.proxy import Proxy
from tests.rabbit.tls import WRONG, Certificates, spoiled
from tests.support import amqp
from tests.support.consumers import make_consumer
from tests.support.length import IN_FULL
from tests.support.node_control import disk_alarm
from tests.support.processes import manage
from tests.support.vhosts import temporary_vhost
from tests.support.waiting import patient, wait_until

SIDES = ("foreign authority", "no client certificate")  # of TLS: who refuses, the consumer or the broker
NOWHERE = "127.0.0.1:1"


class Line:
    """A consumer's connection on a loop in a thread of its own, and all that it said."""

    def __init__(self, config: BrokerConfig, vhost: str, attempts: int = 0) -> None:
        self.states: list[str] = []
        self.events: list[tuple[str, str]] = []
        self.blocked: list[str] = []
        self.reasons: list[str] = []
        self.losses = 0
        self.connection: SelectConnection | None = None
        self._loop = IOLoop()
        spec = ConsumerSpec(
            name="linked", broker=config, vhost=vhost, queue="q", host="here", connect_attempts=attempts
        )
        self.reconnecting = ConsumerConnection(
            self._loop,
            spec,
            self,
            opened=self._opened,
            lost=self._lost,
            gave_up=self.reasons.append,
            blocked=self.blocked.append,
        )
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Line:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.add_callback_threadsafe(lambda: self.reconnecting.close(self._loop.stop))
        self._thread.join(10)
        assert not self._thread.is_alive(), "closing ends"

    def state(self, state: str, reason: str = "") -> None:
        self.states.append(f"{state} {reason}")

    def event(self, kind: str, text: str) -> None:
        self.events.append((kind, text))

    def texts(self, kind: str) -> list[str]:
        return [text for found, text in self.events if found == kind]

    def wait_connected(self, times: int = 1) -> None:
        wait_until(
            lambda: self.reconnecting.connections >= times, 20, what=f"{times} connections; {self.states}"
        )

    def publish(self) -> None:
        """Send a message to nobody: it is publishing that makes RabbitMQ tell of an alarm."""

        def send() -> None:
            assert self.connection
            self.connection.channel(on_open_callback=lambda ch: ch.basic_publish("", "nowhere", b"x"))

        self._loop.add_callback_threadsafe(send)

    def _run(self) -> None:
        self.reconnecting.connect()
        self._loop.start()
        self._loop.close()

    def _opened(self, connection: SelectConnection) -> None:
        self.connection = connection

    def _lost(self) -> None:
        self.losses += 1

    def publish_through(self, channel: Channel, size: int) -> None:
        """Send one message of so many bytes to nobody."""
        self._loop.add_callback_threadsafe(lambda: channel.basic_publish("", "nowhere", bytes(size)))

    def channel(self) -> Channel:
        """Return a channel that is open."""
        opened: list[Channel] = []
        assert self.connection
        connection = self.connection
        self._loop.add_callback_threadsafe(lambda: connection.channel(on_open_callback=opened.append))
        wait_until(lambda: opened, 10, what="a channel")
        return opened[0]


def through(config: BrokerConfig, *places: str) -> BrokerConfig:
    """The broker under other addresses, with its own login."""
    login = config.amqp_url.split("//")[1].rpartition("@")[0]
    return replace(config, amqp_url=f"amqp://{login}@{','.join(places)}/", timeout_s=3.0)


@pytest.fixture
def proxy(broker_config: BrokerConfig) -> Iterator[Proxy]:
    with Proxy(broker_config.host, broker_config.port) as opened:
        yield opened


@pytest.mark.parametrize(
    ("failures", "ceiling"),
    [(1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (8, 30.0), (1000, 30.0)],
)
def test_many_consumers_do_not_come_back_in_the_same_instant(failures: int, ceiling: float) -> None:
    waits = sorted(backoff(failures) for _ in range(1000))
    assert waits[0] >= 0.05
    assert waits[-1] <= ceiling <= MAX_DELAY
    # In no tenth of the span do more than a fifth of them come back: uniform would be a tenth.
    tenths = Counter(int(10 * wait / ceiling) for wait in waits)
    assert max(tenths.values()) <= 200
    assert set(range(1, 10)) <= set(tenths)
    assert backoff(failures, chance=lambda _low, high: high) == ceiling
    assert FIRST_DELAY == 0.5


@pytest.mark.broker
def test_consumers_spread_over_the_hosts(broker_config: BrokerConfig, vhost: str) -> None:
    config = replace(broker_config, amqp_url="amqp://h-0,h-1,h-2")
    firsts = Counter(Line(config, vhost).reconnecting.host.host for _ in range(300))
    assert set(firsts) == {"h-0", "h-1", "h-2"}
    assert min(firsts.values()) > 50


@pytest.mark.broker
def test_a_host_that_is_down_is_named_and_the_next_one_taken(
    broker_config: BrokerConfig, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumers.runtime.channel.consumer_connection.random.randrange", lambda _count: 0)
    with Line(through(broker_config, NOWHERE, broker_config.address), vhost) as line:
        line.wait_connected()
        assert f"{NOWHERE} cannot be reached: Connection refused." in line.states[0]
        assert f"Try 2 at {broker_config.address} in" in line.states[0]
        assert line.texts("connected") == [f"Connected to {broker_config.address}, vhost {vhost}."]
        assert (line.reconnecting.connections, line.reconnecting.errors, line.losses) == (1, 1, 0)
        assert line.reconnecting.connected_at is not None


@pytest.mark.broker
def test_a_host_that_fails_is_left_for_the_next_one(
    broker_config: BrokerConfig, vhost: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumers.runtime.channel.consumer_connection.random.randrange", lambda _count: 0)
    first = f"127.0.0.1:{proxy.port}"
    with Line(through(broker_config, first, broker_config.address), vhost) as line:
        line.wait_connected()
        with proxy.refusing():
            line.wait_connected(2)
        (text,) = line.texts("disconnected")
        assert text.startswith(
            f"The connection to {first} was lost after 0 s: The connection to {first} broke"
        )
        assert line.texts("connected")[1].startswith(f"Connected to {broker_config.address}")
        assert (line.reconnecting.errors, line.losses) == (1, 1)


@pytest.mark.broker
def test_a_connection_closed_by_an_operator_is_made_again(
    broker_config: BrokerConfig, vhost: str, management: ManagementClient
) -> None:
    base, auth = broker_config.management_base, broker_config.auth()
    with Line(broker_config, vhost) as line:
        line.wait_connected()
        before = line.reconnecting.connected_at

        def listed() -> list[str]:
            rows = requests.get(f"{base}/api/vhosts/{vhost}/connections", auth=auth, timeout=5).json()
            return [row["name"] for row in rows]

        (name,) = wait_until(listed, 15, what="RabbitMQ lists the connection")
        headers = {"X-Reason": "moving house"}
        requests.delete(f"{base}/api/connections/{name}", auth=auth, headers=headers, timeout=5)
        line.wait_connected(2)
        (text,) = line.texts("disconnected")
        assert broker_config.address in text
        assert "moving house" in text
        assert (line.reconnecting.connections, line.reconnecting.errors, line.losses) == (2, 1, 1)
        assert before is not None
        assert line.reconnecting.connected_at is not None
        assert line.reconnecting.connected_at > before


@pytest.mark.broker
def test_a_refused_port_is_tried_until_it_is_open(
    broker_config: BrokerConfig, vhost: str, proxy: Proxy
) -> None:
    place = f"127.0.0.1:{proxy.port}"
    with Line(through(broker_config, place), vhost) as line:
        line.wait_connected()
        with proxy.refusing():
            wait_until(lambda: line.reconnecting.errors >= 3, 20, what="a loss and two attempts")
            assert line.reconnecting.connected_at is None
        line.wait_connected(2)
    refused = [state for state in line.states if f"{place} cannot be reached: Connection refused." in state]
    assert len(refused) == line.reconnecting.errors - 1
    assert line.reasons == []


@pytest.mark.broker
@pytest.mark.parametrize(
    ("login", "vhost_name", "words"),
    [
        ("nobody:wrong", "", "{place} refused the user name or password."),
        ("", "no-such-vhost", "{place} refused access to the virtual host: vhost no-such-vhost not found."),
        ("port", "", "127.0.0.1:1 cannot be reached: Connection refused."),
        ("name", "", "no-such-host.invalid:1 cannot be reached: Name or service not known."),
    ],
)
def test_each_obstacle_has_its_words_and_so_many_attempts(
    broker_config: BrokerConfig, vhost: str, login: str, vhost_name: str, words: str
) -> None:
    places = {"port": NOWHERE, "name": "no-such-host.invalid:1"}
    config = through(broker_config, places.get(login, broker_config.address))
    if ":" in login:
        config = replace(config, amqp_url=f"amqp://{login}@{broker_config.address}/")
    with Line(config, vhost_name or vhost, attempts=2) as line:
        (reason,) = wait_until(lambda: line.reasons, 20, what=f"it gives up; {line.states}")
    text = words.format(place=broker_config.address)
    assert reason == f"No connection after 2 attempts. The last: {text}"
    assert len(line.states) == 1
    assert line.states[0].startswith(f"waiting {text} Try 2 in ")
    assert (line.reconnecting.connections, line.reconnecting.errors) == (0, 2)


@pytest.mark.broker
def test_a_connection_begins_the_count_of_attempts_anew(
    broker_config: BrokerConfig, vhost: str, proxy: Proxy
) -> None:
    with Line(through(broker_config, f"127.0.0.1:{proxy.port}"), vhost, attempts=2) as line:
        for times in (1, 2, 3):
            line.wait_connected(times)
            proxy.cut()  # a loss is not an attempt
            wait_until(lambda times=times: line.losses == times, what="the loss")  # type: ignore[misc]
        line.wait_connected(4)
        with proxy.refusing():
            (reason,) = wait_until(lambda: line.reasons, 20, what="it gives up")
    assert reason.startswith("No connection after 2 attempts.")
    assert (line.reconnecting.connections, line.reconnecting.errors) == (4, 6)


@pytest.mark.broker
def test_what_rabbitmq_does_not_read_is_told_as_flow_control(
    broker_config: BrokerConfig, vhost: str, proxy: Proxy
) -> None:
    """RabbitMQ's flow control is that it reads no more from the socket, as here the proxy does."""
    with Line(through(broker_config, f"127.0.0.1:{proxy.port}"), vhost) as line:
        line.wait_connected()
        channel = line.channel()
        assert line.reconnecting.hindrance == ""
        proxy.freeze()
        line.publish_through(channel, 50_000_000)  # far more than the sockets between hold
        wait_until(lambda: line.reconnecting.hindrance, 20, what="that it is slowed down")
        assert line.reconnecting.hindrance.startswith("flow control, ")
        proxy.thaw()
        wait_until(lambda: line.reconnecting.hindrance == "", 20, what="that it flows again")
        assert line.losses == 0


@pytest.mark.broker
@pytest.mark.processes
def test_while_blocked_it_says_so_and_for_what(restartable_broker: Node) -> None:
    node = restartable_broker
    urls = {"RABBITMQ_URL": node.amqp_url, "RABBITMQ_MANAGEMENT_URL": node.management_url}
    with Line(load(urls)["default"], "/") as line:
        line.wait_connected()
        with disk_alarm(node):
            line.publish()
            wait_until(lambda: line.reconnecting.blocked, 15, what="RabbitMQ blocks")
            assert line.reconnecting.blocked == "low on disk"
            assert line.blocked == ["low on disk"]
        wait_until(lambda: not line.reconnecting.blocked, 15, what="RabbitMQ takes publishing again")
        assert line.blocked == ["low on disk", ""]
        assert [kind for kind, _ in line.events] == ["connected", "blocked", "unblocked"]
        with disk_alarm(node):
            line.publish()
            wait_until(lambda: line.reconnecting.blocked, 15, what="RabbitMQ blocks again")
            node.kill()
            wait_until(lambda: line.losses, 15, what="the loss")
            wait_until(lambda: len(line.blocked) == 4, what="no longer blocked: no connection")
            node.start()
            node.wait()
        assert line.blocked == ["low on disk", ""] * 2
        assert line.reconnecting.blocked == ""


def tls_files(config: BrokerConfig) -> dict[str, str]:
    """The TLS files of a configuration as environment variables."""
    names = ("ca_file", "cert_file", "key_file")
    return {f"RABBITMQ_{name.upper()}": getattr(config, name) or "" for name in names}


@pytest.fixture
def tls_queue(tls_broker: BrokerConfig) -> Iterator[str]:
    """A vhost with the queue `work`."""
    with temporary_vhost(tls_broker) as vhost:
        with amqp.channel(tls_broker, vhost) as channel:
            channel.queue_declare("work", durable=True)
        yield vhost


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """A function: configuration, vhost, more -> a consumer process that has the configuration's TLS files."""
    children: list[Child] = []

    def begin(config: BrokerConfig, vhost: str, **given: Any) -> Child:
        for name, value in tls_files(config).items():
            monkeypatch.setenv(name, value)
        children.append(Child(config, tmp_path, vhost=vhost, queue="work", **given))
        return children[-1]

    yield begin
    for child in children:
        child.__exit__()


@pytest.mark.broker
@pytest.mark.processes
def test_a_consumer_works_over_tls_with_a_client_certificate(
    tls_broker: BrokerConfig,
    tls_queue: str,
    start: Callable[..., Child],
) -> None:
    amqp.publish(tls_broker, tls_queue, "work", [b"ok"] * 50 + [b"fail"])
    child = start(tls_broker, tls_queue)
    outcomes = Counter(record["outcome"] for record in child.wait_records(51))
    assert outcomes["acked"] == 50
    assert sum(outcomes.values()) == 51
    assert child.stop() == 0
    assert amqp.depth(tls_broker, tls_queue, "work") == 0
    assert amqp.depth(tls_broker, tls_queue, "mqadmin.parking") == 1
    (connected,) = [line["text"] for line in child.states() if line.get("event") == "connected"]
    assert connected == f"Connected to {tls_broker.address}, vhost {tls_queue}."


@pytest.mark.broker
@pytest.mark.processes
@pytest.mark.parametrize(
    "what",
    # What each is called is the table's of tests/rabbit/test_tls.py: here, one of each side that refuses.
    [name if name in SIDES else pytest.param(name, marks=IN_FULL) for name in WRONG],
)
def test_run_consumer_says_what_is_wrong_with_tls(
    tls_broker: BrokerConfig,
    certificates: Certificates,
    process_environ: dict[str, str],
    capfd: pytest.CaptureFixture[str],
    what: str,
) -> None:
    config = spoiled(tls_broker, certificates, what)
    environ = {**process_environ, "RABBITMQ_URL": config.amqp_url, **tls_files(config)}
    make_consumer(name="secured", vhost="/", desired="running", connect_attempts=2)
    with manage(environ, "run_consumer", "secured") as process:
        assert process.wait(patient(60)) == CONFIGURATION
    printed = capfd.readouterr().err
    tries = [line for line in printed.splitlines() if "no connection (try" in line]
    assert len(tries) == 2
    for line in tries:
        assert WRONG[what][1] in line
        assert config.address in line
    assert "Traceback" not in printed
    assert config.auth()[1] not in printed
    row = ConsumerProcess.objects.get(consumer__name="secured")
    assert WRONG[what][1] in row.exit_reason
