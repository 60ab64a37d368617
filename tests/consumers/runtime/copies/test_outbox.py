"""Copies whose connection is lost before they are confirmed, on a real broker behind a line that breaks."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from pika import SelectConnection
from pika.adapters.select_connection import IOLoop

from consumers.runtime.copies.copies import Copy
from consumers.runtime.copies.outbox import Outbox
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.message import Properties
from tests.rabbit.proxy import Proxy
from tests.support import amqp
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker


class Line:
    """An outbox on a loop in a thread of its own, and its connection through a proxy."""

    def __init__(self, config: BrokerConfig, vhost: str, keep: bool) -> None:
        self._proxy = Proxy(config.host, config.port)
        url = config.amqp_url.replace(config.address, f"127.0.0.1:{self._proxy.port}")
        self._parameters = replace(config, amqp_url=url).connection_parameters(vhost)
        self._loop = IOLoop()
        self.outbox = Outbox(self._loop, parking_queue="parked", keep=keep)
        self.told: list[tuple[bytes, str]] = []
        self.losses = 0
        self._thread = threading.Thread(target=self._loop.start, daemon=True)

    def __enter__(self) -> Line:
        self._proxy.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.add_callback_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._proxy.__exit__()

    def connect(self) -> None:
        connected = threading.Event()

        def opened(connection: SelectConnection) -> None:
            self.outbox.connected(connection)
            connected.set()

        def lost(_connection: object, _error: object) -> None:
            self.outbox.disconnected()
            self.losses += 1

        self._loop.add_callback_threadsafe(
            lambda: SelectConnection(
                self._parameters, on_open_callback=opened, on_close_callback=lost, custom_ioloop=self._loop
            )
        )
        assert connected.wait(10)

    def send(self, body: bytes) -> None:
        """Have a copy sent; done when it is written or waits for the channel."""
        copy = Copy("", "q", body, Properties(delivery_mode=2))
        is_sent = threading.Event()

        def publish() -> None:
            self.outbox.send(copy, lambda receipt: self.told.append((body, receipt)))
            is_sent.set()

        self._loop.add_callback_threadsafe(publish)
        assert is_sent.wait(10)

    def lose(self) -> None:
        """Break the connection before anything more gets through."""
        self._proxy.cut()
        self._proxy.thaw()
        wait_until(lambda: self.losses == 1, 10, what="the loss is noticed")

    def freeze(self) -> None:
        self._proxy.freeze()


@pytest.mark.parametrize("keep", [True, False])
def test_what_was_not_confirmed_when_the_connection_was_lost_is_sent_again_where_there_is_no_original(
    broker_config: BrokerConfig, vhost: str, keep: bool
) -> None:
    with amqp.channel(broker_config, vhost) as channel:
        channel.queue_declare("q", durable=True)
    with Line(broker_config, vhost, keep) as line:
        line.connect()
        line.send(b"first")
        wait_until(lambda: line.told == [(b"first", "confirmed")], 10)
        line.freeze()
        line.send(b"second")
        line.lose()
        line.connect()
        line.send(b"third")
        again = [(b"second", "confirmed")] if keep else []
        # Confirms of two messages may come in either order; that each comes once is what is promised.
        told = sorted([*again, (b"third", "confirmed")])
        wait_until(lambda: sorted(line.told[1:]) == told, 10)
    bodies = [item.body for item in amqp.drain(broker_config, vhost, "q", expect=2 + keep)]
    assert bodies == [b"first", *([b"second"] if keep else []), b"third"]


def test_what_is_sent_while_the_channel_opens_leaves_after_what_waited_for_it(
    broker_config: BrokerConfig, vhost: str
) -> None:
    """Also in the moment in which the channel is open and does not confirm yet."""
    with amqp.channel(broker_config, vhost) as channel:
        channel.queue_declare("q", durable=True)
    bodies = [str(number).encode() for number in range(40)]
    with Line(broker_config, vhost, keep=True) as line:
        line.connect()
        for body in bodies:  # each on a turn of the loop of its own, while the answers of the broker come
            line.send(body)
        wait_until(lambda: len(line.told) == len(bodies), 10)
    assert [item.body for item in amqp.drain(broker_config, vhost, "q", expect=len(bodies))] == bodies
