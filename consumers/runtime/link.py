"""The connection of a consumer process: opened, watched, and opened again for as long as it takes."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import Any

from pika import SelectConnection
from pika.adapters.select_connection import IOLoop

from consumers.runtime.sink import Reporter
from consumers.runtime.spec import ConsumerSpec
from mqadmin.rabbit import errors

FIRST_DELAY, MAX_DELAY = 0.5, 30.0
_STEADY = 10.0  # seconds a connection must have lasted to start the backoff anew

log = logging.getLogger("mqadmin.consumer")


def backoff(failures: int, *, chance: Callable[[float, float], float] = random.uniform) -> float:
    """Return the seconds to wait after `failures` in a row (from 1): full jitter below a doubling ceiling.

    Full jitter keeps a thousand consumers from coming back in the same instant when a broker restarts.
    """
    ceiling = min(MAX_DELAY, FIRST_DELAY * 2 ** min(failures - 1, 10))
    return chance(0.05, ceiling)


class Link:
    """One AMQP connection at a time. I/O thread only.

    `opened(connection)` is called for each connection made, `lost()` when it is gone: everything that was in
    hand on it is RabbitMQ's again.
    """

    def __init__(
        self,
        loop: IOLoop,
        spec: ConsumerSpec,
        reporter: Reporter,
        *,
        opened: Callable[[SelectConnection], None],
        lost: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._spec = spec
        self._reporter = reporter
        self._opened = opened
        self._lost = lost
        self._connection: SelectConnection | None = None
        self._failures = 0
        self._since = 0.0
        self._closing: Callable[[], None] | None = None
        self._retry: Any = None  # pika has no public type for a timer

    def connect(self) -> None:
        """Make one attempt; what comes of it arrives through the callbacks."""
        self._retry = None
        spec = self._spec
        try:
            parameters = spec.broker.connection_parameters(
                spec.vhost,
                client_name=f"mqadmin.{spec.name}",
                client_properties={"mqadmin_consumer": spec.name},
            )
        except errors.RabbitError as error:
            self._failed(error)
            return
        self._connection = SelectConnection(
            parameters,
            on_open_callback=self._on_open,
            on_open_error_callback=self._on_open_error,
            on_close_callback=self._on_close,
            custom_ioloop=self._loop,
        )

    def close(self, done: Callable[[], None]) -> None:
        """Close for good, then call `done`."""
        self._closing = done
        if self._retry is not None:
            self._loop.remove_timeout(self._retry)
        if self._connection is None or self._connection.is_closed:
            done()
        elif self._connection.is_open:
            self._connection.close()
        # While it is being opened or closed a callback follows, which sees `_closing`.

    def _on_open(self, connection: SelectConnection) -> None:
        if self._closing:
            connection.close()
            return
        self._since = time.monotonic()
        self._reporter.event(
            "connected", f"Connected to {self._spec.broker.address}, vhost {self._spec.vhost}."
        )
        connection.add_on_connection_blocked_callback(
            lambda _connection, frame: self._blocked(str(frame.method.reason))
        )
        connection.add_on_connection_unblocked_callback(lambda _connection, _frame: self._unblocked())
        self._opened(connection)

    def _blocked(self, reason: str) -> None:
        self._reporter.event("blocked", f"RabbitMQ blocks publishing on this connection: {reason}.")

    def _unblocked(self) -> None:
        self._reporter.event("unblocked", "RabbitMQ takes publishing again.")

    def _on_open_error(self, _connection: SelectConnection, error: str | BaseException) -> None:
        self._connection = None
        if self._closing:
            self._closing()
            return
        reason = error if isinstance(error, BaseException) else errors.NoResponse(error)
        self._failed(errors.from_pika(reason, where=self._spec.broker.address))

    def _on_close(self, _connection: SelectConnection, error: BaseException) -> None:
        self._connection = None
        self._lost()
        if self._closing:
            self._closing()
            return
        lasted = time.monotonic() - self._since
        if lasted >= _STEADY:
            self._failures = 0
        fault = errors.from_pika(error, where=self._spec.broker.address)
        self._reporter.event("disconnected", f"The connection was lost after {lasted:.0f} s: {fault}")
        self._failed(fault)

    def _failed(self, fault: errors.RabbitError) -> None:
        self._failures += 1
        wait = backoff(self._failures)
        log.warning("no connection (try %d): %s Next try in %.1f s.", self._failures, fault, wait)
        self._reporter.state("waiting", f"{fault} Try {self._failures + 1} in {wait:.0f} s.")
        self._retry = self._loop.call_later(wait, self._again)

    def _again(self) -> None:
        self._retry = None
        if not self._closing:
            self.connect()


class Resubscribe:
    """Opens a consuming channel again after the broker closed it or cancelled the consumer. I/O thread only."""

    def __init__(self, loop: IOLoop, reporter: Reporter, again: Callable[[], None]) -> None:
        self._loop = loop
        self._reporter = reporter
        self._again = again
        self._failures = 0
        self._timer: Any = None

    def succeeded(self) -> None:
        """The subscription stands: the next fault starts from the first delay."""
        self._failures = 0

    def later(self, reason: str) -> None:
        """Try again after a backoff, and say why."""
        self.cancel()
        self._failures += 1
        wait = backoff(self._failures)
        log.warning("not subscribed: %s Next try in %.1f s.", reason, wait)
        self._reporter.event("unsubscribed", reason)
        self._reporter.state("waiting", f"{reason} Try {self._failures + 1} in {wait:.0f} s.")
        self._timer = self._loop.call_later(wait, self._fire)

    def cancel(self) -> None:
        if self._timer is not None:
            self._loop.remove_timeout(self._timer)
            self._timer = None

    def _fire(self) -> None:
        self._timer = None
        self._again()


def channel_fault(error: BaseException) -> str:
    """Return why a channel was closed, in words."""
    return str(errors.from_pika(error))
