"""Collecting: messages are captured in windows, so that a crash can never leave one in doubt.

While a window is stored and acked nothing else is in flight: the subscription is cancelled first. So after a
crash either the whole last window comes back, marked as redelivered, or none of it does, and the sink can tell
a redelivery from a twin (docs/adr/0005-capture-windows.md).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from pika import SelectConnection
from pika.adapters.select_connection import IOLoop
from pika.channel import Channel
from pika.frame import Method
from pika.spec import Basic, BasicProperties

from consumers.runtime.channel.consumer_connection import Resubscribe
from consumers.runtime.committer import Committer
from consumers.runtime.sink import CapturedMessage, Gauges, Reporter, WindowSink
from consumers.runtime.spec import ConsumerSpec
from consumers.runtime.windows.admission import Admission, Beside
from consumers.runtime.windows.window_acks import WindowAcks
from mqadmin.rabbit import errors
from mqadmin.rabbit.message import Message
from mqadmin.rabbit.publishing.connection import Connection, RememberingConnection

log = logging.getLogger("mqadmin.consumer")

QUIET = 0.02  # seconds without a message that end a window
# After this long without a message, whatever a dead predecessor held has come back: RabbitMQ gives up a silent
# connection after two missed heartbeats (30 s each, see BrokerConfig.connection_parameters), plus a margin.
RESOLVED_AFTER = 120.0


@dataclass(slots=True)
class _Step:
    """Something for the sink to do, and what follows in the I/O thread."""

    act: Callable[[], None]
    then: Callable[[], None]
    done: bool = False


# Where a window is: being received, stored, acked (the broker's answer is awaited), marked as settled.
Phase = Literal["receiving", "storing", "acking", "settling"]


class Collecting:
    """A subscription whose messages a `WindowSink` stores. Same interface and threads as `Consuming`.

    `admission` says which of them. Messages with the same headers share one table, which nobody changes.
    """

    connection_class: type[Connection] = RememberingConnection

    def __init__(
        self,
        loop: IOLoop,
        spec: ConsumerSpec,
        sink: WindowSink,
        reporter: Reporter,
        admission: Admission,
        *,
        tag: str,
        fatal: Callable[[BaseException], None],
    ) -> None:
        self._loop = loop
        self._spec = spec
        self._sink = sink
        self._reporter = reporter
        self._admission = admission
        self._tag = self._first_tag = tag
        self._subscriptions = 0  # made while something was held
        # One step at a time, in the committer's thread: the sink's database work never blocks the heartbeat.
        self._steps: Committer[_Step] = Committer(
            self._run_steps, committed=self._steps_done, trouble=self._trouble, fatal=fatal
        )
        self._resubscribe = Resubscribe(loop, reporter, self._open_channel)
        self._connection: SelectConnection | None = None
        self._channel: Channel | None = None
        self._opening = False  # a channel: there must never be two
        self._generation = 0
        self._wanted = True
        self._is_ending = False
        self._opened = False
        self._consuming = False
        self._cancelling = False
        self._window: list[CapturedMessage] = []
        self._acks = WindowAcks(spec.prefetch)
        self._phase: Phase = "receiving"
        self._quiet: Any = None  # pika has no public type for a timer
        self._last_message = time.monotonic()
        self._resolved = False
        self._drained: Callable[[], None] | None = None
        self._processed = 0

    # --- what the process asks for ---------------------------------------------------------------------

    def start(self) -> None:
        self._steps.start()
        self._admission.start(self)
        self._do(self._sink.open, self._on_sink_open)

    def connected(self, connection: SelectConnection) -> None:
        self._connection = connection
        self._opening = False
        if self._opened:
            self._open_channel()

    def disconnected(self) -> None:
        self._connection = None
        self._resubscribe.cancel()
        self._channel_gone()

    def pause(self) -> None:
        self._wanted = False
        self._resubscribe.cancel()
        if self._consuming:
            self._end_window()
        elif self._phase == "receiving":
            self._rest()

    def resume(self) -> None:
        self._wanted = True
        if self._channel is None:
            self._open_channel()
        else:
            self._consume()

    def blocked(self, reason: str) -> None:
        """A collector publishes nothing: what RabbitMQ blocks does not concern it."""

    def redeliver(self) -> None:
        self._reporter.event(
            "redeliver", "A collector stores what it has in hand within a second: nothing to do."
        )

    def drain(self, done: Callable[[], None]) -> None:
        self._drained = done
        self._is_ending = True
        self._wanted = False
        self._resubscribe.cancel()
        if self._consuming:
            self._end_window()
        self._check_drained()

    def finish(self, timeout: float) -> None:
        self._steps.stop(timeout)

    def gauges(self) -> Gauges:
        return Gauges(self._processed, 0, 0, len(self._window), held=self._resubscribe.held)

    # --- what the admission asks for -----------------------------------------------------------------------

    def tell(self) -> None:
        if self._wanted:
            self._reporter.state("running", self._admission.words)

    def reopen(self) -> bool:
        if self._phase != "receiving" or self._window or self._cancelling:
            return False
        channel = self._channel
        if channel is not None and channel.is_open:
            self._channel_gone()
            channel.add_on_close_callback(lambda *_: self._open_channel())
            channel.close()
        return True

    # --- channel -----------------------------------------------------------------------------------------

    def _on_sink_open(self) -> None:
        self._opened = True
        self._open_channel()

    def _open_channel(self) -> None:
        connection = self._connection
        if connection is None or not connection.is_open or self._channel is not None or self._opening:
            return
        self._opening = True
        connection.channel(on_open_callback=self._on_channel_open)

    def _on_channel_open(self, channel: Channel) -> None:
        self._opening = False
        self._channel = channel
        self._generation += 1
        channel.add_on_close_callback(self._on_channel_closed)
        channel.add_on_cancel_callback(self._on_broker_cancel)
        channel.basic_qos(prefetch_count=self._spec.prefetch, callback=lambda _frame: self._consume())

    def _consume(self) -> None:
        if self._is_ending:
            self._check_drained()
            return
        if self._channel is None or self._consuming or self._cancelling or self._phase != "receiving":
            return
        if not self._wanted:
            self._rest()
            return
        self._consuming = True
        self._channel.basic_qos(prefetch_count=self._admission.prefetch)
        if self._admission.holds:
            # A consumer of another name: its prefetch is its own. RabbitMQ 3.10 ends the connection when one that
            # left messages unacked in a quorum queue comes back under its name (tried).
            self._subscriptions += 1
            self._tag = f"{self._first_tag}.{self._subscriptions}"
        self._channel.basic_consume(
            self._spec.queue,
            partial(self._on_message, self._generation),
            exclusive=self._spec.exclusive,
            consumer_tag=self._tag,
            callback=self._on_consuming,
        )

    def _rest(self) -> None:
        """Paused. Whoever pauses it wants to see to what is held: it goes back to its queue."""
        self._reporter.state("paused", "")
        if self._admission.holds:
            self.reopen()

    def _on_consuming(self, _frame: Method[Any]) -> None:
        self._resubscribe.succeeded()
        self._reporter.state("running", self._admission.words)
        if not self._resolved:
            self._loop.call_later(RESOLVED_AFTER, self._check_resolved)

    def _on_broker_cancel(self, _frame: Method[Any]) -> None:
        self._consuming = False
        if self._wanted:
            self._resubscribe.later(f"RabbitMQ ended the subscription to {self._spec.queue}.")
        if self._channel is not None and self._channel.is_open:
            self._channel.close()  # gives the unfinished window back; the next channel starts clean

    def _on_channel_closed(self, channel: Channel, error: BaseException) -> None:
        if channel is not self._channel:
            return
        self._channel_gone()
        again = self._connection is not None and self._connection.is_open and self._wanted
        self._resubscribe.ended(errors.from_pika(error), again=again)

    def _channel_gone(self) -> None:
        """What was not acked is RabbitMQ's again; the sink recognises it when it comes back."""
        self._admission.channel_gone()
        self._acks.channel_gone()
        self._channel = None
        self._generation += 1
        self._consuming = self._cancelling = False
        if self._phase == "receiving":
            self._window = []
        elif self._phase == "acking":
            self._in_doubt()
        if self._quiet is not None:
            self._loop.remove_timeout(self._quiet)
            self._quiet = None
        self._check_drained()

    # --- a window's way -----------------------------------------------------------------------------------

    def _on_message(
        self,
        generation: int,
        _channel: Channel,
        method: Basic.Deliver,
        properties: BasicProperties,
        body: bytes,
    ) -> None:
        if generation != self._generation:
            return
        self._last_message = time.monotonic()
        is_taken = self._admission.takes(len(self._window), method, properties, body)
        if is_taken:
            message = Message.from_pika(method, properties, body)
            self._window.append(CapturedMessage(message, datetime.now(UTC)))
        if self._cancelling:
            return
        if self._admission.is_full(len(self._window)):
            self._end_window()
        elif is_taken and self._quiet is None:
            self._quiet = self._loop.call_later(QUIET, self._check_quiet)

    def _check_quiet(self) -> None:
        self._quiet = None
        if self._cancelling or not self._window:
            return
        rest = QUIET - (time.monotonic() - self._last_message)
        if rest > 0:
            self._quiet = self._loop.call_later(rest, self._check_quiet)
        else:
            self._end_window()

    def _end_window(self) -> None:
        """Cancel, so that the window is all that is in flight; then store it."""
        if self._cancelling or not self._consuming or self._channel is None or not self._channel.is_open:
            return
        self._cancelling = True
        self._channel.basic_cancel(self._tag, callback=self._on_cancelled)

    def _on_cancelled(self, _frame: Method[Any]) -> None:
        self._consuming = self._cancelling = False
        window, generation, beside = self._window, self._generation, self._admission.ended()
        if not window and beside is None:
            self._loop.call_later(0, self._consume)  # pika forgets the tag after this callback
            return
        self._phase = "storing"
        self._do(partial(self._store, window, beside), partial(self._ack, generation, len(window), beside))

    def _store(self, window: Sequence[CapturedMessage], beside: Beside | None) -> None:
        """Committer thread."""
        if beside is not None:
            beside.keep()
        if window:
            self._sink.commit_window(window)

    def _ack(self, generation: int, count: int, beside: Beside | None) -> None:
        channel = self._channel
        if beside is not None and generation == self._generation:
            self._admission.kept(beside)
        surplus = self._admission.stored(count)
        if generation != self._generation or channel is None or not channel.is_open:
            self._in_doubt()
            return
        self._phase = "acking"
        also = () if beside is None else beside.tags
        self._acks.send(
            channel,
            [*(item.message.delivery_tag or 0 for item in self._window), *also],
            surplus=surplus,
            is_all=not also and not self._admission.holds,
            done=lambda _frame: self._on_acked(generation, count),
        )

    def _in_doubt(self) -> None:
        """Stored, and perhaps not acked: a new look at the store recognises the window if it comes back."""
        self._phase = "receiving"
        self._window = []
        self._opened = self._resolved = False
        self._do(self._sink.open, self._on_sink_open)

    def _on_acked(self, generation: int, count: int) -> None:
        if generation != self._generation:
            return
        self._window = []
        self._processed += count
        self._phase = "settling"
        self._do(self._sink.settled, self._on_settled)

    def _on_settled(self) -> None:
        self._phase = "receiving"
        self._check_drained()
        self._consume()

    def _check_resolved(self) -> None:
        if self._resolved or not self._consuming or self._window:
            return
        rest = RESOLVED_AFTER - (time.monotonic() - self._last_message)
        if rest > 0:
            self._loop.call_later(rest, self._check_resolved)
            return
        self._resolved = True
        self._do(self._sink.resolved, lambda: None)

    # --- steps in the committer's thread ---------------------------------------------------------------------

    def _do(self, act: Callable[[], None], then: Callable[[], None]) -> None:
        """Run `act` in the committer's thread until it succeeds, then `then` in this one."""
        self._steps.put(_Step(act, then))

    @staticmethod
    def _run_steps(steps: Sequence[_Step]) -> None:
        for step in steps:
            if not step.done:  # a group is tried again as a whole when one of its steps could not be done
                step.act()
                step.done = True

    def _steps_done(self, steps: Sequence[_Step]) -> None:
        for step in steps:
            self._loop.add_callback_threadsafe(step.then)

    def _trouble(self, reason: str) -> None:
        def tell() -> None:
            if reason:
                self._reporter.state("waiting", f"The letters cannot be stored: {reason}")
            elif self._wanted:
                self._reporter.state("running", "")

        self._loop.add_callback_threadsafe(tell)

    def _check_drained(self) -> None:
        if self._drained is None or self._consuming or self._cancelling:
            return
        if self._phase == "receiving" or self._channel is None:
            done, self._drained = self._drained, None
            done()
