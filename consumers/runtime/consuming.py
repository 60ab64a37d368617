"""Consuming with a handler: deliveries in, handler threads, copies, commits, acks out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from pika import SelectConnection
from pika.adapters.select_connection import IOLoop
from pika.channel import Channel
from pika.frame import Method
from pika.spec import Basic, BasicProperties

from consumers.runtime.api import Delivery
from consumers.runtime.channel import overdue
from consumers.runtime.channel.consumer_connection import Resubscribe
from consumers.runtime.channel.settling import Settling
from consumers.runtime.channel.subscription import make
from consumers.runtime.completing import Completing
from consumers.runtime.copies.copy_sender import CopySender
from consumers.runtime.handling.dedupe import Claims
from consumers.runtime.handling.intake import Intake
from consumers.runtime.handling.poison import DeathNotes, PoisonGuard
from consumers.runtime.handling.pool import Pool
from consumers.runtime.handling.running import Handler
from consumers.runtime.handling.time_limit import Enforcer, TimeLimit
from consumers.runtime.outcome import Acked, DeadLettered, Duplicate, Finished, Handled, Released
from consumers.runtime.sink import Gauges, Reporter, Sink
from consumers.runtime.spec import ConsumerSpec
from consumers.runtime.tracing import Tracing
from mqadmin.rabbit import errors
from mqadmin.rabbit.publishing.connection import Connection

log = logging.getLogger("mqadmin.consumer")

TAKEN_BACK = "It was taken back to be delivered again, as somebody asked."


class Consuming:
    """One subscription whose messages a handler takes, over any number of channels. I/O thread but for `gauges`."""

    connection_class: type[Connection] = Connection

    def __init__(
        self,
        loop: IOLoop,
        spec: ConsumerSpec,
        handler: Handler,
        sink: Sink,
        reporter: Reporter,
        *,
        tag: str,
        fatal: Callable[[BaseException], None],
        recycle: Callable[[str], None],
        death_notes: DeathNotes | None = None,
        claims: Claims | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self._loop = loop
        self._spec = spec
        self._reporter = reporter
        self._tracing = tracing
        self._intake = Intake(
            by_priority=spec.by_priority,
            returned=lambda: loop.add_callback_threadsafe(self._returned_unbegun),
        )
        time_limit = TimeLimit(spec.timeout)
        self._enforcer = Enforcer(loop, spec, time_limit, finished=self._finished, recycle=recycle)
        self._pool = Pool(
            spec,
            handler,
            intake=self._intake,
            finished=self._finished,
            fatal=fatal,
            time_limit=time_limit,
            poison_guard=(
                PoisonGuard(death_notes, most=spec.deaths_limit)
                if death_notes and spec.deaths_limit
                else None
            ),
            claims=None if spec.auto_ack else claims,
            tracing=tracing,
        )
        self._settling = Settling(auto_ack=spec.auto_ack)
        self._completing = Completing(
            loop,
            spec,
            sink,
            self._settling,
            settled=self._settled,
            trouble=self._trouble,
            fatal=fatal,
            unbegun=lambda: self._pool.unbegun,
        )
        self._copy_sender = CopySender(
            loop,
            spec,
            reporter,
            why_lost=lambda finished: self._settling.why_lost(finished.delivery),
            handled=self._completing.put,
            tracing=tracing,
        )
        self._subscription = make(loop, spec, tag, self._on_message, lambda: self._settling.in_hand)
        self._resubscribe = Resubscribe(loop, reporter, self._again)
        self._connection: SelectConnection | None = None
        self._channel: Channel | None = None
        self._opening = False  # a channel: there must never be two
        self._recovering = False  # what comes until RabbitMQ's answer, it takes back
        self._wanted = True  # a person wants it to consume (not paused, not stopping)
        self._drained: Callable[[], None] | None = None
        self._arrived: list[Delivery] = []  # by this turn of the loop
        self._unfinished = 0  # for a thread or in one, of this channel or another
        self._channel_errors = 0
        self._store_fault = self._blocked = ""

    # --- what the process asks for ---------------------------------------------------------------------

    def start(self) -> None:
        self._pool.start()
        self._completing.start()
        self._enforcer.start()

    def connected(self, connection: SelectConnection) -> None:
        self._connection = connection
        self._opening = False
        self._copy_sender.connected(connection)
        self._open_channel()

    def disconnected(self) -> None:
        self._connection = None
        self._copy_sender.disconnected()
        self._resubscribe.cancel()
        self._channel_gone("The connection was lost.")  # its channel has said why, if there was one

    def blocked(self, reason: str) -> None:
        """RabbitMQ takes no publishing, for `reason`; "" once it does again."""
        self._blocked = reason
        self._say_running()

    def pause(self) -> None:
        """Stop taking messages; finish what handlers have begun, give the rest back."""
        self._take_no_more()
        if not self._subscription.active:
            self._say_paused()

    def resume(self) -> None:
        self._wanted = True
        self._intake.hold(False)
        self._again()

    def redeliver(self) -> None:
        """Have RabbitMQ take back all that is in hand, and deliver it again (basic.recover).

        What handlers have begun they finish and record, and its message comes a second time.
        """
        channel = self._channel
        if channel is None or not channel.is_open or self._recovering or self._spec.auto_ack:
            self._reporter.event("redeliver", "There is nothing in hand that RabbitMQ could deliver again.")
            return
        self._recovering = True
        self._reporter.event(
            "redeliver", f"RabbitMQ takes back the {self._settling.in_hand} messages in hand."
        )
        self._settling.recovered(TAKEN_BACK)  # from here on nothing of before is settled
        self._take_all_back()
        channel.basic_recover(requeue=True, callback=lambda _frame: self._on_recovered(channel))

    def drain(self, done: Callable[[], None]) -> None:
        """Take no more; call `done` once everything in hand is settled."""
        self._drained = done
        self._take_no_more()
        self._check_drained()

    def _take_no_more(self) -> None:
        self._wanted = False
        # With auto-ack what was delivered is gone from the queue: it must be handled, whatever comes.
        self._intake.hold(not self._spec.auto_ack)
        self._resubscribe.cancel()
        if self._subscription.active:
            self._subscription.end(self._on_ended)

    def finish(self, timeout: float) -> None:
        """Last act, after the connection is closed: commit what is left, end the threads."""
        self._intake.close()
        if dropped := self._completing.finish(timeout):
            self._reporter.event("records_lost", f"{dropped} records could not be written.")

    def gauges(self) -> Gauges:
        return Gauges(
            self._completing.processed,
            self._completing.failed,
            self._completing.retried,
            self._settling.in_hand,
            channel_errors=self._channel_errors,
            unacked=self._completing.unacked,
            held=self._resubscribe.held,
        )

    # --- channel -----------------------------------------------------------------------------------------

    def _open_channel(self) -> None:
        if self._connection is not None and self._connection.is_open and not self._opening:
            self._opening = True
            self._connection.channel(on_open_callback=self._on_channel_open)

    def _on_channel_open(self, channel: Channel) -> None:
        self._opening = False
        self._channel = channel
        self._settling.opened(channel)
        channel.add_on_close_callback(self._on_channel_closed)
        channel.add_on_cancel_callback(self._on_broker_cancel)
        channel.basic_qos(prefetch_count=self._spec.prefetch, callback=lambda _frame: self._consume(channel))

    def _again(self) -> None:
        """Subscribe again: on the channel where handlers may still have messages in hand, if that is open."""
        if self._channel is not None and self._channel.is_open:
            self._consume(self._channel)
        else:
            self._open_channel()

    def _consume(self, channel: Channel) -> None:
        if self._subscription.active or not channel.is_open:
            return
        if self._wanted:
            self._subscription.begin(channel, self._on_consuming)
        self._say_paused()

    def _say_paused(self) -> None:
        if not self._wanted and self._drained is None:
            self._reporter.state("paused", "")

    def _on_consuming(self) -> None:
        self._resubscribe.succeeded()
        self._say_running()

    def _say_running(self) -> None:
        if self._store_fault:
            self._reporter.state("waiting", f"The records cannot be written: {self._store_fault}")
        elif self._subscription.active and self._wanted:
            why = f"RabbitMQ blocks publishing ({self._blocked}): retries and dead letters wait."
            self._reporter.state("running", why if self._blocked else "")

    def _on_broker_cancel(self, _frame: Method[Any]) -> None:
        connection, channel = self._connection, self._channel
        self._subscription.lost()
        self._channel_errors += 1
        held = self._settling.in_hand  # those that wait for a thread too
        self._give_back()
        if connection is not None and channel is not None and held:
            told = partial(self._on_cancel_explained, channel)
            overdue.explain_cancel(connection, self._spec.queue, told)
        else:
            self._on_cancel_explained(None, was_overdue=False)

    def _on_cancel_explained(self, channel: Channel | None, *, was_overdue: bool) -> None:
        if was_overdue and channel is not None and channel is self._channel:
            fault = errors.held_too_long()
            self._channel_gone(str(fault))
            if channel.is_open:
                channel.close()  # what is not overdue comes again too: which is which, RabbitMQ does not say
            self._resubscribe.ended(fault, again=self._wanted)
        elif self._wanted and self._connection is not None and not self._subscription.active:
            self._resubscribe.later(
                f"RabbitMQ ended the subscription to {self._spec.queue}: "
                "the queue was deleted or its leader moved."
            )

    def _on_channel_closed(self, channel: Channel, error: BaseException) -> None:
        if channel is not self._channel:
            return
        fault = errors.from_pika(error)
        self._channel_gone(str(fault))
        again = self._connection is not None and self._connection.is_open and self._wanted
        self._channel_errors += again
        self._resubscribe.ended(fault, again=again)

    def _channel_gone(self, reason: str) -> None:
        """Everything unsettled on the channel is RabbitMQ's again."""
        self._channel = None
        self._recovering = False
        self._subscription.lost()
        self._settling.lost(reason)
        if not self._spec.auto_ack:  # with auto-ack what was delivered is nobody else's: it must be handled
            self._take_all_back()
        self._check_drained()

    def _on_recovered(self, channel: Channel) -> None:
        if channel is self._channel:
            self._recovering = False
            self._settling.recovered(TAKEN_BACK)
            self._subscription.room()
            self._check_drained()

    def _on_ended(self) -> None:
        self._give_back()
        self._say_paused()
        self._check_drained()
        if self._wanted and self._channel is not None:  # resumed in the meantime
            self._consume(self._channel)

    def _returned_unbegun(self) -> None:
        if not self._subscription.active:
            self._give_back()
            self._check_drained()

    def _take_all_back(self) -> list[Delivery]:
        """Return what no handler has begun."""
        self._hand_over()
        rest = self._intake.empty()
        self._unfinished -= len(rest)
        return rest

    def _give_back(self) -> None:
        if not self._spec.auto_ack:
            self._settling.give_back(self._take_all_back())

    # --- a message's way -----------------------------------------------------------------------------------

    def _on_message(
        self,
        channel: Channel,
        method: Basic.Deliver | Basic.GetOk,
        properties: BasicProperties,
        body: bytes,
    ) -> None:
        tag = method.delivery_tag or 0
        if channel is not self._channel:
            return
        if self._recovering:
            self._settling.passed(tag)
            return
        self._settling.delivered(tag)
        if not self._arrived:
            # Threads are woken once for all that came in one read of the socket, not once for each.
            self._loop.call_later(0, self._hand_over)
        self._arrived.append(
            Delivery(
                method,
                properties,
                body,
                queue=self._spec.queue,
                consumer=self._spec.name,
                generation=self._settling.generation,
            )
        )

    def _hand_over(self) -> None:
        arrived, self._arrived = self._arrived, []
        self._unfinished += len(arrived)
        self._intake.put(arrived)

    def _finished(self, finished: Finished) -> None:
        """A handler is done. Handler thread."""
        outcome = finished.outcome
        if self._tracing is not None:
            self._tracing.finished(finished)
        if isinstance(outcome, Acked):
            self._completing.put(Handled(finished.delivery, "acked", finished.started_at, finished.duration))
        elif isinstance(outcome, Duplicate):
            self._completing.put(Handled.of(finished, "duplicate", "handled before, within the window"))
        elif isinstance(outcome, Released):
            detail = "not begun: back to its queue"
            self._completing.put(Handled.of(finished, "released", detail, settle="requeue"))
        elif isinstance(outcome, DeadLettered) and self._spec.reject_on_failure and not self._spec.auto_ack:
            detail = f"rejected: RabbitMQ dead-letters it ({outcome.reason})"
            self._completing.put(Handled.of(finished, "dead_lettered", detail, settle="reject"))
        else:
            self._loop.add_callback_threadsafe(partial(self._copy_sender.send, finished))

    def _settled(self, count: int) -> None:
        self._unfinished -= count
        self._subscription.room()
        self._check_drained()

    def _trouble(self, reason: str) -> None:
        """The store fails, or works again. Committer thread."""

        def tell() -> None:
            self._store_fault = "" if self._spec.ack_first else reason
            self._say_running()

        if self._spec.ack_first and reason:
            self._reporter.event(
                "records", f"Records cannot be written, messages are acked all the same: {reason}"
            )
        self._loop.add_callback_threadsafe(tell)

    def _check_drained(self) -> None:
        done, in_hand = self._drained, max(self._settling.in_hand, self._unfinished)
        if done and not self._subscription.active and in_hand <= 0:
            self._drained = None
            done()
