"""Messages from one queue to another as fast as they come: consumed, published at once, acked when confirmed.

A thread of its own with two connections, so that a broker that takes no messages still takes acks. What has been
taken and not confirmed is in `prefetch` bounds; it returns to its queue when the connection closes, one return
nearer to a delivery limit, and what was written of it may arrive all the same. So nothing is taken that the broker
does not take: the first message goes alone, and while the broker says that it is blocked (by a memory or disk
alarm; it says so only after a first publish) what was taken is kept in hand, unwritten.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from pika import exceptions as pika_errors
from pika.adapters.select_connection import IOLoop
from pika.channel import Channel
from pika.frame import Method
from pika.spec import Basic, BasicProperties

from mqadmin.rabbit.config import BrokerConfig, Endpoint
from mqadmin.rabbit.confirms import Confirms, Sent
from mqadmin.rabbit.errors import NoResponse, RabbitError, from_pika, sentence
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.publishing.connection import Connection, PassingConnection, Unread

QUIET_S = 0.2  # without a message: then the broker is asked whether the queue is empty
_JOIN_S = 5.0

Adapt = Callable[[BasicProperties], BasicProperties]


@dataclass(frozen=True)
class Progress:
    """How far it is. `moved` are confirmed and acked; `ended`: nothing more comes; `fault`: why not, if it is not
    that all were moved; `refusal`: what the broker said to a message that it did not take; `is_blocked`: it takes
    none at present, an alarm is in force."""

    moved: int
    ended: bool
    fault: RabbitError | None = None
    refusal: str = ""
    is_blocked: bool = False


@dataclass(eq=False, slots=True)
class _Copy(Sent):
    tag: int  # of the original
    target: str
    published: BasicProperties

    @property
    def route(self) -> tuple[str, str]:
        return "", self.target

    @property
    def properties(self) -> Properties:
        found = self.published
        return Properties.from_pika(found.read() if isinstance(found, Unread) else found)


class Mover:
    """Moves up to `most` messages of `source` to queue `target`. `adapt` returns what a copy's properties are.

    Use as a context manager; `wait` and `stop` are for its thread, all else is the mover's own. Every message
    that is not acked returns to `source` when it is left.
    """

    def __init__(
        self,
        config: BrokerConfig,
        vhost: str,
        source: str,
        target: str,
        *,
        most: int,
        prefetch: int,
        adapt: Adapt,
        endpoint: Endpoint | None = None,
    ) -> None:
        endpoint = endpoint or config.endpoints[0]
        self._where = str(endpoint)
        self._parameters = config.connection_parameters(vhost, endpoint=endpoint, client_name="mqadmin mover")
        self._source, self._target = source, target
        self._most, self._prefetch, self._adapt = most, min(prefetch, most), adapt
        self._loop = IOLoop()
        self._connections: list[Connection] = []
        self._in: Channel | None = None
        self._out: Channel | None = None
        self._confirms: Confirms[_Copy] = Confirms()
        self._copies: deque[_Copy] = deque()  # in publish order, those whose originals are not acked yet
        self._sent = self._moved = 0
        self._is_stopping = self._is_asking = self._heard = self._is_consuming = self._is_blocked = False
        self._first = ""  # the tag of the consumer that takes the first
        self._kept: deque[tuple[int, BasicProperties, bytes]] = deque()  # not written: the broker is blocked
        self.was_ready = False  # it had both its channels
        self._changed = threading.Condition()
        self._told = Progress(0, False)
        self._thread = threading.Thread(target=self._run, name="mqadmin-mover", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.add_callback_threadsafe(self._close)
        self._thread.join(_JOIN_S)

    def wait(self, seconds: float) -> Progress:
        """Return how far it is: at once when it has ended, else after so many seconds."""
        with self._changed:
            if not self._told.ended:
                self._changed.wait(seconds)
            return self._told

    def stop(self) -> None:
        """Publish no more. It has ended once all that was published is confirmed and acked, whenever that is."""
        self._loop.add_callback_threadsafe(self._stop)

    # --- everything below runs in the mover's thread ---------------------------------------------------------

    def _run(self) -> None:
        for of, opened in ((Connection, self._open_out), (PassingConnection, self._open_in)):
            self._connections.append(
                of(
                    self._parameters,
                    on_open_callback=opened,
                    on_open_error_callback=self._lost,
                    on_close_callback=self._lost,
                    custom_ioloop=self._loop,
                )
            )
        try:
            self._loop.start()
        finally:
            self._tell(ended=True, fault=NoResponse("The mover's thread ended."))
            self._loop.close()

    def _open_out(self, connection: Any) -> None:
        connection.add_on_connection_blocked_callback(lambda *_: self._blocked(True))
        connection.add_on_connection_unblocked_callback(lambda *_: self._blocked(False))
        connection.channel(on_open_callback=self._on_out)

    def _open_in(self, connection: Any) -> None:
        connection.channel(on_open_callback=self._on_in)

    def _on_out(self, channel: Channel) -> None:
        channel.add_on_close_callback(self._lost)
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(self._on_confirm, callback=lambda _frame: self._ready(out=channel))

    def _on_in(self, channel: Channel) -> None:
        channel.add_on_close_callback(self._lost)
        channel.add_on_cancel_callback(lambda _frame: self._stop())
        # By a subscription of one message: a get is refused where only one consumer may be active.
        channel.basic_qos(prefetch_count=1, callback=lambda _frame: self._ready(in_=channel))

    def _ready(self, *, out: Channel | None = None, in_: Channel | None = None) -> None:
        self._out, self._in = out or self._out, in_ or self._in
        if self._out is not None and self._in is not None:
            self.was_ready = True
            self._first = self._in.basic_consume(self._source, self._on_message)
            self._loop.call_later(QUIET_S, self._look)

    def _consume(self, first: int) -> None:
        """Take the rest as fast as they come, for the broker took the first, which is acked only now: else the
        consumer of one message, just cancelled, would have been given the next, and pika given that back."""
        channel = self._in
        if channel is not None and channel.is_open and not self._is_stopping:
            channel.basic_qos(prefetch_count=self._prefetch)  # of the next consumer only
            channel.basic_consume(self._source, self._on_message)
        self._ack(first)
        self._tell()

    def _blocked(self, is_blocked: bool) -> None:
        self._is_blocked = is_blocked
        while self._kept and not self._is_blocked and not self._is_stopping:
            self._publish(*self._kept.popleft())
        self._tell()

    def _on_message(
        self,
        _channel: Channel,
        method: Basic.Deliver,
        properties: BasicProperties,
        body: bytes,
    ) -> None:
        self._heard = True
        if self._is_stopping or self._sent + len(self._kept) >= self._most:
            return
        if self._is_blocked or self._kept:
            self._kept.append((method.delivery_tag or 0, properties, body))
        else:
            self._publish(method.delivery_tag or 0, properties, body)

    def _publish(self, tag: int, properties: BasicProperties, body: bytes) -> None:
        out = self._out
        if out is None or not out.is_open:
            return
        try:
            copied = self._adapt(properties)
            out.basic_publish("", self._target, body, copied, mandatory=True)
        except (pika_errors.AMQPError, ValueError, TypeError, OverflowError) as error:
            self._refused(sentence(f"The message cannot be encoded: {error}"))
            return
        self._sent += 1
        copy = _Copy(body, tag, self._target, copied)
        self._copies.append(copy)
        self._confirms.sent(copy)

    def _on_return(
        self, _channel: Channel, method: Basic.Return, properties: BasicProperties, body: bytes
    ) -> None:
        exchange, key, why = method.exchange or "", method.routing_key or "", method.reply_text or ""
        self._confirms.returned(exchange, key, Properties.from_pika(properties), body, why)
        self._refused(f"The broker returned the message: {why} ({method.reply_code})")

    def _on_confirm(self, frame: Method[Basic.Ack | Basic.Nack]) -> None:
        method, is_ack = frame.method, isinstance(frame.method, Basic.Ack)
        self._confirms.answered(method.delivery_tag, method.multiple, is_ack=is_ack)
        if not is_ack:
            self._refused("The broker refused the message (nack), as a full queue does.")
        self._settle()

    def _settle(self) -> None:
        """Ack what is confirmed, in one frame up to the first that is not, in runs around what was refused."""
        last, copies = 0, self._copies
        while copies and (answer := copies[0].answer) is not None:
            copy = copies.popleft()
            if answer == "confirmed":
                last = copy.tag
                self._moved += 1
                continue
            self._ack(last)
            last = 0
            if self._in is not None and self._in.is_open:
                self._in.basic_nack(copy.tag, requeue=True)
        is_all = self._sent >= self._most or self._is_stopping
        if last and not is_all and not self._is_consuming and self._in is not None and self._in.is_open:
            self._is_consuming = True
            self._in.basic_cancel(self._first, callback=lambda _frame: self._consume(last))
            return
        self._ack(last)
        if is_all and not self._copies:
            self._finish()
        elif last:
            self._tell()

    def _ack(self, tag: int) -> None:
        if tag and self._in is not None and self._in.is_open:
            self._in.basic_ack(tag, multiple=True)

    def _refused(self, why: str) -> None:
        self._tell(refusal=self._told.refusal or why)
        self._stop()

    def _stop(self) -> None:
        self._is_stopping = True
        if not self._copies:
            self._finish()

    def _look(self) -> None:
        """Ask whether the queue is empty when it has been quiet for a while."""
        if self._told.ended or self._in is None or not self._in.is_open:
            return
        if not self._heard and not self._copies and not self._kept and not self._is_asking:
            self._is_asking = True
            self._in.queue_declare(self._source, passive=True, callback=self._on_left)
        self._heard = False
        self._loop.call_later(QUIET_S, self._look)

    def _on_left(self, frame: Method[Any]) -> None:
        self._is_asking = False
        if not frame.method.message_count and not self._copies and not self._kept and not self._heard:
            self._is_stopping = True
            self._finish()

    def _finish(self) -> None:
        """The answer to this proves that every ack before it was taken."""
        if self._in is not None and self._in.is_open and not self._told.ended:
            self._in.basic_qos(prefetch_count=self._prefetch, callback=lambda _frame: self._tell(ended=True))

    def _lost(self, _of: Any, error: BaseException) -> None:
        self._tell(ended=True, fault=from_pika(error, where=self._where))

    def _tell(self, *, ended: bool = False, fault: RabbitError | None = None, refusal: str = "") -> None:
        with self._changed:
            if self._told.ended:
                return
            self._told = Progress(self._moved, ended, fault, refusal or self._told.refusal, self._is_blocked)
            if ended:
                self._changed.notify_all()

    def _close(self) -> None:
        self._tell(ended=True)
        for connection in self._connections:
            if connection.is_open:
                connection.close()
        # What the broker has not answered within a second is left to its heartbeat.
        self._loop.call_later(1.0, self._loop.stop)
        self._wait_closed()

    def _wait_closed(self) -> None:
        if all(connection.is_closed for connection in self._connections):
            self._loop.stop()
        else:
            self._loop.call_later(0.01, self._wait_closed)
