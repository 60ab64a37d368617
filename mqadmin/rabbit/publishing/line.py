"""Two connections to one host in a thread of their own: one that takes messages, one that publishes, so that a
broker that takes no messages still takes acks."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Any, Self

from pika.adapters.select_connection import IOLoop
from pika.channel import Channel

from mqadmin.rabbit.config import BrokerConfig, Endpoint
from mqadmin.rabbit.errors import NoResponse, RabbitError, from_pika
from mqadmin.rabbit.publishing.connection import Connection, PassingConnection
from mqadmin.stack import with_room

_JOIN_S = 5.0


class Line(ABC):
    """A context manager; what is left unacked returns when it is left. All but that is called in its thread."""

    def __init__(self, config: BrokerConfig, vhost: str, endpoint: Endpoint, *, name: str) -> None:
        self._where = str(endpoint)
        self._parameters = config.connection_parameters(
            vhost, endpoint=endpoint, client_name=f"mqadmin {name}"
        )
        self._loop = IOLoop()
        self._connections: list[Connection] = []
        self._thread = threading.Thread(target=with_room(self._run), name=f"mqadmin-{name}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.add_callback_threadsafe(self._close)
        self._thread.join(_JOIN_S)

    @abstractmethod
    def _on_in(self, channel: Channel) -> None:
        """The channel that takes messages is open."""

    @abstractmethod
    def _on_out(self, channel: Channel) -> None:
        """The channel that publishes is open."""

    @abstractmethod
    def _blocked(self, is_blocked: bool) -> None:
        """The broker takes no messages, or takes them again."""

    @abstractmethod
    def _tell(self, *, ended: bool = False, fault: RabbitError | None = None, refusal: str = "") -> None:
        """Let who waits know how far it is."""

    def _run(self) -> None:
        for of, opened in ((Connection, self._open_out), (PassingConnection, self._open_in)):
            self._connections.append(
                of(
                    self._parameters,
                    on_open_callback=opened,
                    on_open_error_callback=self._lost,
                    on_close_callback=self._lost,
                    custom_ioloop=self._loop,
                )
            )
        try:
            self._loop.start()
        finally:
            self._tell(ended=True, fault=NoResponse("The mover's thread ended."))
            self._loop.close()

    def _open_out(self, connection: Any) -> None:
        connection.add_on_connection_blocked_callback(lambda *_: self._blocked(True))
        connection.add_on_connection_unblocked_callback(lambda *_: self._blocked(False))
        connection.channel(on_open_callback=self._on_out)

    def _open_in(self, connection: Any) -> None:
        connection.channel(on_open_callback=self._on_in)

    def _lost(self, _of: Any, error: BaseException) -> None:
        self._tell(ended=True, fault=from_pika(error, where=self._where))

    def _close(self) -> None:
        self._tell(ended=True)
        for connection in self._connections:
            if connection.is_open:
                connection.close()
        # What the broker has not answered within a second is left to its heartbeat.
        self._loop.call_later(1.0, self._loop.stop)
        self._wait_closed()

    def _wait_closed(self) -> None:
        if all(connection.is_closed for connection in self._connections):
            self._loop.stop()
        else:
            self._loop.call_later(0.01, self._wait_closed)
