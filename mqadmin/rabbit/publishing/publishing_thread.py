"""The publisher's I/O thread: one SelectConnection, one confirm channel, many batches."""

from __future__ import annotations

import struct
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pika
from pika import exceptions as pika_errors
from pika.adapters.select_connection import IOLoop, SelectConnection
from pika.channel import Channel
from pika.frame import Method
from pika.spec import Basic, BasicProperties

from mqadmin.rabbit.confirms import Confirms, Sent
from mqadmin.rabbit.errors import NotFound, Refused, from_pika
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.publishing.connection import Connection
from mqadmin.stack import with_room

WINDOW_BYTES = 32 * 1024 * 1024
_CLOSE_TIMEOUT_S = 3.0

Reason = Literal[
    "confirmed",
    "unroutable",
    "nacked",
    "exchange_missing",
    "refused",
    "invalid",
    "blocked",
    "timed_out",
    "connection_lost",
]


@dataclass(frozen=True)
class Outgoing:
    """A message to publish. `tag` is the caller's own mark for it and never leaves the process."""

    exchange: str
    routing_key: str
    body: bytes
    properties: Properties = field(default_factory=Properties)
    tag: Any = None


@dataclass(frozen=True)
class Receipt:
    """What became of one message.

    `ok`: the broker confirmed it and did not return it. `unknown`: it was sent, but the broker's answer never
    came, so it may or may not have arrived; every other failure is certain. `detail` is a sentence for an
    operator. Reasons: confirmed; unroutable (returned); nacked (say, a full queue); exchange_missing; refused
    (permission, or a property the broker does not accept); invalid (cannot be encoded); blocked (the broker
    takes no messages, memory or disk alarm); timed_out; connection_lost.
    """

    ok: bool
    reason: Reason
    unknown: bool = False
    detail: str = ""


CONFIRMED = Receipt(True, "confirmed")


@dataclass(eq=False, slots=True)
class Entry(Sent):
    """One message on its way, and its place in its batch."""

    batch: Batch
    index: int
    item: Outgoing

    @property
    def route(self) -> tuple[str, str]:
        return self.item.exchange, self.item.routing_key

    @property
    def properties(self) -> Properties:
        return self.item.properties


class Batch:
    """Messages that one caller waits for. Receipts are set by the I/O thread only."""

    def __init__(self, items: Sequence[Outgoing]) -> None:
        self.entries = [Entry(item.body, self, index, item) for index, item in enumerate(items)]
        self.done = threading.Event()
        self.proven: set[str] = set()
        self.dead: dict[str, Receipt] = {}
        self.heard_before = 0
        self._receipts: list[Receipt | None] = [None] * len(self.entries)
        self._left = len(self.entries)

    def settle(self, index: int, receipt: Receipt) -> None:
        if self._receipts[index] is not None:
            return
        self._receipts[index] = receipt
        self._left -= 1
        if not self._left:
            self.done.set()

    def results(self) -> list[Receipt]:
        return [receipt for receipt in self._receipts if receipt is not None]


