"""Confirmed copies: what leaves in place of an original, on a channel that does nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from pika import SelectConnection
from pika.adapters.select_connection import IOLoop
from pika.channel import Channel
from pika.frame import Method
from pika.spec import Basic, BasicProperties

from consumers.runtime.channel.consumer_connection import backoff
from consumers.runtime.copies.copies import DELAY_PREFIX, Copy
from mqadmin.rabbit import errors
from mqadmin.rabbit.confirms import Answer, Confirms, Sent
from mqadmin.rabbit.message import Properties, TooLarge

CopyReceipt = Literal["confirmed", "unroutable", "nacked", "missing", "too large"]
Done = Callable[[CopyReceipt], None]

log = logging.getLogger("mqadmin.consumer")

LOOK_AGAIN_S = 10.0  # seconds between two looks for a dead-letter exchange that is missing


@dataclass(eq=False, slots=True)
class _Sent(Sent):
    copy: Copy
    done: Done

    @property
    def route(self) -> tuple[str, str]:
        return self.copy.exchange, self.copy.routing_key

    @property
    def properties(self) -> Properties:
        return self.copy.properties


_RECEIPTS: dict[Answer | None, CopyReceipt] = {
    "confirmed": "confirmed",
    "returned": "unroutable",
    "nacked": "nacked",
}


class Outbox:
    """Publishes copies with mandatory and confirms, and declares the queues it publishes to. I/O thread only.

    `send` calls `done` with "confirmed", "unroutable" (nothing is bound there), "nacked" (the queue refuses),
    "missing" (no such exchange) or "too large" (for a frame). When the connection is lost `done` is never called:
    the originals are RabbitMQ's again then, and nothing was settled. With `keep` there are no originals any more:
    what was not confirmed is sent on the next connection.
    """

    def __init__(self, loop: IOLoop, *, parking_queue: str, keep: bool = False) -> None:
        self._loop = loop
        self._keep = keep
        self._parking_queue = parking_queue
        self._connection: SelectConnection | None = None
        self._channel: Channel | None = None
        self._is_ready = False  # whether the channel confirms, and nothing waits before what comes now
        self._waiting: list[tuple[Copy, Done]] = []  # until the channel is open
        self._confirms: Confirms[_Sent] = Confirms()
        self._declared: set[str] = set()
        self._missing: set[str] = set()
        self._looked_for: set[str] = set()  # of those that are missing
        self._as_it_is: set[str] = set()  # RabbitMQ does not let us declare it: perhaps somebody else did
        self._failures = 0

    def connected(self, connection: SelectConnection) -> None:
        """A connection is open. The channel is opened when there is something to send."""
        self._connection = connection
        self._declared.clear()
        self._missing.clear()
        if self._waiting:
            self._open()

    def disconnected(self) -> None:
        """The connection is gone, and with it everything that was on its way, unless it is kept."""
        self._connection = self._channel = None
        self._is_ready = False
        unanswered = self._take_unanswered()
        self._waiting = unanswered + self._waiting if self._keep else []

    def send(self, copy: Copy, done: Done) -> None:
        """Publish `copy`; `done` follows, unless the connection is lost first."""
        if self._connection is None:
            if self._keep:
                self._waiting.append((copy, done))
            return
        if self._channel is None or not (self._is_ready and self._channel.is_open):
            self._waiting.append((copy, done))
            if self._channel is None:
                self._open()
            return
        if copy.exchange in self._missing:
            done("missing")
            return
        self._declare(copy)
        properties = copy.properties.to_pika()
        try:
            self._channel.basic_publish(
                copy.exchange, copy.routing_key, copy.body, properties, mandatory=True
            )
        except TooLarge:  # raised before the first frame is sent
            done("too large")
            return
        self._confirms.sent(_Sent(copy.body, copy, done))

    def _open(self) -> None:
        if self._connection is not None and self._connection.is_open:
            self._channel = self._connection.channel(on_open_callback=self._on_open)

    def _on_open(self, channel: Channel) -> None:
        channel.add_on_close_callback(self._on_close)
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(self._on_confirm, callback=self._on_select)

    def _on_select(self, _frame: Method[Any]) -> None:
        waiting, self._waiting = self._waiting, []
        self._is_ready = True
        for copy, done in waiting:
            self.send(copy, done)

    def _declare(self, copy: Copy) -> None:
        """Declare what only the runtime publishes to, ahead of the publish on the same channel.

        Without a callback pika sends `no-wait`, which keeps the order; a refusal closes the channel.
        The delay queues are quorum queues whose expiry is at-least-once, which needs `reject-publish`: else
        RabbitMQ falls back to at-most-once in silence (rabbitmq.com/docs/quorum-queues#dead-lettering).
        """
        name = _name(copy)
        if name in self._declared or name in self._as_it_is or self._channel is None:
            return
        if name.startswith(DELAY_PREFIX) and copy.exchange:
            self._declared.add(name)
            self._channel.exchange_declare(name, exchange_type="fanout", durable=True)
            self._channel.queue_declare(
                name,
                durable=True,
                arguments={
                    "x-queue-type": "quorum",
                    "x-message-ttl": int(name.removeprefix(DELAY_PREFIX)),
                    "x-dead-letter-exchange": "",
                    "x-dead-letter-strategy": "at-least-once",
                    "x-overflow": "reject-publish",
                },
            )
            self._channel.queue_bind(name, name)
        elif name == self._parking_queue and not copy.exchange:
            self._declared.add(name)
            self._channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"})

    def _on_return(
        self, _channel: Channel, method: Basic.Return, properties: BasicProperties, body: bytes
    ) -> None:
        exchange, key, why = method.exchange or "", method.routing_key or "", method.reply_text or ""
        if not self._confirms.returned(exchange, key, Properties.from_pika(properties), body, why):
            log.error("a copy came back that nobody waits for: %s %s", exchange, properties.message_id)

    def _on_confirm(self, frame: Method[Any]) -> None:
        method = frame.method
        is_ack = isinstance(method, Basic.Ack)
        for sent in self._confirms.answered(method.delivery_tag, method.multiple, is_ack=is_ack):
            self._failures = 0
            if sent.answer == "returned":  # deleted meanwhile, perhaps: the next try declares it
                self._declared.discard(_name(sent.copy))
            sent.done(_RECEIPTS[sent.answer])

    def _take_unanswered(self) -> list[tuple[Copy, Done]]:
        """Return what was published and not answered: on a channel that is gone nothing of it will be."""
        return [(sent.copy, sent.done) for sent in self._confirms.close()]

    def _on_close(self, _channel: Channel, error: BaseException) -> None:
        """Send again what the closed channel left unanswered, but not to the exchange that closed it.

        A copy that had been taken and not confirmed is then there twice: a second copy can be recognised, a
        lost one cannot.
        """
        if _channel is not self._channel:
            return  # its connection is gone: see `disconnected`
        self._channel = None
        self._is_ready = False
        self._declared.clear()
        if self._connection is None or not self._connection.is_open:
            return  # pika tells channels first: `disconnected` follows, and sees to what is unanswered
        unanswered = self._take_unanswered()
        fault = errors.from_pika(error)
        log.warning("the publishing channel was closed: %s", fault)
        named = {_name(copy) for copy, _ in unanswered if f"'{_name(copy)}'" in str(fault)}
        # A parking queue of somebody else's making parks as well; a delay queue must be of ours to bring its
        # messages back, unless all that is amiss is the permission to declare it.
        is_refused = isinstance(fault, errors.Refused)
        usable = {
            name
            for name in named
            if name == self._parking_queue or (is_refused and name.startswith(DELAY_PREFIX))
        }
        self._missing |= named - (usable - self._as_it_is)
        self._as_it_is ^= usable
        if isinstance(fault, errors.NotFound):
            for name in named:
                self._look_later(name)
        self._waiting = unanswered + self._waiting
        self._failures += 1
        self._loop.call_later(backoff(self._failures), self._reopen)

    def _reopen(self) -> None:
        missing = [(copy, done) for copy, done in self._waiting if _name(copy) in self._missing]
        self._waiting = [item for item in self._waiting if _name(item[0]) not in self._missing]
        # What is declared here is not given up for the whole connection: of two processes that declare one quorum
        # queue at the same moment RabbitMQ may refuse one. The next try declares it again.
        ours = (DELAY_PREFIX, self._parking_queue)
        self._missing = {name for name in self._missing if not name.startswith(ours)}
        for _copy, done in missing:
            done("missing")
        if self._channel is None and self._waiting:
            self._open()

    def _look_later(self, name: str) -> None:
        if name not in self._looked_for:
            self._looked_for.add(name)
            self._loop.call_later(LOOK_AGAIN_S, partial(self._look_for, name))

    def _look_for(self, name: str) -> None:
        """Look whether an exchange that was missing is there again, on a channel that may be closed over it."""
        self._looked_for.discard(name)
        if name not in self._missing or self._connection is None or not self._connection.is_open:
            return
        self._look_later(name)

        def found(channel: Channel) -> None:
            self._missing.discard(name)
            channel.close()

        self._connection.channel(
            on_open_callback=lambda channel: channel.exchange_declare(
                name, passive=True, callback=lambda _frame: found(channel)
            )
        )


def _name(copy: Copy) -> str:
    """Return what the copy is published to: an exchange, or a queue through the default exchange."""
    return copy.exchange or copy.routing_key
