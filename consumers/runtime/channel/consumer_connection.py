"""The connection of a consumer process: opened, watched, and opened again for as long as it takes."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import Any

from pika import SelectConnection
from pika.adapters.select_connection import IOLoop

from consumers.runtime.sink import Held, Reporter
from consumers.runtime.spec import ConsumerSpec
from mqadmin.rabbit import errors
from mqadmin.rabbit.config import Endpoint
from mqadmin.rabbit.publishing.connection import Connection

FIRST_DELAY, MAX_DELAY = 0.5, 30.0
FLOW_AFTER = 1.0  # seconds that something must wait to be sent until it is called flow control
_STEADY = 10.0  # seconds a connection must have lasted to start the backoff anew

log = logging.getLogger("mqadmin.consumer")


def backoff(failures: int, *, chance: Callable[[float, float], float] = random.uniform) -> float:
    """Return the seconds to wait after `failures` in a row (from 1): full jitter below a doubling ceiling.

    Full jitter keeps a thousand consumers from coming back in the same instant when a broker restarts.
    """
    ceiling = min(MAX_DELAY, FIRST_DELAY * 2 ** min(failures - 1, 10))
    return chance(0.05, ceiling)


class ConsumerConnection:
    """One AMQP connection at a time. I/O thread only; any thread may read the gauges.

    `opened(connection)` is called for each connection made, `lost()` when it is gone: everything that was in
    hand on it is RabbitMQ's again. `gave_up(reason)` is called instead of another attempt when
    `spec.connect_attempts` in a row have failed; without it, or with 0, there is always another.
    `blocked(reason)` is called with RabbitMQ's reason when it stops taking publishes on the connection, and with
    "" when it takes them again or, after `lost`, when the connection is gone.

    Of several hosts the first is taken by chance, so that consumers spread over them, and the next one after
    each failure. The waits grow with the rounds: a host that is down does not keep a consumer from the others.

    Gauges: `connections` made since the start; `errors`, the failed attempts and the losses; `connected_at`,
    epoch seconds, None without a connection; `blocked`, RabbitMQ's reason for taking no publishes, else "";
    `hindrance`, the same, or that RabbitMQ reads more slowly than is written.
    """

    def __init__(
        self,
        loop: IOLoop,
        spec: ConsumerSpec,
        reporter: Reporter,
        *,
        opened: Callable[[SelectConnection], None],
        lost: Callable[[], None],
        gave_up: Callable[[str], None] | None = None,
        blocked: Callable[[str], None] | None = None,
        kind: type[Connection] = Connection,
    ) -> None:
        self._kind = kind
        self._loop = loop
        self._spec = spec
        self._reporter = reporter
        self._opened = opened
        self._lost = lost
        self._gave_up = gave_up
        self._tell_blocked = blocked
        self._hosts = spec.broker.endpoints
        self._turn = random.randrange(len(self._hosts))
        self._connection: Connection | None = None
        self._failures = 0  # attempts and short-lived connections in a row: how long to wait
        self._attempts = 0  # attempts in a row that made no connection: when to give up
        self._since = 0.0
        self._closing: Callable[[], None] | None = None
        self._retry: Any = None  # pika has no public type for a timer
        self.connections = 0
        self.errors = 0
        self.connected_at: float | None = None
        self.blocked = ""
        self._unsent_since: float | None = None

    @property
    def hindrance(self) -> str:
        """Why publishing on the connection does not get through, in words; "" while it does. One thread.

        RabbitMQ tells of its alarms. Its flow control it does not tell: it stops reading from the socket for
        a while, and what is written stays here. Looked at in turns: it must last FLOW_AFTER seconds.
        """
        if self.blocked:
            return self.blocked
        connection = self._connection
        unsent = connection.unsent if connection is not None else 0
        if not unsent:
            self._unsent_since = None
            return ""
        now = time.monotonic()
        if self._unsent_since is None:
            self._unsent_since = now
        if now - self._unsent_since < FLOW_AFTER:
            return ""
        return f"flow control, {unsent} bytes wait to be read"

    @property
    def host(self) -> Endpoint:
        """The host that is connected to, or whose turn it is."""
        return self._hosts[self._turn]

    def connect(self) -> None:
        """Make one attempt; what comes of it arrives through the callbacks."""
        self._retry = None
        spec = self._spec
        try:
            parameters = spec.broker.connection_parameters(
                spec.vhost,
                endpoint=self.host,
                client_name=f"mqadmin.{spec.name}",
                client_properties={"mqadmin_consumer": spec.name},
            )
        except errors.RabbitError as error:
            self._attempt_failed(error)
            return
        self._connection = self._kind(
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
        self._attempts = 0
        self.connections += 1
        self.connected_at = time.time()
        self._reporter.event("connected", f"Connected to {self.host}, vhost {self._spec.vhost}.")
        connection.add_on_connection_blocked_callback(
            lambda _connection, frame: self._on_blocked(str(frame.method.reason))
        )
        connection.add_on_connection_unblocked_callback(lambda _connection, _frame: self._on_unblocked())
        self._opened(connection)

    def _on_blocked(self, reason: str) -> None:
        self.blocked = reason or "no reason given"
        words = f"{self.host} blocks publishing on this connection: {self.blocked}"
        self._reporter.event("blocked", errors.sentence(words))
        if self._tell_blocked:
            self._tell_blocked(self.blocked)

    def _on_unblocked(self) -> None:
        self.blocked = ""
        self._reporter.event("unblocked", f"{self.host} takes publishing again.")
        if self._tell_blocked:
            self._tell_blocked("")

    def _on_open_error(self, _connection: SelectConnection, error: str | BaseException) -> None:
        self._connection = None
        if self._closing:
            self._closing()
            return
        reason = error if isinstance(error, BaseException) else errors.NoResponse(error)
        self._attempt_failed(errors.from_pika(reason, where=str(self.host)))

    def _on_close(self, _connection: SelectConnection, error: BaseException) -> None:
        self._connection = None
        self.connected_at = None
        was_blocked, self.blocked = self.blocked, ""
        self._lost()
        if was_blocked and self._tell_blocked:
            self._tell_blocked("")
        if self._closing:
            self._closing()
            return
        lasted = time.monotonic() - self._since
        if lasted >= _STEADY:
            self._failures = 0
        fault = errors.from_pika(error, where=str(self.host))
        self._reporter.event(
            "disconnected", f"The connection to {self.host} was lost after {lasted:.0f} s: {fault}"
        )
        self._again_later(fault)

    def _attempt_failed(self, fault: errors.RabbitError) -> None:
        self._attempts += 1
        allowed = self._spec.connect_attempts
        if self._gave_up is None or not allowed or self._attempts < allowed:
            self._again_later(fault)
            return
        self.errors += 1
        log.error("no connection (try %d, the last): %s", self._attempts, self._named(fault))
        self._gave_up(f"No connection after {self._attempts} attempts. The last: {self._named(fault)}")

    def _again_later(self, fault: errors.RabbitError) -> None:
        self.errors += 1
        self._failures += 1
        wait = backoff(-(-self._failures // len(self._hosts)))
        text = self._named(fault)
        log.warning("no connection (try %d): %s Next try in %.1f s.", self._failures, text, wait)
        self._turn = (self._turn + 1) % len(self._hosts)
        at = f" at {self.host}" if len(self._hosts) > 1 else ""
        self._reporter.state("waiting", f"{text} Try {self._failures + 1}{at} in {wait:.0f} s.")
        self._retry = self._loop.call_later(wait, self._again)

    def _named(self, fault: errors.RabbitError) -> str:
        """Return the fault in words that say which host it was."""
        host, text = str(self.host), str(fault)
        return text if host in text else f"{host}: {text}"

    def _again(self) -> None:
        self._retry = None
        if not self._closing:
            self.connect()


class Resubscribe:
    """Opens a consuming channel again after the broker closed it or cancelled the consumer. I/O thread only.

    `held`: how often that was for a message that was held too long.
    """

    def __init__(self, loop: IOLoop, reporter: Reporter, again: Callable[[], None]) -> None:
        self._loop = loop
        self._reporter = reporter
        self._again = again
        self._failures = 0
        self._timer: Any = None
        self.held = Held()

    def succeeded(self) -> None:
        """The subscription stands: the next fault starts from the first delay."""
        self._failures = 0

    def ended(self, fault: errors.RabbitError, *, again: bool) -> None:
        """The broker ended the subscription; with `again`, make it anew after a backoff."""
        if isinstance(fault, errors.HeldTooLong):
            self.held = Held(self.held.times + 1, fault.timeout_ms or self.held.timeout_ms, time.time())
            self._reporter.event("held_too_long", str(fault))
        elif again:
            self._reporter.event("unsubscribed", str(fault))
        if again:
            self._later(str(fault))

    def later(self, reason: str) -> None:
        """Try again after a backoff, and say why."""
        self._reporter.event("unsubscribed", reason)
        self._later(reason)

    def _later(self, reason: str) -> None:
        self.cancel()
        self._failures += 1
        wait = backoff(self._failures)
        log.warning("not subscribed: %s Next try in %.1f s.", reason, wait)
        self._reporter.state("waiting", f"{reason} Try {self._failures + 1} in {wait:.0f} s.")
        self._timer = self._loop.call_later(wait, self._fire)

    def cancel(self) -> None:
        if self._timer is not None:
            self._loop.remove_timeout(self._timer)
            self._timer = None

    def _fire(self) -> None:
        self._timer = None
        self._again()
