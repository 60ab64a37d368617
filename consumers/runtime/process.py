"""One consumer process from its start to its exit code: the parts tied together in the main thread."""

from __future__ import annotations

import logging
import os
import queue
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from types import FrameType

from pika.adapters.select_connection import IOLoop

from consumers.runtime.channel.consumer_connection import ConsumerConnection
from consumers.runtime.consuming import Consuming
from consumers.runtime.handling.dedupe import Claims
from consumers.runtime.handling.logs import MessageLogHandler
from consumers.runtime.handling.poison import DeathNotes
from consumers.runtime.handling.running import Handler
from consumers.runtime.sink import Gauges, Reporter, Sink, Wish
from consumers.runtime.spec import ConsumerSpec
from consumers.runtime.tracing import Tracing
from consumers.runtime.windows.collecting import Collecting

# Exit codes. CONFIGURATION: starting again would change nothing; RECYCLED (EX_TEMPFAIL): start it again at once.
STOPPED, CONFIGURATION, RECYCLED = 0, 3, 75

LAST_WORDS_S = 1.0  # seconds that a process which is to end at once has to say so
CLOSE_S = 1.0  # seconds that RabbitMQ has to answer to the end of a connection

log = logging.getLogger("mqadmin.consumer")

Work = Callable[["Process"], "Consuming | Collecting"]


def consumer_tag(spec: ConsumerSpec) -> str:
    """Return the tag that shows in RabbitMQ's list of consumers: mqadmin.<name>.<host>.<pid>."""
    return f"mqadmin.{spec.name}.{spec.host}.{os.getpid()}"[:255]


class Process:
    """One process of one consumer. Construct and `run` in the main thread."""

    def __init__(self, spec: ConsumerSpec, reporter: Reporter, work: Work) -> None:
        self.spec = spec
        self.reporter = reporter
        self.loop = IOLoop()
        self._work = work(self)
        self._connection = ConsumerConnection(
            self.loop,
            spec,
            reporter,
            opened=self._work.connected,
            lost=self._work.disconnected,
            gave_up=self._give_up,
            blocked=self._work.blocked,
            kind=self._work.connection_class,
        )
        self._wish: Wish = "running"
        self._stopping = False
        self._fault: BaseException | None = None
        self.signalled = False  # told to end by SIGTERM or SIGINT
        self.recycled = ""  # why the process ended itself to be started anew
        self.last_words: Callable[[str], None] = lambda _why: None  # told before it ends at once, in a thread
        self.gave_up = ""  # why it ended for good: a person has to see to it

    # --- any thread ------------------------------------------------------------------------------------------

    def wish(self, wish: Wish) -> None:
        """Ask for running, paused or stopped; what is so already changes nothing."""
        self.loop.add_callback_threadsafe(lambda: self._apply(wish))

    def redeliver(self) -> None:
        """Ask for what is in hand to be delivered again."""
        self.loop.add_callback_threadsafe(self._work.redeliver)

    def recycle_soon(self, reason: str) -> None:
        """Ask for `recycle`: finish what is in hand, then end so as to be started anew."""
        self.loop.add_callback_threadsafe(lambda: self.recycle(reason))

    def gauges(self) -> Gauges:
        """Return the counters as they are now."""
        connection = self._connection
        return replace(
            self._work.gauges(),
            connections=connection.connections,
            connection_errors=connection.errors,
            connected_at=connection.connected_at,
            blocked=connection.hindrance,
        )

    def fatal(self, error: BaseException) -> None:
        """End the process as crashed: a part of it is broken in a way that it cannot mend."""

        def end() -> None:
            self._fault = error
            self.loop.stop()

        self.loop.add_callback_threadsafe(end)

    def recycle(self, reason: str) -> None:
        """Finish what is in hand, then end so as to be started anew. I/O thread only."""
        if not self._stopping:
            self.recycled = reason
            self.reporter.event("recycled", reason)
            self._stop()

    # --- main thread -----------------------------------------------------------------------------------------

    def run(self) -> int:
        """Consume until asked to stop. Returns the exit code; raises what broke the process."""
        logging.getLogger().addHandler(MessageLogHandler())
        self._listen_to_signals()
        self.reporter.state("connecting", "")
        self._work.start()
        self._connection.connect()
        self.loop.start()
        if self._fault is not None:
            raise self._fault
        self._work.finish(timeout=1.0)
        if self.gave_up:
            return CONFIGURATION
        return RECYCLED if self.recycled else STOPPED

    def _apply(self, wish: Wish) -> None:
        if self._stopping or wish == self._wish:
            return
        self._wish = wish
        if wish == "paused":
            self._work.pause()
        elif wish == "running":
            self._work.resume()
        else:
            self._stop()

    def _give_up(self, reason: str) -> None:
        self.gave_up = reason
        self.reporter.event("gave_up", reason)
        self.loop.stop()

    def _stop(self) -> None:
        self._stopping = True
        deadline = self.spec.stop_seconds
        in_hand = self._work.gauges().in_flight
        words = f"{in_hand} in hand, at most {deadline:g} s" if in_hand else ""
        self.reporter.state("draining", "; ".join(filter(None, (self.recycled, words))))
        timer = self.loop.call_later(deadline, self._overdue)

        def drained() -> None:
            self.loop.remove_timeout(timer)
            self._close()

        self._work.drain(drained)

    def _overdue(self) -> None:
        in_hand = self._work.gauges().in_flight
        self.reporter.event(
            "overdue", f"{in_hand} messages were still in hand at the deadline: RabbitMQ delivers them again."
        )
        self._close()

    def _close(self) -> None:
        """Close the connection and end; where RabbitMQ does not answer (a dead line, a disk alarm), end without."""
        self.loop.call_later(CLOSE_S, self.loop.stop)
        self._connection.close(self.loop.stop)

    def _listen_to_signals(self) -> None:
        """SIGTERM and SIGINT drain, a second one ends at once.

        A signal handler may interrupt the loop anywhere, so it only enqueues (SimpleQueue.put is reentrant);
        a thread hands the wish to the loop.
        """
        received: queue.SimpleQueue[int] = queue.SimpleQueue()

        def on_signal(number: int, _frame: FrameType | None) -> None:
            self.signalled = True
            received.put(number)

        def listen() -> None:
            received.get()
            self.wish("stopped")
            received.get()
            self.reporter.event("killed", "A second signal: ended at once.")
            last = threading.Thread(
                target=self.last_words, args=("ended at once by a second signal",), daemon=True
            )
            last.start()
            last.join(LAST_WORDS_S)
            os._exit(128 + signal.SIGTERM)

        signal.signal(signal.SIGTERM, on_signal)
        signal.signal(signal.SIGINT, on_signal)
        threading.Thread(target=listen, name="signals", daemon=True).start()


def handle(
    spec: ConsumerSpec,
    handler: Handler,
    sink: Sink,
    reporter: Reporter,
    death_notes: DeathNotes | None = None,
    claims: Claims | None = None,
    tracing: Tracing | None = None,
) -> Process:
    """Return the process that runs `handler` on every message of `spec.queue`.

    With `death_notes`, messages that kill the process are recognised when they come back; with `claims`, those that
    were handled before; with `tracing`, what becomes of each is told as spans.
    """
    return Process(
        spec,
        reporter,
        lambda process: Consuming(
            process.loop,
            spec,
            handler,
            sink,
            reporter,
            tag=consumer_tag(spec),
            fatal=process.fatal,
            recycle=process.recycle,
            death_notes=death_notes,
            claims=claims,
            tracing=tracing,
        ),
    )
