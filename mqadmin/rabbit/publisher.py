"""Publishing with confirms and `mandatory`, pipelined, with a verdict for every message."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Sequence

from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import NoResponse
from mqadmin.rabbit.ledger import Outgoing
from mqadmin.rabbit.link import Batch, Link, Reason, Verdict

__all__ = ["Outgoing", "Publisher", "Reason", "Verdict", "close_publishers", "get_publisher"]

DEFAULT_TIMEOUT_S = 30.0
_GRACE_S = 5.0


class Publisher:
    """One connection and one confirm channel to one vhost, shared by every thread of the process.

    Connects at the first call and again at the next call after a loss. After a fork the child gets a connection
    of its own. `window` bounds the unconfirmed messages.
    """

    def __init__(
        self, config: BrokerConfig, vhost: str, *, window: int = 1000, client_name: str = "mqadmin publisher"
    ) -> None:
        self._config = config
        self._vhost = vhost
        self._window = window
        self._client_name = client_name
        self._pid = os.getpid()
        self._link: Link | None = None

    def publish_batch(
        self, items: Sequence[Outgoing], *, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> list[Verdict]:
        """Publish `items` in order and return their verdicts in the same order.

        Never raises for what happens to a message: see `Verdict`. What was not settled within `timeout_s`
        seconds is answered for as it stands. Raises ConfigurationError when the TLS files cannot be used. Any
        thread may call it; batches of several threads share the channel.
        """
        if not items:
            return []
        link = self._open_link()
        batch = Batch(items)
        link.submit(batch)
        if not batch.done.wait(timeout_s):
            link.abandon(batch)
            if not batch.done.wait(_GRACE_S):
                raise NoResponse("The publisher's I/O thread does not answer.", code="publisher_stuck")
        return batch.results()

    def close(self) -> None:
        """Close the connection; a later call opens a new one."""
        with _locks.links:
            link, self._link = self._link, None
            is_own = self._pid == os.getpid()
        if link is not None and is_own:
            link.close()

    def _open_link(self) -> Link:
        with _locks.links:
            if self._pid != os.getpid():
                self._link, self._pid = None, os.getpid()
            if self._link is None or not self._link.is_alive:
                parameters = self._config.connection_parameters(self._vhost, client_name=self._client_name)
                self._link = Link(
                    parameters,
                    where=self._config.address,
                    username=self._config.username,
                    window=self._window,
                )
            return self._link


class _Locks:
    def __init__(self) -> None:
        self.links = threading.Lock()
        self.registry = threading.Lock()


_locks = _Locks()
_publishers: dict[tuple[BrokerConfig, str], Publisher] = {}


def get_publisher(config: BrokerConfig, vhost: str) -> Publisher:
    """Return this process's publisher for `vhost`, shared by its threads."""
    with _locks.registry:
        key = (config, vhost)
        if key not in _publishers:
            _publishers[key] = Publisher(config, vhost)
        return _publishers[key]


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
