"""Messages of a quorum queue taken over AMQP to be looked at, and put back each in a way that it survives.

How often a message was returned is known only once it was taken, and from then on there are two ways for it:
another return, or an ack. So its count decides before anything is given back. One that bears another return gets
that. Another is published to the end of the queue, and acked when the broker has confirmed that copy: at every
moment it is in the queue. That a copy can be published is tried before anything is taken.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

from pika.adapters.blocking_connection import BlockingChannel

from mqadmin.rabbit import amqp
from mqadmin.rabbit.clean_copy import LOOK
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import NoResponse, RabbitError, UnsafePeek
from mqadmin.rabbit.headers import DELIVERY_COUNT, ORIGIN_EXCHANGE, ORIGIN_ROUTING_KEY
from mqadmin.rabbit.management_api.delivery_limits import smaller
from mqadmin.rabbit.message import Message
from mqadmin.rabbit.publishing.publisher import Outgoing, Publisher
from mqadmin.rabbit.reading.header_values import integer
from mqadmin.rabbit.types import PeekedMessage, PutBack

MOST_BYTES = 64 * 1024 * 1024
"""Of bodies in hand: once they are more, no further message is taken."""
MOST_SECONDS = 10.0
COPY_SECONDS = 10.0
"""For the confirm of a copy, and the connection before it: RabbitMQ looks its own name up before it greets a
client, and a DNS answer that is lost costs it 5 s."""
AGAIN_SECONDS = 5.0  # between attempts to publish one that the broker did not take
_PATIENCE_SECONDS = 60.0

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Taken:
    message: Message
    put_back: PutBack | None = None

    @property
    def tag(self) -> int:
        return self.message.delivery_tag or 0

    @property
    def returns(self) -> int:
        return integer(self.message.headers.get(DELIVERY_COUNT))


class Looking:
    """One look at up to `count` messages of `queue`, from a thread of its own.

    `limit`: after so many returns the queue gives a message up; None: a return harms none. `limit_now` asks for it
    once more when all are in hand, since a policy may have come meanwhile; it is called from that thread.
    `by_nack`: only a nack is a return that harms none. `gone_past` asks above which count a queue gives a message
    up however it is returned: a dead letter may have brought such a count with it, from 4.3 on.

    The thread outlives the look only where the broker no longer takes a copy that it took a moment before: it
    holds the message and tries again, for as long as the process and the connection last.
    """

    def __init__(
        self,
        config: BrokerConfig,
        vhost: str,
        queue: str,
        count: int,
        *,
        limit: int | None,
        limit_now: Callable[[], int | None],
        by_nack: bool = False,
        gone_past: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._config, self._vhost, self._queue, self._count = config, vhost, queue, count
        self._limit, self._limit_now, self._by_nack = limit, limit_now, by_nack
        self._gone_past, self._most = gone_past, gone_past()
        self._publisher = Publisher(config, vhost, client_name="mqadmin look")
        self._taken: list[_Taken] = []
        self._fault: BaseException | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mqadmin-look", daemon=True)

    def found(self, *, truncate: int) -> list[PeekedMessage]:
        """Look, and return the messages with bodies of at most `truncate` bytes. Raises RabbitError."""
        self._thread.start()
        if not self._done.wait(_PATIENCE_SECONDS):
            raise NoResponse("The broker does not answer. What was taken is put back once it does.")
        if self._fault is not None:
            raise self._fault
        return [_shown(taken, truncate) for taken in self._taken]

    # --- everything below runs in the look's thread ----------------------------------------------------------

    def _run(self) -> None:
        try:
            with closing(self._publisher):
                if self._limit is not None:
                    self._require_copies()
                with amqp.channel(self._config, self._vhost, client_name="mqadmin look") as channel:
                    self._take(channel)
                    self._put_back(channel)
                    self._done.set()
                    self._keep(channel)
        except BaseException as error:
            if self._done.is_set():
                log.exception("a look at %s lost a message that it held, and did not put back", self._queue)
            self._fault = error
        finally:
            self._done.set()

    def _require_copies(self) -> None:
        """Raise UnsafePeek unless the broker takes messages for the default exchange: one for no queue is sent,
        which it returns. And another: during an alarm a new connection is blocked by its first message, which is
        still taken (rabbit_reader:control_throttle/1)."""
        for _ in range(2):
            probe = Outgoing("", f"mqadmin-look-{uuid.uuid4()}", b"")
            [receipt] = self._publisher.publish_batch([probe], timeout_s=COPY_SECONDS)
            if receipt.reason != "unroutable":
                raise UnsafePeek(
                    "A message that cannot bear another return would have to be put back as a copy, and the broker "
                    f"takes none now: {receipt.detail or receipt.reason}"
                )

    def _take(self, channel: BlockingChannel) -> None:
        """Take one after the other. What cannot be given back is in hand only until its copy is confirmed."""
        ready = channel.queue_declare(self._queue, passive=True).method.message_count or 0
        until, size = time.monotonic() + MOST_SECONDS, 0
        while len(self._taken) < self._count and size < MOST_BYTES and time.monotonic() < until:
            is_all = len(self._taken) >= ready
            if is_all and any(taken.put_back for taken in self._taken):
                return  # behind those that were there are the copies
            method, properties, body = channel.basic_get(self._queue)
            if method is None or properties is None:
                return
            taken = _Taken(Message.from_pika(method, properties, body or b""))
            self._taken.append(taken)
            size += len(taken.message.body)
            if not self._bears_return(taken) and not self._copy(channel, taken):
                return

    def _put_back(self, channel: BlockingChannel) -> None:
        in_hand = [taken for taken in self._taken if taken.put_back is None]
        if not in_hand:
            return
        try:
            self._limit = smaller(self._limit, self._limit_now())
            self._most = smaller(self._most, self._gone_past())
        except RabbitError as error:
            log.warning("the delivery limit of %s could not be asked for again: %s", self._queue, error)
        for taken in in_hand:
            if not self._bears_return(taken):
                self._copy(channel, taken)
        returned = [taken for taken in in_hand if taken.put_back is None]
        for taken in returned:
            taken.put_back = "returned"
        if self._limit is None and not self._by_nack:
            # Without a limit a nack puts them at the end, the end of the channel where they were (tried on 3.10.8
            # and 4.0.5).
            channel.close()
            return
        for taken in returned:
            channel.basic_nack(taken.tag, requeue=True)
        channel.basic_qos(prefetch_count=0)  # its answer proves that the broker has read all that went before

    def _bears_return(self, taken: _Taken) -> bool:
        """Whether it may be returned now, and once more by its consumer."""
        if self._most is not None and taken.returns > self._most:
            return False
        return self._limit is None or taken.returns + 1 < self._limit

    def _copy(self, channel: BlockingChannel, taken: _Taken) -> bool:
        """Put it at the end of the queue, then ack the original. Returns whether the broker took it."""
        copy = outgoing(taken.message, self._queue, username=self._config.username)
        [receipt] = self._publisher.publish_batch([copy], timeout_s=COPY_SECONDS)
        if not receipt.ok:
            log.warning("a message of %s is held: its copy was not taken: %s", self._queue, receipt.detail)
            taken.put_back = "held"
            return False
        channel.basic_ack(taken.tag)
        taken.put_back = "copied"
        return True

    def _keep(self, channel: BlockingChannel) -> None:
        """Hold what could not be put back, and try again until it can."""
        held = [taken for taken in self._taken if taken.put_back == "held"]
        while held:
            channel.connection.sleep(AGAIN_SECONDS)
            held = [taken for taken in held if not self._copy(channel, taken)]


def outgoing(message: Message, queue: str, *, username: str) -> Outgoing:
    """Return the copy of a message for the end of its own `queue`. It tells what it was published to, where it
    has room for that."""
    headers = LOOK.headers(message.properties.headers)
    properties = LOOK.properties(message.properties, headers, username=username)
    if (message.exchange, message.routing_key) != ("", queue):
        told = {ORIGIN_EXCHANGE: message.exchange, ORIGIN_ROUTING_KEY: message.routing_key}
        known = properties.headers or {}
        longer = replace(properties, headers=known if ORIGIN_EXCHANGE in known else {**known, **told})
        if longer.fits():
            properties = longer
    return Outgoing("", queue, message.body, properties)


def _shown(taken: _Taken, truncate: int) -> PeekedMessage:
    body = taken.message.body
    return PeekedMessage(
        replace(taken.message, body=body[:truncate]),
        size=len(body),
        truncated=len(body) > truncate,
        put_back=taken.put_back or "returned",
    )
