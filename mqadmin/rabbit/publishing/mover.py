"""Messages from one queue to another as fast as they come: consumed, published at once, acked when confirmed.

A thread of its own with two connections, so that a broker that takes no messages still takes acks. What has been
taken and not confirmed is in `prefetch` bounds; it returns to its queue when the connection is lost, one return
nearer to a delivery limit, and what was written of it may arrive all the same. So nothing is taken that cannot be
given away: never more than `most`, the first message alone, none beyond the room there is; and what is in hand when
it stops is published, not returned. A quorum queue returns by itself, one return nearer to its limit, what is on
its way to a consumer that is cancelled: there it is cancelled once as many are in hand as may be, or none has come
for a while. While the broker says that it is blocked (by a memory or disk alarm; it says so only after a first
publish) what was taken is kept in hand, unwritten.

What the destination does not take goes back to its queue. A message that cannot bear another return there (as for
a look, docs/adr/0022) goes back as a copy: confirmed at the end of its queue, then acked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from pika import exceptions as pika_errors
from pika.channel import Channel
from pika.frame import Method
from pika.spec import Basic, BasicProperties

from mqadmin.rabbit import counting
from mqadmin.rabbit.config import BrokerConfig, Endpoint
from mqadmin.rabbit.confirms import Confirms
from mqadmin.rabbit.errors import RabbitError, sentence
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.publishing.in_hand import Acks, Bounds, Copy, InHand, Progress
from mqadmin.rabbit.publishing.line import Line
from mqadmin.rabbit.publishing.telling import Telling

__all__ = ["Bounds", "Mover", "Progress"]

QUIET_S = 0.2  # without a message: then the broker is asked whether the queue is empty
AGAIN_S = 5.0  # between attempts to put back a copy that the broker did not take

Adapt = Callable[[BasicProperties], BasicProperties]


class Mover(Line):
    """Moves up to `most` messages of `source` to queue `target`. `adapt` returns what a copy's properties are.

    Use as a context manager; `wait`, `stop` and `keep_to` are for its thread, all else is the mover's own. Every
    message that is not acked returns to `source` when it is left.
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
        bounds: Bounds | None = None,
        endpoint: Endpoint | None = None,
    ) -> None:
        super().__init__(config, vhost, endpoint or config.endpoints[0], name="mover")
        self._source, self._target, self._username = source, target, config.username
        # The first goes alone; of the others never more are in hand than are wanted.
        self._most, self._prefetch, self._adapt = most, max(1, min(prefetch, most - 1)), adapt
        self._bounds = bounds = bounds or Bounds()
        # How many more may be published; then it is asked for.
        self._room = None if bounds.length is None else 0
        self._size = bounds.size
        self._in: Channel | None = None
        self._out: Channel | None = None
        self._confirms: Confirms[Copy] = Confirms()
        self._copies: deque[Copy] = deque()  # in publish order, those whose originals are not acked yet
        self._moved = self._waiting = 0
        self._is_stopping = self._is_refused = self._is_asking = self._is_asking_room = False
        self._heard = self._is_blocked = self._is_cancelling = self._is_at_speed = False
        self._tag = ""  # of the consumer
        self._acks = Acks(most, self._prefetch)
        self._kept: deque[InHand] = deque()  # not written: the broker is blocked, or there is no room
        self._back: list[InHand] = []  # not taken by the destination
        self._held = 0
        self._is_resting = self._is_tired = self._is_finishing = False
        self.was_ready = False  # it had both its channels
        self._told, self._answers = Telling(), counting.Answers()

    def wait(self, seconds: float) -> Progress:
        """Return how far it is: at once when it has ended, else after so many seconds."""
        return self._told.wait(seconds)

    def stop(self) -> None:
        """Take no more. It has ended once all that was taken is confirmed and acked, whenever that is."""
        self._loop.add_callback_threadsafe(self._stop)

    def keep_to(self, bounds: Bounds) -> None:
        """Keep to other bounds from now on; of `size` only none at all is heeded: what was published is counted."""
        self._loop.add_callback_threadsafe(lambda: self._keep_to(bounds))

    # --- everything below runs in the mover's thread ---------------------------------------------------------

    def _on_out(self, channel: Channel) -> None:
        channel.add_on_close_callback(self._lost)
        channel.add_on_return_callback(self._on_return)
        ready = self._answers.timed(lambda _: self._ready(out=channel))
        channel.confirm_delivery(self._on_confirm, callback=ready)

    def _on_in(self, channel: Channel) -> None:
        channel.add_on_close_callback(self._lost)
        channel.add_on_cancel_callback(lambda _frame: self._cancelled_by_broker())
        # By a subscription of one message: a get is refused where only one consumer may be active.
        ready = self._answers.timed(lambda _: self._ready(in_=channel))
        channel.basic_qos(prefetch_count=1, callback=ready)

    def _ready(self, *, out: Channel | None = None, in_: Channel | None = None) -> None:
        self._out, self._in = out or self._out, in_ or self._in
        if self._out is not None and self._in is not None:
            self.was_ready = True
            if self._room is None:
                self._begin()
            else:
                self._ask_room()

    def _begin(self) -> None:
        if self._in is None or not self._in.is_open or self._is_stopping:
            return
        self._tag = self._in.basic_consume(self._source, self._on_message)
        self._loop.call_later(QUIET_S, self._look)

    # How messages are taken

    def _on_message(
        self, _channel: Channel, method: Basic.Deliver, properties: BasicProperties, body: bytes
    ) -> None:
        self._heard, self._waiting = True, 0
        self._acks.taken += 1
        message = InHand(method.delivery_tag or 0, properties, body)
        if self._is_blocked or self._kept or self._is_refused or self._room == 0:
            self._kept.append(message)
            self._ask_room()
        else:
            self._publish(message)
        if self._has_all or (self._is_filling and self._is_full):
            self._cancel()

    @property
    def _has_all(self) -> bool:
        return self._acks.taken >= self._most

    @property
    def _is_full(self) -> bool:
        """Whether as many are in hand as may be: then none is on its way."""
        return self._acks.in_hand >= (self._prefetch if self._is_at_speed else 1)

    @property
    def _is_filling(self) -> bool:
        """Whether it stops as soon as it is full: until then nothing is acked, as more would come for that."""
        counts = self._bounds.returns is not None or self._bounds.by_nack
        return counts and self._is_stopping and bool(self._tag) and not self._is_cancelling

    def _go_on(self) -> None:
        """Take the rest as fast as they come, for the broker took the first, which is acked only now: else the
        consumer of one message, just cancelled, would have been given the next, and pika given that back."""
        if self._in is not None and self._in.is_open and not self._is_stopping:
            self._in.basic_qos(prefetch_count=self._prefetch)  # of the next consumer only
            self._tag = self._in.basic_consume(self._source, self._on_message)
        self._ack()

    def _cancel(self) -> None:
        """Have no more delivered; what comes until the answer counts as taken."""
        channel, tag = self._in, self._tag
        if channel is None or not channel.is_open or not tag or self._is_cancelling:
            return
        self._is_cancelling = True
        channel.basic_cancel(tag, callback=lambda _frame: self._on_cancelled())
        channel._cancelled.discard(tag)  # type: ignore[attr-defined]  # pika would give it back

    def _on_cancelled(self) -> None:
        self._tag, self._is_cancelling = "", False
        if self._is_at_speed or self._is_stopping or self._has_all:
            self._ack()
            self._check_end()
        else:
            self._is_at_speed = True
            self._go_on()

    def _cancelled_by_broker(self) -> None:
        self._tag, self._is_cancelling = "", False
        self._ack()
        self._stop()

    # How they are published

    def _blocked(self, is_blocked: bool) -> None:
        self._is_blocked = is_blocked
        self._publish_kept()
        self._tell()

    def _publish_kept(self) -> None:
        while self._kept and not self._is_blocked and not self._is_refused and self._room != 0:
            self._publish(self._kept.popleft())
        self._ask_room()
        self._check_end()

    def _publish(self, message: InHand) -> None:
        out = self._out
        if out is None or not out.is_open:
            return
        size = 0
        if self._size is not None:
            size = len(message.body) + len(getattr(message.properties, "values", b""))
            if size > self._size:
                self._kept.appendleft(message)
                self._refused("It has no room for more bytes.")
                return
        try:
            copied = self._adapt(message.properties)
            out.basic_publish("", self._target, message.body, copied, mandatory=True)
        except (pika_errors.AMQPError, ValueError, TypeError, OverflowError) as error:
            self._back.append(message)
            self._refused(sentence(f"The message cannot be encoded: {error}"))
            return
        self._room = None if self._room is None else self._room - 1
        self._size = None if self._size is None else self._size - size
        self._sent(Copy(message.body, message.tag, self._target, copied))

    def _sent(self, copy: Copy) -> None:
        self._copies.append(copy)
        self._confirms.sent(copy)

    def _ask_room(self) -> None:
        """Ask how many the destination holds, once all that was published is in it: so many more may follow."""
        out, limit = self._out, self._bounds.length
        if out is None or not out.is_open or limit is None or self._room != 0 or self._copies:
            return
        if not self._is_asking_room and not self._is_refused:
            self._is_asking_room = True
            out.queue_declare(self._target, passive=True, callback=self._answers.judged(self._on_room))

    def _on_room(self, frame: Method[Any], is_sure: bool) -> None:
        self._is_asking_room = False
        if not is_sure:  # it may be full
            self._loop.call_later(QUIET_S, self._ask_room)
            return
        limit = self._bounds.length
        held = frame.method.message_count  # in steps: others may publish there too
        self._room = None if limit is None else max(0, min(limit - held, self._prefetch))
        if self._room == 0:
            self._refused(f"It holds {limit} messages at most, and there is no room for more.")
        elif not self._tag and not self._acks.taken:
            self._begin()
        else:
            self._publish_kept()

    def _keep_to(self, bounds: Bounds) -> None:
        if bounds.length != self._bounds.length:
            self._room = None if bounds.length is None else 0
        self._size = None if bounds.size is None else bounds.size if self._size is None else self._size
        self._bounds = bounds
        self._publish_kept()

    # What the broker says

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
        """Ack what is confirmed: in one frame up to the first that is not, one by one behind what was refused."""
        copies, before = self._copies, self._moved
        while copies and (answer := copies[0].answer) is not None:
            copy = copies.popleft()
            is_taken = answer == "confirmed"
            if not is_taken:
                self._back.append(InHand(copy.tag, copy.published, copy.body, copy.is_back))
            else:
                self._acks.confirmed(copy.tag, alone=copy.is_back or bool(self._back) or self._is_refused)
            self._moved += is_taken and not copy.is_back
        if self._acks.is_due and not (self._is_at_speed or self._is_stopping or self._has_all):
            self._cancel()  # of the first alone
        else:
            self._ack()
        self._ask_room()
        if self._moved != before:
            self._tell()
        self._check_end()

    def _ack(self) -> None:
        if not self._is_filling:
            self._acks.send(self._in, is_subscribed=bool(self._tag))

    # How it ends

    def _refused(self, why: str) -> None:
        self._is_refused = True
        self._tell(refusal=self._told.now.refusal or why)
        self._stop()

    def _stop(self, *, none_comes: bool = False) -> None:
        self._is_stopping = True
        if none_comes or self._is_full or not self._is_filling:
            self._cancel()
        self._check_end()

    def _look(self) -> None:
        """Ask whether the queue is empty when it has been quiet for a while."""
        if self._told.now.ended or self._in is None or not self._in.is_open:
            return
        if not self._heard and not self._copies and not self._kept and not self._is_asking:
            self._is_asking = True
            self._in.queue_declare(self._source, passive=True, callback=self._on_left)
        if self._is_filling and not self._heard:
            self._cancel()
        self._heard = False
        self._loop.call_later(QUIET_S, self._look)

    def _on_left(self, frame: Method[Any]) -> None:
        self._is_asking = False
        if self._copies or self._kept or self._heard:
            return
        left = frame.method.message_count
        was_asked = frame.method.consumer_count or not self._tag  # its leader: see `counting`
        if not left and was_asked:
            self._stop(none_comes=True)
        elif self._waiting != left:
            self._waiting = left
            self._tell()

    def _check_end(self) -> None:
        """End it once nothing more comes and nothing is on its way, and what is left in hand can be given back."""
        is_all = self._is_stopping or self._has_all
        if not is_all or self._tag or self._copies or self._is_resting or self._told.now.ended:
            return
        if self._kept and not (self._is_refused or (self._is_stopping and self._is_blocked)):
            return  # it will be published
        limit, in_hand = self._bounds.returns, [*self._back, *self._kept]
        rest = [item for item in in_hand if not item.bears_return(limit)]
        if rest:
            self._put_back(rest)
        elif not self._is_finishing:
            self._is_finishing = True
            self._finish(in_hand)

    def _put_back(self, rest: list[InHand]) -> None:
        """Publish what bears no return to the end of its own queue; what is not taken there is tried again."""
        self._held = len(rest)
        self._tell()
        out = self._out
        if self._is_blocked or out is None or not out.is_open:
            return
        if self._is_tired:
            self._is_tired, self._is_resting = False, True
            self._loop.call_later(AGAIN_S, self._rested)
            return
        self._is_tired = True
        gone = {item.tag for item in rest}
        self._back = [item for item in self._back if item.tag not in gone]
        self._kept = deque(item for item in self._kept if item.tag not in gone)
        for item in rest:
            try:
                copy = item.back_to(self._source, username=self._username)
                out.basic_publish("", self._source, copy.body, copy.published, mandatory=True)
            except (pika_errors.AMQPError, ValueError, TypeError, OverflowError):
                self._back.append(item)  # held
            else:
                self._sent(copy)
        self._check_end()

    def _rested(self) -> None:
        self._is_resting = False
        self._check_end()

    def _finish(self, in_hand: list[InHand]) -> None:
        """The answer to this proves that every ack before it was taken."""
        self._held = 0
        self._ack()
        if self._in is None or not self._in.is_open:
            return
        if self._bounds.by_nack:
            for item in in_hand:
                self._in.basic_nack(item.tag, requeue=True)
        self._in.basic_qos(prefetch_count=self._prefetch, callback=lambda _frame: self._tell(ended=True))

    def _tell(self, *, ended: bool = False, fault: RabbitError | None = None, refusal: str = "") -> None:
        refused = refusal or self._told.now.refusal
        self._told.tell(
            Progress(self._moved, ended, fault, refused, self._is_blocked, self._waiting, self._held)
        )
