"""Messages that leave as copies: for another attempt, for the dead letters, or for the parking queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from pika import SelectConnection
from pika.adapters.select_connection import IOLoop

from consumers.runtime.channel.consumer_connection import backoff
from consumers.runtime.copies import copies
from consumers.runtime.copies.accounts import account, destination
from consumers.runtime.copies.outbox import CopyReceipt, Outbox
from consumers.runtime.handling.running import Finished
from consumers.runtime.outcome import DeadLettered, Handled, Postponed, Retried
from consumers.runtime.sink import Reporter
from consumers.runtime.spec import ConsumerSpec


class CopySender:
    """Publishes the copy that a decision asks for, until RabbitMQ has confirmed one. I/O thread only.

    `left` gets the account once the copy is confirmed, and only then: the original stays in hand until it is
    committed. `is_current(delivery)`: whether the original can still be settled where it came from; a copy of
    one that cannot is not published, since RabbitMQ delivers it again. With auto-ack there is no original any
    more: its copy is kept until a connection takes it.
    """

    def __init__(
        self,
        loop: IOLoop,
        spec: ConsumerSpec,
        reporter: Reporter,
        *,
        is_current: Callable[[Finished], bool],
        left: Callable[[Handled], None],
    ) -> None:
        self._loop = loop
        self._spec = spec
        self._reporter = reporter
        self._is_current = is_current
        self._left = left
        self._deaths_last = True
        self._away: dict[int, Finished] = {}  # by id of the delivery: their copies are not confirmed yet
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
        for finished in away:
            detail = "the connection was lost before its copy was confirmed: RabbitMQ delivers it again"
            self._left(account(finished, "released", detail))

    def send(self, finished: Finished, failures: int = 0, *, parked: bool = False) -> None:
        """Publish the copy that `finished.decision` asks for: one that comes back, or a dead letter."""
        if not self._is_current(finished):
            detail = "the connection was lost first: RabbitMQ delivers it again"
            self._left(account(finished, "released", detail))
            return
        copy, finished = self._copy(finished, parked)
        self._away[id(finished.delivery)] = finished
        self._outbox.send(copy, partial(self._on_verdict, finished, copy, failures, parked))

    def _copy(self, finished: Finished, parked: bool) -> tuple[copies.Copy, Finished]:
        delivery, decision = finished.delivery, finished.decision
        if isinstance(decision, Retried | Postponed):
            attempt = delivery.attempt + isinstance(decision, Retried)
            copy = copies.retry(delivery, decision.delay, attempt=attempt, deaths_last=self._deaths_last)
            if copy is not None:
                return copy, finished
            decision = DeadLettered("its headers leave no room to count another attempt")
            finished = replace(finished, decision=decision)
        if not isinstance(decision, DeadLettered):
            raise TypeError(f"no copy for {decision!r}")
        target = self._spec.dead_letter
        if parked or target is None:
            target = copies.parking(self._spec)
        copy = copies.dead_letter(self._spec, finished, decision.reason, target)
        if not copy.exchange and copy.routing_key == self._spec.queue:
            # Through the default exchange under its own key it would come back at once, for ever.
            copy = copies.dead_letter(self._spec, finished, decision.reason, copies.parking(self._spec))
        return copy, finished

    def _on_verdict(
        self, finished: Finished, copy: copies.Copy, failures: int, parked: bool, verdict: CopyReceipt
    ) -> None:
        self._away.pop(id(finished.delivery), None)
        if verdict == "confirmed":
            self._left(_account(finished, copy))
        elif (
            isinstance(finished.decision, DeadLettered)
            and verdict in ("unroutable", "missing")
            and not parked
        ):
            why = "does not exist" if verdict == "missing" else "routes it nowhere"
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
                f"RabbitMQ did not take a copy for {copy.exchange or copy.routing_key} ({verdict}): "
                f"the message stays in its queue, next try in {wait:.0f} s.",
            )
            self._loop.call_later(wait, partial(self.send, finished, failures + 1, parked=parked))


def _account(finished: Finished, copy: copies.Copy) -> Handled:
    decision, attempt = finished.decision, finished.delivery.attempt
    if isinstance(decision, Retried):
        return account(finished, "retried", f"comes back in {decision.delay:g} s as attempt {attempt + 1}")
    if isinstance(decision, Postponed):
        detail = f"the same message is in hand at this moment: comes back in {decision.delay:g} s"
        return account(finished, "released", detail)
    return account(finished, "dead_lettered", destination(copy, finished))
