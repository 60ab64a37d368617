"""R15: publishing reuses its connections, replaces a dead one, and leaks nothing under load."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace

import psutil
import pytest

from mqadmin.core import brokers
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.publishing import publisher as publishing
from mqadmin.rabbit.publishing.publisher import Outgoing, Publisher, close_publishers
from tests.rabbit.proxy import Proxy
from tests.support.open_connections import Connections
from tests.support.vhosts import temporary_vhost
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

NAME = "mqadmin publisher"
MESSAGE = [Outgoing("", "q", b"x")]


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    close_publishers()
    yield
    close_publishers()


@pytest.fixture
def connections(broker_config: BrokerConfig, vhost: str, management: ManagementClient) -> Connections:
    """The connections of the test's vhost, in which there is a queue `q`."""
    management.declare_queue(vhost, "q")
    return Connections(broker_config, vhost)


def publish(vhost: str) -> bool:
    """Publish one message as a view or a task does."""
    return brokers.publisher("default", vhost).publish_batch(MESSAGE)[0].ok


def publish_from_threads(vhost: str, count: int, threads: int = 8) -> None:
    with ThreadPoolExecutor(threads) as pool:
        assert all(pool.map(publish, [vhost] * count))


def io_threads() -> int:
    return [thread.name for thread in threading.enumerate()].count("mqadmin-publisher")


def test_threads_share_one_connection_to_each_vhost(
    connections: Connections, broker_config: BrokerConfig, vhost: str, management: ManagementClient
) -> None:
    with temporary_vhost(broker_config) as other:
        management.declare_queue(other, "q")
        before = io_threads()
        with ThreadPoolExecutor(16) as pool:
            assert all(pool.map(publish, [vhost, other] * 200))
        for found in (connections, Connections(broker_config, other)):
            wait_until(lambda found=found: len(found.named(NAME)) == 1, 15, what="one connection")  # type: ignore[misc]
        assert io_threads() == before + 2


def test_a_connection_that_the_broker_closed_is_replaced(connections: Connections, vhost: str) -> None:
    assert publish(vhost)
    (first,) = wait_until(lambda: connections.named(NAME), 15, what="the connection is listed")
    assert connections.close(NAME) == 1
    wait_until(lambda: not connections.named(NAME), 15, what="it is gone")
    publish_from_threads(vhost, 100)
    (second,) = wait_until(lambda: connections.named(NAME), 15, what="the new one is listed")
    assert second["name"] != first["name"]


def test_an_idle_connection_is_kept_alive(
    connections: Connections, broker_config: BrokerConfig, vhost: str
) -> None:
    with Proxy(broker_config.host, broker_config.port) as proxy:
        url = broker_config.amqp_url.replace(broker_config.address, f"127.0.0.1:{proxy.port}")
        publisher = Publisher(replace(broker_config, amqp_url=url), vhost, heartbeat_s=1)
        assert publisher.publish_batch(MESSAGE)[0].ok
        # RabbitMQ closes a connection of which it has heard nothing for two seconds. A heartbeat is 8 bytes, and
        # each side sends two a second.
        quiet = proxy.passed
        wait_until(lambda: proxy.passed >= quiet + 16 * 8, 20, what="heartbeats of four seconds")
        assert publisher.publish_batch(MESSAGE)[0].ok
        assert proxy.accepted == 1
        publisher.close()


def test_a_connection_that_nobody_uses_any_more_is_closed(
    connections: Connections,
    broker_config: BrokerConfig,
    vhost: str,
    management: ManagementClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with temporary_vhost(broker_config) as other:
        management.declare_queue(other, "q")
        assert publish(vhost)
        wait_until(lambda: connections.named(NAME), 15, what="the connection is listed")
        before = io_threads()
        assert publish(other)
        assert io_threads() == before + 1, "one that was just used stays"
        monkeypatch.setattr(publishing, "IDLE_S", 0.0)
        assert publish(other)
        wait_until(lambda: not connections.named(NAME), 15, what="the idle one is closed")
        assert io_threads() == before
        assert publish(vhost), "and opened again when it is needed"


def test_a_connection_in_use_is_not_taken_for_idle(connections: Connections, vhost: str) -> None:
    publisher = brokers.publisher("default", vhost)
    batch = [Outgoing("", "q", str(number).encode()) for number in range(20_000)]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(publisher.publish_batch, batch)
        # Between two tries the publisher's thread gets Python's lock: without a pause they would take turns.
        while wait([running], timeout=0.002).not_done:
            publisher.close_if_idle(0.0)
        assert all(receipt.ok for receipt in running.result())


def footprint(connections: Connections) -> dict[str, int]:
    """What publishing holds: connections and channels at RabbitMQ, threads and open files here."""
    gc.collect()
    rows = wait_until(lambda: connections.named(NAME), 15, what="the connection is listed")
    me = psutil.Process()
    return {
        "connections": len(rows),
        "channels": sum(row.get("channels", 0) for row in rows),
        "threads": me.num_threads(),
        "files": me.num_fds(),
    }


def test_two_thousand_publishes_hold_no_more_than_two_hundred(connections: Connections, vhost: str) -> None:
    publish_from_threads(vhost, 200)
    wait_until(lambda: footprint(connections)["channels"] == 1, 15, what="RabbitMQ counts the channel")
    few = footprint(connections)
    publish_from_threads(vhost, 2000)
    many = footprint(connections)
    assert (many["connections"], many["channels"]) == (1, 1)
    assert many["threads"] <= few["threads"]
    assert many["files"] <= few["files"]


def test_losing_the_connection_again_and_again_leaks_nothing(
    connections: Connections, broker_config: BrokerConfig, vhost: str
) -> None:
    me = psutil.Process()
    with Proxy(broker_config.host, broker_config.port) as proxy:
        url = broker_config.amqp_url.replace(broker_config.address, f"127.0.0.1:{proxy.port}")
        publisher = Publisher(replace(broker_config, amqp_url=url), vhost)

        def round_trip() -> None:
            accepted = proxy.accepted
            wait_until(lambda: publisher.publish_batch(MESSAGE)[0].ok, what="it publishes")
            assert proxy.accepted == accepted + 1
            proxy.cut()

        def held() -> tuple[int, int]:
            gc.collect()
            return me.num_threads(), me.num_fds()

        for _ in range(3):
            round_trip()
        threads, files = held()
        for _ in range(30):
            round_trip()
        wait_until(
            lambda: held()[0] <= threads and held()[1] <= files, what=f"{threads} threads, {files} files"
        )
        publisher.close()