class PublishingThread:
    """Owns the thread, the connection and the channel. `submit`, `abandon` and `close` are for any thread.

    A channel that the broker closes takes the unconfirmed messages' answers with it, so whatever could close it
    travels alone: the first message of a batch to each exchange (it may be missing, or writing to it
    forbidden), a foreign `user_id`, and every message to an exchange that has surprised before.
    """

    def __init__(
        self, parameters: pika.ConnectionParameters, *, where: str, username: str, window: int
    ) -> None:
        self._parameters = parameters
        self._where = where
        self._username = username
        self._window = window
        self._loop = IOLoop()
        self._connection: SelectConnection | None = None
        self._channel: Channel | None = None
        self._confirms: Confirms[Entry] = Confirms()
        self._pending: deque[Entry] = deque()
        self._suspects: set[str] = set()
        self._is_blocked = False
        self._was_ready = False
        self._heard = 0  # confirms and refusals, since ever
        self._gate = threading.Lock()
        self._inbox: deque[Batch] = deque()
        self._has_ended = False
        self._thread = threading.Thread(target=with_room(self._run), name="mqadmin-publisher", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def submit(self, batch: Batch) -> None:
        with self._gate:
            if not self._has_ended:
                self._inbox.append(batch)
                self._loop.add_callback_threadsafe(self._empty_inbox)
                return
        self._refuse(batch.entries, _CLOSED)

    def abandon(self, batch: Batch) -> None:
        """Settle what is left of `batch` as it stands."""
        self._loop.add_callback_threadsafe(lambda: self._give_up(batch))

    def close(self) -> None:
        """Close the connection and end the thread; what is unsettled is lost. Waits 3 s at most."""
        self._loop.add_callback_threadsafe(self._shut_down)
        self._thread.join(_CLOSE_TIMEOUT_S)

    # Everything below runs in the I/O thread.

    def _run(self) -> None:
        try:
            self._loop.start()
        finally:
            with self._gate:
                self._has_ended = True
            # Whatever ended the loop, nobody may wait for it in vain.
            self._lose(self._confirms.close(), _CLOSED)
            self._refuse(
                [*self._pending, *(entry for batch in self._inbox for entry in batch.entries)], _CLOSED
            )
            self._loop.close()

    def _empty_inbox(self) -> None:
        while self._inbox:
            batch = self._inbox.popleft()
            batch.heard_before = self._heard
            self._pending.extend(batch.entries)
        self._pump()

    def _connect(self) -> None:
        self._connection = Connection(
            self._parameters,
            on_open_callback=self._on_connected,
            on_open_error_callback=self._on_connection_lost,
            on_close_callback=self._on_connection_lost,
            custom_ioloop=self._loop,
        )

    def _on_connected(self, connection: SelectConnection) -> None:
        if connection is not self._connection:
            connection.close()
            return
        connection.add_on_connection_blocked_callback(lambda *_: self._set_blocked(connection, True))
        connection.add_on_connection_unblocked_callback(lambda *_: self._set_blocked(connection, False))
        connection.channel(on_open_callback=self._on_channel_open)

    def _set_blocked(self, connection: object, is_blocked: bool) -> None:
        if connection is self._connection:
            self._is_blocked = is_blocked
            self._pump()

    def _on_channel_open(self, channel: Channel) -> None:
        def ready(_: object) -> None:
            if channel.connection is self._connection:
                self._channel, self._was_ready = channel, True
                self._pump()

        channel.add_on_close_callback(self._on_channel_closed)
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(lambda frame: self._on_confirm(channel, frame), callback=ready)

    def _pump(self) -> None:
        """Publish what the window allows."""
        if not self._pending:
            return
        channel = self._channel
        if channel is None:
            if self._connection is None:
                self._connect()
            return
        while self._pending and not self._is_full() and channel.is_open:
            entry = self._pending[0]
            is_alone = self._goes_alone(entry)
            if is_alone and len(self._confirms):
                return
            self._pending.popleft()
            self._publish(channel, entry)
            if is_alone and len(self._confirms):
                return

    def _is_full(self) -> bool:
        return self._is_blocked or len(self._confirms) >= self._window or self._confirms.bytes >= WINDOW_BYTES

    def _goes_alone(self, entry: Entry) -> bool:
        item, batch = entry.item, entry.batch
        is_foreign = item.properties.user_id not in (None, self._username)
        return is_foreign or item.exchange not in batch.proven or item.exchange in self._suspects

    def _publish(self, channel: Channel, entry: Entry) -> None:
        item, batch = entry.item, entry.batch
        if item.exchange in batch.dead:
            batch.settle(entry.index, batch.dead[item.exchange])
            return
        try:
            channel.basic_publish(
                item.exchange, item.routing_key, item.body, item.properties.to_pika(), mandatory=True
            )
        except (
            pika_errors.AMQPError,
            struct.error,
            TypeError,
            ValueError,
            AssertionError,
            AttributeError,
            OverflowError,
            RecursionError,
        ) as error:
            # pika encodes all frames of a message before it sends the first one.
            detail = f"The message cannot be encoded: {error or type(error).__name__}."
            batch.settle(entry.index, Receipt(False, "invalid", detail=detail))
            return
        self._confirms.sent(entry)

    def _on_return(
        self, channel: Channel, method: Basic.Return, properties: BasicProperties, body: bytes
    ) -> None:
        if channel is not self._channel:
            return
        why = f"The broker returned the message: {method.reply_text} ({method.reply_code})."
        self._confirms.returned(
            method.exchange or "", method.routing_key or "", Properties.from_pika(properties), body, why
        )

    def _on_confirm(self, channel: Channel, frame: Method[Basic.Ack | Basic.Nack]) -> None:
        if channel is not self._channel:
            return
        method, is_ack = frame.method, isinstance(frame.method, Basic.Ack)
        for entry in self._confirms.answered(method.delivery_tag, method.multiple, is_ack=is_ack):
            entry.batch.proven.add(entry.item.exchange)
            self._heard += 1
            entry.batch.settle(entry.index, _receipt(entry))
        if len(self._confirms) <= self._window // 2:
            self._pump()

    def _on_channel_closed(self, channel: Channel, error: Exception) -> None:
        connection = self._connection
        if connection is None or channel.connection is not connection:
            return
        self._channel = None
        reason = from_pika(error, where=self._where)
        lost = self._confirms.close()
        if len(lost) == 1:
            self._condemn(lost[0], error, str(reason))
        else:
            self._suspects.update(entry.item.exchange for entry in lost)
            self._lose(lost, str(reason))
        if connection.is_open:
            connection.channel(on_open_callback=self._on_channel_open)

    def _condemn(self, entry: Entry, error: Exception, detail: str) -> None:
        """Settle the one message that can have closed the channel."""
        code = getattr(error, "reply_code", None)
        if not isinstance(error, pika_errors.ChannelClosedByBroker):
            self._lose([entry], detail)
            return
        receipt = Receipt(False, "exchange_missing" if code == 404 else "refused", detail=detail)
        if code == 404 or (code == 403 and "topic" not in detail):
            # It speaks of the exchange, not of this message: the rest of the batch would fare the same.
            entry.batch.dead[entry.item.exchange] = receipt
        entry.batch.settle(entry.index, receipt)

    def _on_connection_lost(self, connection: object, error: BaseException) -> None:
        if connection is not self._connection:
            return
        # Its channel is closed already: pika tells channels first.
        was_ready = self._was_ready
        self._forget_connection()
        reason = from_pika(error, where=self._where)
        self._lose(self._confirms.close(), str(reason))
        if was_ready:
            self._pump()
        else:
            # Nothing of it was sent: there is no connection, and one attempt to get one has failed.
            is_refused = isinstance(reason, Refused | NotFound)
            self._refuse(self._pending, str(reason), "refused" if is_refused else "connection_lost")
            self._pending.clear()

    def _forget_connection(self) -> None:
        self._connection, self._channel = None, None
        self._is_blocked = self._was_ready = False
        self._suspects.clear()

    def _lose(self, entries: Sequence[Entry], detail: str) -> None:
        for entry in entries:
            entry.batch.settle(entry.index, Receipt(False, "connection_lost", unknown=True, detail=detail))

    def _refuse(self, entries: Iterable[Entry], detail: str, reason: Reason = "connection_lost") -> None:
        for entry in entries:
            entry.batch.settle(entry.index, Receipt(False, reason, detail=detail))

    def _give_up(self, batch: Batch) -> None:
        if batch.done.is_set():
            return
        unsent: Reason = (
            "blocked" if self._is_blocked else "timed_out" if self._channel else "connection_lost"
        )
        sent: Reason = "blocked" if self._is_blocked else "timed_out"
        detail = _GIVEN_UP[unsent].format(where=self._where)
        outstanding = [entry for entry in self._confirms if entry.batch is batch]
        for entry in outstanding:
            batch.settle(entry.index, Receipt(False, sent, unknown=True, detail=detail))
        self._pending = deque(entry for entry in self._pending if entry.batch is not batch)
        for entry in batch.entries:
            batch.settle(entry.index, Receipt(False, unsent, detail=detail))
        is_silent = batch.heard_before == self._heard and not self._is_blocked
        if is_silent and (outstanding or self._channel is None):
            self._replace_connection()

    def _replace_connection(self) -> None:
        """A connection that confirmed nothing all the while may be dead long before its heartbeat says so."""
        connection = self._connection
        if connection is None:
            return
        self._on_connection_lost(connection, TimeoutError("it did not answer in time"))
        if not (connection.is_closed or connection.is_closing):
            connection.close()

    def _shut_down(self) -> None:
        connection = self._connection
        self._forget_connection()
        if connection is not None and connection.is_open:
            connection.add_on_close_callback(lambda *_: self._loop.stop())
            connection.close()
            self._loop.call_later(_CLOSE_TIMEOUT_S, self._loop.stop)
        else:
            self._loop.stop()


_CLOSED = "The publisher was closed."
_GIVEN_UP = {
    "blocked": "{where} accepts no messages at present: a memory or disk alarm is in force.",
    "timed_out": "{where} did not confirm in time.",
    "connection_lost": "{where} could not be connected to in time.",
}


def _receipt(entry: Entry) -> Receipt:
    if entry.answer == "confirmed":
        return CONFIRMED
    if entry.answer == "returned":
        return Receipt(False, "unroutable", detail=entry.returned or "")
    return Receipt(False, "nacked", detail="The broker refused the message (nack), as a full queue does.")
