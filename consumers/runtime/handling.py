"""Consuming with a handler: deliveries in, handler threads, copies, commits, acks out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pika import SelectConnection
from pika.adapters.select_connection import IOLoop
from pika.channel import Channel
from pika.frame import Method
from pika.spec import Basic, BasicProperties

from consumers.runtime import copies
from consumers.runtime.accounts import account, destination
from consumers.runtime.api import Delivery
from consumers.runtime.committer import Committer
from consumers.runtime.doubt import Doubt, Memory
from consumers.runtime.ledger import Ledger
from consumers.runtime.link import Resubscribe, backoff, channel_fault
from consumers.runtime.outbox import Outbox, Verdict
from consumers.runtime.outcome import Ack, DeadLetter, Handled, Retry
from consumers.runtime.pace import Pace
from consumers.runtime.pool import Finished, Handler, Intake, Pool, overdue
from consumers.runtime.sink import Gauges, Reporter, Sink
from consumers.runtime.spec import ConsumerSpec
from consumers.runtime.watch import Watch

log = logging.getLogger("mqadmin.consumer")


class Handling:
    """One subscription whose messages a handler takes, over as many channels as it needs.

    Public methods: I/O thread only, but for `gauges`. Deliveries carry the generation of the channel they came
    on, so that a tag is never settled on another.
    """

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
        memory: Memory | None = None,
    ) -> None:
        self._loop = loop
        self._spec = spec
        self._reporter = reporter
        self._tag = tag
        self._intake = Intake(
            by_priority=spec.by_priority,
            returned=lambda: loop.add_callback_threadsafe(self._returned_unbegun),
        )
        self._watch = Watch(spec.timeout)
        self._recycle = recycle
        self._pool = Pool(
            handler,
            concurrency=spec.concurrency,
            retry=spec.retry,
            intake=self._intake,
            finished=self._finished,
            watch=self._watch,
            pace=Pace(spec.rate_limit),
            doubt=Doubt(memory, most=spec.deaths_limit) if memory and spec.deaths_limit else None,
        )
        self._committer: Committer[Handled] = Committer(
            sink.commit, committed=self._committed, trouble=self._trouble, fatal=fatal
        )
        self._outbox = Outbox(loop, parking_queue=spec.parking_queue)
        self._resubscribe = Resubscribe(loop, reporter, self._open_channel)
        self._connection: SelectConnection | None = None
        self._channel: Channel | None = None
        self._ledger = Ledger()
        self._generation = 0
        self._wanted = True  # a person wants it to consume (not paused, not stopping)
        self._subscribed = False
        self._drained: Callable[[], None] | None = None
        self._in_hand = 0  # delivered on this channel and not settled
        self._processed = self._failed = self._retried = 0
        self._store_fault = ""

    # --- what the process asks for ---------------------------------------------------------------------

    def start(self) -> None:
        self._pool.start()
        self._committer.start()
        if self._spec.timeout:
            self._look_at_deadlines()

    def connected(self, connection: SelectConnection) -> None:
        self._connection = connection
        self._outbox.connected(connection)
        self._open_channel()

    def disconnected(self) -> None:
        self._connection = None
        self._outbox.disconnected()
        self._resubscribe.cancel()
        self._channel_gone()

    def pause(self) -> None:
        """Stop taking messages; finish what handlers have begun, give the rest back."""
        self._wanted = False
        self._hold(True)
        self._resubscribe.cancel()
        if not self._subscribed:
            self._reporter.state("paused", "")
        self._cancel(lambda: self._reporter.state("paused", ""))

    def resume(self) -> None:
        self._wanted = True
        self._hold(False)
        if self._channel is not None and self._channel.is_open:
            self._consume(self._channel)
        elif self._connection is not None and self._connection.is_open:
            self._open_channel()

    def drain(self, done: Callable[[], None]) -> None:
        """Take no more; call `done` once everything in hand is settled."""
        self._wanted = False
        self._hold(True)
        self._drained = done
        self._resubscribe.cancel()
        self._cancel(self._check_drained)
        self._check_drained()

    def finish(self, timeout: float) -> None:
        """Last act, after the connection is closed: commit what is left, end the threads."""
        self._intake.close()
        self._committer.stop(timeout)

    def gauges(self) -> Gauges:
        return Gauges(self._processed, self._failed, self._retried, self._in_hand)

    # --- channel -----------------------------------------------------------------------------------------

    def _open_channel(self) -> None:
        if self._connection is not None and self._connection.is_open:
            self._connection.channel(on_open_callback=self._on_channel_open)

    def _on_channel_open(self, channel: Channel) -> None:
        self._channel = channel
        self._generation += 1
        self._ledger = Ledger()
        self._in_hand = 0
        channel.add_on_close_callback(self._on_channel_closed)
        channel.add_on_cancel_callback(self._on_broker_cancel)
        channel.basic_qos(prefetch_count=self._spec.prefetch, callback=lambda _frame: self._consume(channel))

    def _consume(self, channel: Channel) -> None:
        if not self._wanted or self._subscribed or not channel.is_open:
            return
        arguments = {"x-priority": self._spec.consumer_priority} if self._spec.consumer_priority else None
        self._subscribed = True
        channel.basic_consume(
            self._spec.queue,
            partial(self._on_message, self._generation),
            auto_ack=self._spec.auto_ack,
            exclusive=self._spec.exclusive,
            consumer_tag=self._tag,
            arguments=arguments,
            callback=self._on_consuming,
        )

    def _on_consuming(self, _frame: Method[Any]) -> None:
        self._resubscribe.succeeded()
        self._say_running()

    def _say_running(self) -> None:
        if self._store_fault:
            self._reporter.state("waiting", f"The records cannot be written: {self._store_fault}")
        elif self._subscribed and self._wanted:
            self._reporter.state("running", "")

    def _on_broker_cancel(self, _frame: Method[Any]) -> None:
        self._subscribed = False
        self._give_back()
        if self._wanted:
            self._resubscribe.later(
                f"RabbitMQ ended the subscription to {self._spec.queue}: "
                "the queue was deleted or its leader moved."
            )

    def _on_channel_closed(self, channel: Channel, error: BaseException) -> None:
        if channel is not self._channel:
            return
        self._channel_gone()
        if self._connection is not None and self._connection.is_open and self._wanted:
            self._resubscribe.later(channel_fault(error))
        self._check_drained()

    def _channel_gone(self) -> None:
        """Everything unsettled on the channel is RabbitMQ's again."""
        self._channel = None
        self._subscribed = False
        self._generation += 1
        self._in_hand = 0
        self._intake.empty()
        self._check_drained()

    def _cancel(self, done: Callable[[], None]) -> None:
        if not self._subscribed or self._channel is None or not self._channel.is_open:
            return

        def cancelled(_frame: Method[Any]) -> None:
            self._subscribed = False
            self._give_back()
            done()
            if self._wanted and self._channel is not None:  # resumed in the meantime
                self._consume(self._channel)

        self._channel.basic_cancel(self._tag, callback=cancelled)

    def _hold(self, held: bool) -> None:
        # With auto-ack what was delivered is gone from the queue: it must be handled, whatever comes.
        self._intake.hold(held and not self._spec.auto_ack)

    def _returned_unbegun(self) -> None:
        if not self._subscribed:
            self._give_back()
            self._check_drained()

    def _give_back(self) -> None:
        """Return what no handler has begun: by nack, which does not count towards a delivery limit."""
        if self._spec.auto_ack:
            return  # these are gone from the queue already: they must be handled
        tags = [delivery.tag for delivery in self._intake.empty() if delivery.generation == self._generation]
        if self._channel is None or not self._channel.is_open or not tags:
            return
        for tag in tags:
            self._channel.basic_nack(tag, requeue=True)
        self._ledger.settle((), otherwise=tags)
        self._in_hand -= len(tags)

    # --- a message's way -----------------------------------------------------------------------------------

    def _on_message(
        self,
        generation: int,
        _channel: Channel,
        method: Basic.Deliver,
        properties: BasicProperties,
        body: bytes,
    ) -> None:
        self._ledger.delivered(method.delivery_tag or 0)
        self._in_hand += 1
        self._intake.put(
            Delivery(
                method,
                properties,
                body,
                queue=self._spec.queue,
                consumer=self._spec.name,
                generation=generation,
            )
        )

    def _finished(self, finished: Finished) -> None:
        """A handler is done. Handler thread."""
        decision = finished.decision
        if isinstance(decision, Ack):
            self._committer.put(Handled(finished.delivery, "acked", finished.started_at, finished.duration))
        elif isinstance(decision, DeadLetter) and self._spec.reject_on_failure and not self._spec.auto_ack:
            detail = f"rejected: RabbitMQ dead-letters it ({decision.reason})"
            self._committer.put(account(finished, "dead_lettered", detail, settle="reject"))
        else:
            self._loop.add_callback_threadsafe(partial(self._send_copy, finished, 0))

    def _look_at_deadlines(self) -> None:
        """Settle what is overdue by policy, and end the process when a thread cannot be had back."""
        for late in self._watch.overdue():
            self._finished(overdue(late, self._spec.timeout, self._spec.retry))
        stuck = self._watch.stuck()
        if stuck:
            self._recycle(
                f"{stuck} of {self._spec.concurrency} handler threads hang in code that cannot be interrupted: "
                "the process ends and is started anew."
            )
        else:
            self._loop.call_later(min(0.25, self._spec.timeout / 4), self._look_at_deadlines)

    def _send_copy(self, finished: Finished, failures: int, *, parked: bool = False) -> None:
        """Publish the copy that the decision asks for. The original is settled only once it is confirmed."""
        delivery, decision = finished.delivery, finished.decision
        if delivery.generation != self._generation and not self._spec.auto_ack:
            self._committer.put(
                account(finished, "released", "the connection was lost first: RabbitMQ delivers it again")
            )
            return
        copy = copies.retry(delivery, decision.delay) if isinstance(decision, Retry) else None
        if copy is None:
            if isinstance(decision, Retry):
                decision = DeadLetter("its headers leave no room to count another attempt")
                finished = replace(finished, decision=decision)
            copy = self._dead_letter(finished, parked=parked)
        self._outbox.send(copy, partial(self._on_verdict, finished, copy, failures, parked))

    def _dead_letter(self, finished: Finished, *, parked: bool) -> copies.Copy:
        if not isinstance(finished.decision, DeadLetter):
            raise TypeError(f"no copy for {finished.decision!r}")
        target = self._spec.dead_letter
        if parked or target is None:
            target = copies.parking(self._spec)
        return copies.dead_letter(self._spec, finished, finished.decision.reason, target)

    def _on_verdict(
        self, finished: Finished, copy: copies.Copy, failures: int, parked: bool, verdict: Verdict
    ) -> None:
        decision = finished.decision
        if verdict == "confirmed":
            if isinstance(decision, Retry):
                detail = f"comes back in {decision.delay:g} s as attempt {finished.delivery.attempt + 1}"
                self._committer.put(account(finished, "retried", detail))
            else:
                self._committer.put(account(finished, "dead_lettered", destination(copy, finished)))
        elif isinstance(decision, DeadLetter) and verdict in ("unroutable", "missing") and not parked:
            why = "does not exist" if verdict == "missing" else "routes it nowhere"
            self._reporter.event(
                "parked",
                f"Dead-letter exchange {copy.exchange or '(default)'} {why}: "
                f"the message goes to {self._spec.parking_queue}.",
            )
            self._send_copy(finished, failures, parked=True)
        else:
            # Nothing took the copy: the original stays in hand and is tried again.
            wait = backoff(failures + 1)
            self._reporter.event(
                "copy_refused",
                f"RabbitMQ did not take a copy for {copy.exchange or copy.routing_key} ({verdict}): "
                f"the message stays in its queue, next try in {wait:.0f} s.",
            )
            self._loop.call_later(wait, partial(self._send_copy, finished, failures + 1, parked=parked))

    def _committed(self, group: Sequence[Handled]) -> None:
        """A group's accounts are durable. Committer thread."""
        for handled in group:
            if handled.delivery.committed is not None:
                handled.delivery.committed.set()
        self._loop.add_callback_threadsafe(partial(self._settle, group))

    def _settle(self, group: Sequence[Handled]) -> None:
        self._count(group)
        if self._spec.auto_ack:
            self._in_hand = max(0, self._in_hand - len(group))
        else:
            self._settle_on_channel([h for h in group if h.delivery.generation == self._generation])
        self._check_drained()

    def _settle_on_channel(self, mine: Sequence[Handled]) -> None:
        channel = self._channel
        if channel is None or not channel.is_open or not mine:
            return
        rejected = [h.delivery.tag for h in mine if h.settle == "reject"]
        for tag in rejected:
            channel.basic_reject(tag, requeue=False)
        frames = self._ledger.settle((h.delivery.tag for h in mine if h.settle == "ack"), otherwise=rejected)
        if frames.up_to:
            channel.basic_ack(frames.up_to, multiple=True)
        for tag in frames.single:
            channel.basic_ack(tag)
        self._in_hand -= len(mine)

    def _count(self, group: Sequence[Handled]) -> None:
        for handled in group:
            if handled.outcome == "released":
                continue
            self._processed += 1
            self._failed += handled.failed
            self._retried += handled.outcome == "retried"

    def _trouble(self, reason: str) -> None:
        """The store fails, or works again. Committer thread."""

        def tell() -> None:
            self._store_fault = reason
            self._say_running()

        self._loop.add_callback_threadsafe(tell)

    def _check_drained(self) -> None:
        if self._drained is None or self._subscribed:
            return
        if self._in_hand <= 0 or self._channel is None:
            done, self._drained = self._drained, None
            done()
