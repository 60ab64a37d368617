"""How messages come: pushed by RabbitMQ (basic.consume) or pulled in turns (basic.get). I/O thread only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from pika.adapters.select_connection import IOLoop
from pika.channel import Channel
from pika.frame import Method
from pika.spec import Basic, BasicProperties

from consumers.runtime.spec import ConsumerSpec

OnMessage = Callable[[Channel, "Basic.Deliver | Basic.GetOk", BasicProperties, bytes], None]

MAX_IDLE = 30.0  # seconds between looks at a queue that stays empty, unless its interval is longer


class Subscription(Protocol):
    """One at a time, on one channel at a time."""

    @property
    def active(self) -> bool:
        """Whether messages may come."""

    def begin(self, channel: Channel, started: Callable[[], None]) -> None:
        """Let messages come on `channel`, open and not used by another; `started` once RabbitMQ agrees."""

    def end(self, done: Callable[[], None]) -> None:
        """Let no more come; `done` once none can. An active subscription only.

        Asked for again before that, it calls the first `done` or the last, and only one.
        """

    def lost(self) -> None:
        """The channel is gone, or RabbitMQ ended the subscription."""

    def room(self) -> None:
        """Something in hand was settled."""


class Push:
    """basic.consume: RabbitMQ keeps up to `prefetch` messages in hand; for a while, of each subscription on a
    channel."""

    def __init__(self, spec: ConsumerSpec, tag: str, on_message: OnMessage) -> None:
        self._spec = spec
        self._name = self._tag = tag
        self._on_message = on_message
        self._channel: Channel | None = None
        self._before: Channel | None = None  # the last one
        self._times = 0  # begun on it
        self._ending = False

    @property
    def active(self) -> bool:
        return self._channel is not None

    def begin(self, channel: Channel, started: Callable[[], None]) -> None:
        spec = self._spec
        self._times = self._times + 1 if channel is self._before else 1
        # RabbitMQ 3.10 ends the connection when a consumer that left messages unacked in a quorum queue comes back
        # under its name (tried).
        self._tag = self._name if self._times == 1 else f"{self._name[:240]}.{self._times}"
        self._channel = self._before = channel
        self._ending = False
        channel.basic_consume(
            spec.queue,
            self._on_message,
            auto_ack=spec.auto_ack,
            exclusive=spec.exclusive,
            consumer_tag=self._tag,
            arguments={"x-priority": spec.consumer_priority} if spec.consumer_priority else None,
            callback=lambda _frame: started(),
        )

    def end(self, done: Callable[[], None]) -> None:
        channel = self._channel
        if channel is None or not channel.is_open or self._ending:
            return
        self._ending = True

        def cancelled(_frame: Method[Any]) -> None:
            if channel is self._channel:
                self._channel = None
                done()

        channel.basic_cancel(self._tag, callback=cancelled)
        if self._spec.auto_ack:
            # pika drops what comes until the answer, and RabbitMQ has forgotten it: it must be handled.
            channel._cancelled.discard(self._tag)  # type: ignore[attr-defined]

    def lost(self) -> None:
        self._channel = None

    def room(self) -> None:
        """Nothing to do: RabbitMQ counts itself."""


class Pull:
    """basic.get, one after another while there are messages and room; then a rest of `pull_interval`.

    The rest doubles with every look at an empty queue, up to MAX_IDLE, and is short again after a message.
    """

    def __init__(
        self, loop: IOLoop, spec: ConsumerSpec, on_message: OnMessage, in_hand: Callable[[], int]
    ) -> None:
        self._loop = loop
        self._spec = spec
        self._on_message = on_message
        self._in_hand = in_hand
        self._channel: Channel | None = None
        self._asked = False  # an answer is on its way
        self._full = False  # waits for room
        self._empty = 0  # looks in a row that found nothing
        self._timer: Any = None  # pika has no public type for a timer
        self._started: Callable[[], None] | None = None
        self._ended: Callable[[], None] | None = None

    @property
    def active(self) -> bool:
        return self._channel is not None

    def begin(self, channel: Channel, started: Callable[[], None]) -> None:
        self._channel = channel
        self._started = started
        self._empty = 0
        channel.add_callback(lambda _frame: self._on_empty(channel), [Basic.GetEmpty], one_shot=False)
        self._look()

    def end(self, done: Callable[[], None]) -> None:
        self._rest_is_over()
        if self._asked:
            self._ended = done
        else:
            self._channel = None
            done()

    def lost(self) -> None:
        self._rest_is_over()
        self._channel = None
        self._asked = self._full = False
        self._ended = None

    def room(self) -> None:
        if self._full:
            self._full = False
            self._look()

    def _look(self) -> None:
        self._timer = None
        channel = self._channel
        if channel is None or not channel.is_open or self._asked or self._ended:
            return
        if self._in_hand() >= self._spec.prefetch:
            self._full = True
            return
        self._asked = True
        channel.basic_get(self._spec.queue, self._on_got, auto_ack=self._spec.auto_ack)

    def _on_got(
        self, channel: Channel, method: Basic.GetOk, properties: BasicProperties, body: bytes
    ) -> None:
        if channel is not self._channel:
            return
        self._empty = 0
        self._on_message(channel, method, properties, body)
        self._answered()
        self._look()

    def _on_empty(self, channel: Channel) -> None:
        if channel is not self._channel:
            return
        self._empty += 1
        self._answered()
        if self._channel is not None:
            interval = self._spec.pull_interval
            wait = min(interval * 2 ** min(self._empty - 1, 20), max(interval, MAX_IDLE))
            self._timer = self._loop.call_later(wait, self._look)

    def _answered(self) -> None:
        self._asked = False
        started, self._started = self._started, None
        if started is not None:
            started()
        ended, self._ended = self._ended, None
        if ended is not None:
            self._channel = None
            ended()

    def _rest_is_over(self) -> None:
        if self._timer is not None:
            self._loop.remove_timeout(self._timer)
            self._timer = None


def make(
    loop: IOLoop, spec: ConsumerSpec, tag: str, on_message: OnMessage, in_hand: Callable[[], int]
) -> Subscription:
    """Return the subscription that `spec` asks for; `in_hand()`: how many messages came and are not settled."""
    return Pull(loop, spec, on_message, in_hand) if spec.pull_interval else Push(spec, tag, on_message)
