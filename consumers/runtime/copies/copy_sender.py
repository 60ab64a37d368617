"""Messages that leave as copies: for another attempt, for the dead letters, or for the parking queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from pika import SelectConnection
from pika.adapters.select_connection import IOLoop

from consumers.runtime.channel.consumer_connection import backoff
from consumers.runtime.copies import copies
from consumers.runtime.copies.outbox import CopyReceipt, Outbox
from consumers.runtime.outcome import DeadLettered, Finished, Handled, Postponed, Retried
from consumers.runtime.sink import Reporter
from consumers.runtime.spec import ConsumerSpec
from consumers.runtime.tracing import Leaving, Tracing


class CopySender:
    """Publishes the copy that an outcome asks for, until RabbitMQ has confirmed one. I/O thread only.

    `handled` gets the message once its copy is confirmed, and only then: the original stays in hand until that is
    committed. `why_lost(finished)`: why the original cannot be settled any more where it came from; a copy of
    one that cannot ("" where it can) is not published, since RabbitMQ delivers it again. With auto-ack there is no
    original any more: its copy is kept until a connection takes it.
    """

    def __init__(
        self,
        loop: IOLoop,
        spec: ConsumerSpec,
        reporter: Reporter,
        *,
        why_lost: Callable[[Finished], str],
        handled: Callable[[Handled], None],
        tracing: Tracing | None = None,
    ) -> None:
        self._loop = loop
        self._spec = spec
        self._reporter = reporter
        self._why_lost = why_lost
        self._handled = handled
        self._tracing = tracing
        self._deaths_last = True
        # By id of the delivery: their copies are not confirmed yet.
        self._away: dict[int, tuple[Finished, Leaving | None]] = {}
        self._outbox = Outbox(loop, parking_queue=spec.parking_queue, keep=spec.auto_ack)

    def connected(self, connection: SelectConnection) -> None:
        version = str((connection.server_properties or {}).get("version", ""))
        self._deaths_last = not version[:1].isdecimal() or int(version.partition(".")[0]) < 4
        self._outbox.connected(connection)

    def disconnected(self) -> None:
        """The connection is gone. What was on its way is given up: its original comes back, and says so."""
        self._outbox.disconnected()
        if self._spec.auto_ack:
            return  # the copies are kept: there are no originals
        away, self._away = list(self._away.values()), {}
        for finished, leaving in away:
            if leaving is not None:
                leaving.ended("connection lost")
            detail = "the connection was lost before its copy was confirmed: RabbitMQ delivers it again"
            self._handled(Handled.of(finished, "released", detail))

    def send(self, finished: Finished, failures: int = 0, *, parked: bool = False) -> None:
        """Publish the copy that `finished.outcome` asks for: one that comes back, or a dead letter."""
        if why := self._why_lost(finished):
            detail = f"RabbitMQ delivers it again. {why}"
            self._handled(Handled.of(finished, "released", detail))
            return
        leaving = None if self._tracing is None else self._tracing.leaving(finished)
        copy, finished = self._copy(finished, parked, leaving.headers if leaving else {})
        if leaving is not None:
            is_retry = not isinstance(finished.outcome, DeadLettered)
            leaving.goes_to(copy.exchange, copy.routing_key, retry=is_retry)
        self._away[id(finished.delivery)] = finished, leaving
        self._outbox.send(copy, partial(self._on_receipt, finished, leaving, copy, failures, parked))

    def _copy(
        self, finished: Finished, parked: bool, trace: Mapping[str, str]
    ) -> tuple[copies.Copy, Finished]:
        delivery, outcome = finished.delivery, finished.outcome
        if isinstance(outcome, Retried | Postponed):
            attempt = delivery.attempt + isinstance(outcome, Retried)
            copy = copies.retry(
                delivery, outcome.delay, attempt=attempt, deaths_last=self._deaths_last, trace=trace
            )
            if copy is not None:
                return copy, finished
            outcome = DeadLettered("its headers leave no room to count another attempt")
            finished = replace(finished, outcome=outcome)
        if not isinstance(outcome, DeadLettered):
            raise TypeError(f"no copy for {outcome!r}")
        target = self._spec.dead_letter
        if parked or target is None:
            target = copies.parking(self._spec)
        copy = copies.dead_letter(self._spec, finished, outcome.reason, target, trace)
        if not copy.exchange and copy.routing_key == self._spec.queue:
            # Through the default exchange under its own key it would come back at once, for ever.
            copy = copies.dead_letter(self._spec, finished, outcome.reason, copies.parking(self._spec), trace)
        return copy, finished

    def _on_receipt(
        self,
        finished: Finished,
        leaving: Leaving | None,
        copy: copies.Copy,
        failures: int,
        parked: bool,
        receipt: CopyReceipt,
    ) -> None:
        self._away.pop(id(finished.delivery), None)
        if leaving is not None:
            leaving.ended(receipt)
        if receipt == "confirmed":
            self._handled(_confirmed(finished, copy))
        elif (
            isinstance(finished.outcome, DeadLettered) and receipt in ("unroutable", "missing") and not parked
        ):
            why = "does not exist" if receipt == "missing" else "routes it nowhere"
            self._reporter.event(
                "parked",
                f"Dead-letter exchange {copy.exchange or '(default)'} {why}: "
                f"the message goes to {self._spec.parking_queue}.",
            )
            self.send(finished, failures, parked=True)
        else:
            # Nothing took the copy: the original stays in hand and is tried again.
            wait = backoff(failures + 1)
            self._reporter.event(
                "copy_refused",
                f"RabbitMQ did not take a copy for {copy.exchange or copy.routing_key} ({receipt}): "
                f"the message stays in its queue, next try in {wait:.0f} s.",
            )
            self._loop.call_later(wait, partial(self.send, finished, failures + 1, parked=parked))


def _confirmed(finished: Finished, copy: copies.Copy) -> Handled:
    """Return what is recorded of a message whose copy is confirmed."""
    outcome, attempt = finished.outcome, finished.delivery.attempt
    if isinstance(outcome, Retried):
        return Handled.of(finished, "retried", f"comes back in {outcome.delay:g} s as attempt {attempt + 1}")
    if isinstance(outcome, Postponed):
        detail = f"the same message is in hand at this moment: comes back in {outcome.delay:g} s"
        return Handled.of(finished, "released", detail)
    return Handled.of(finished, "dead_lettered", _destination(copy, finished))


def _destination(copy: copies.Copy, finished: Finished) -> str:
    """Say why a message failed and who has its copy."""
    reason = finished.outcome.reason if isinstance(finished.outcome, DeadLettered) else ""
    place = f"{copy.exchange} with key {copy.routing_key}" if copy.exchange else copy.routing_key
    return f"{reason}: copy confirmed by {place}"
