"""Publishing with confirms and `mandatory`, pipelined, with a receipt for every message."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Sequence

from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import NoResponse, RabbitError, from_pika, together
from mqadmin.rabbit.publishing.publishing_thread import Batch, Outgoing, PublishingThread, Reason, Receipt

__all__ = ["Outgoing", "Publisher", "Reason", "Receipt", "close_publishers", "get_publisher"]

DEFAULT_TIMEOUT_S = 30.0
HEARTBEAT_S = 30
IDLE_S = 600.0  # a connection that nobody has published on for so long is closed
_GRACE_S = 5.0


class _Failover(PublishingThread):
    """One that tries the broker's next host when one cannot be connected to, each once a round.

    A refused login or virtual host ends the round: it is the cluster's own answer.
    """

    def __init__(
        self, config: BrokerConfig, vhost: str, *, window: int, client_name: str, heartbeat_s: int
    ) -> None:
        self._hosts = [
            (
                str(endpoint),
                config.connection_parameters(
                    vhost, endpoint=endpoint, client_name=client_name, heartbeat=heartbeat_s
                ),
            )
            for endpoint in config.endpoints
        ]
        self._turn = 0
        self._faults: list[RabbitError] = []
        where, parameters = self._hosts[0]
        super().__init__(parameters, where=where, username=config.username, window=window)

    def _connect(self) -> None:
        self._where, self._parameters = self._hosts[self._turn]
        super()._connect()

    def _on_connection_lost(self, connection: object, error: BaseException) -> None:
        if connection is not self._connection:
            return
        self._turn = (self._turn + 1) % len(self._hosts)
        if self._was_ready:
            self._faults = []
            super()._on_connection_lost(connection, error)
            return
        fault = from_pika(error, where=self._where)
        self._faults.append(fault)
        if fault.kind == "connection" and len(self._faults) < len(self._hosts):
            self._forget_connection()
            self._pump()
            if self._connection is None:  # nobody waits any more: the next message begins a round
                self._faults = []
        else:
            faults, self._faults = self._faults, []
            super()._on_connection_lost(connection, together(faults))


class Publisher:
    """One connection and one confirm channel to one vhost, shared by every thread of the process.

    Connects at the first call and again at the next call after a loss; heartbeats every `heartbeat_s` seconds
    keep the connection alive between calls. After a fork the child gets a connection of its own. `window`
    bounds the unconfirmed messages.
    """

    def __init__(
        self,
        config: BrokerConfig,
        vhost: str,
        *,
        window: int = 1000,
        client_name: str = "mqadmin publisher",
        heartbeat_s: int = HEARTBEAT_S,
    ) -> None:
        self._config = config
        self._vhost = vhost
        self._window = window
        self._client_name = client_name
        self._heartbeat_s = heartbeat_s
        self._pid = os.getpid()
        self._thread: PublishingThread | None = None
        self._callers = 0
        self._used_at = time.monotonic()

    def publish_batch(
        self, items: Sequence[Outgoing], *, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> list[Receipt]:
        """Publish `items` in order and return their receipts in the same order.

        Never raises for what happens to a message: see `Receipt`. What was not settled within `timeout_s`
        seconds is answered for as it stands. Raises ConfigurationError when the TLS files cannot be used. Any
        thread may call it; batches of several threads share the channel.
        """
        if not items:
            return []
        thread = self._enter()
        try:
            batch = Batch(items)
            thread.submit(batch)
            if not batch.done.wait(timeout_s):
                thread.abandon(batch)
                if not batch.done.wait(_GRACE_S):
                    raise NoResponse("The publisher's I/O thread does not answer.", code="publisher_stuck")
            return batch.results()
        finally:
            self._leave()

    def close(self) -> None:
        """Close the connection; a later call opens a new one."""
        with _locks.threads:
            thread, self._thread = self._thread, None
            is_own = self._pid == os.getpid()
        if thread is not None and is_own:
            thread.close()

    def close_if_idle(self, seconds: float) -> None:
        """Close the connection if nobody publishes now or has within so many seconds."""
        with _locks.threads:
            if self._callers or time.monotonic() - self._used_at < seconds or self._pid != os.getpid():
                return
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.close()

    def _enter(self) -> PublishingThread:
        with _locks.threads:
            if self._pid != os.getpid():
                self._thread, self._pid, self._callers = None, os.getpid(), 0
            if self._thread is None or not self._thread.is_alive:
                self._thread = _Failover(
                    self._config,
                    self._vhost,
                    window=self._window,
                    client_name=self._client_name,
                    heartbeat_s=self._heartbeat_s,
                )
            self._callers += 1
            return self._thread

    def _leave(self) -> None:
        with _locks.threads:
            self._callers -= 1
            self._used_at = time.monotonic()


class _Locks:
    def __init__(self) -> None:
        self.threads = threading.Lock()
        self.registry = threading.Lock()


_locks = _Locks()
_publishers: dict[tuple[BrokerConfig, str], Publisher] = {}


def get_publisher(config: BrokerConfig, vhost: str) -> Publisher:
    """Return this process's publisher for `vhost`, shared by its threads.

    Publishers of other vhosts that were not used for `IDLE_S` seconds lose their connections on the way.
    """
    with _locks.registry:
        key = (config, vhost)
        if key not in _publishers:
            _publishers[key] = Publisher(config, vhost)
        found = _publishers[key]
        others = [publisher for publisher in _publishers.values() if publisher is not found]
    for publisher in others:
        publisher.close_if_idle(IDLE_S)
    return found


def close_publishers() -> None:
    """Close every connection that `get_publisher` opened in this process."""
    with _locks.registry:
        publishers = list(_publishers.values())
        _publishers.clear()
    for publisher in publishers:
        publisher.close()


def _after_fork_in_child() -> None:
    global _locks
    # Another thread of the parent may have held a lock, and the parent's sockets are not ours to write to.
    _locks = _Locks()
    _publishers.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)
atexit.register(close_publishers)
