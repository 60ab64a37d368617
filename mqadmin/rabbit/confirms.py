"""What the broker said of the messages published on a confirm channel: confirms, refusals, returns.

The one ledger of whoever publishes. Pure bookkeeping: no sockets, no threads, no clock.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Generic, Literal, TypeVar

from pika.spec import BasicProperties

from mqadmin.rabbit.message import Properties

Answer = Literal["confirmed", "returned", "nacked"]


@dataclass(eq=False, slots=True)
class Sent(ABC):
    """A message that was published. Who publishes adds what is needed when the answer comes.

    `answer`: what the broker said. None: nothing yet, and nothing ever if the channel ended first: the message
    may have arrived or not. "confirmed": it was taken, and not returned. "returned": no queue was there for it,
    for the reason `returned`. "nacked": it was not taken.
    """

    body: bytes
    answer: Answer | None = field(default=None, init=False)
    returned: str | None = field(default=None, init=False)

    @property
    @abstractmethod
    def route(self) -> tuple[str, str]:
        """Exchange and routing key. Only asked for when something was returned, as are the properties."""

    @property
    @abstractmethod
    def properties(self) -> Properties:
        """The properties as they were published."""


S = TypeVar("S", bound=Sent)


class Confirms(Generic[S]):
    """The messages published on one channel that are not answered for. Only the thread that owns the channel.

    The broker counts publishes on a confirm channel from 1 and answers by that number, singly or for all up to
    it, in any order. A return carries no number. It comes before the confirm of its message, and returns come in
    publish order, so it belongs to an unanswered message behind the last returned one that has the same content.
    Of several with the same content the first that is confirmed is the returned one: RabbitMQ never refuses what
    it returned (rabbit_channel:deliver_to_queues), so that of equal messages as many count as confirmed as were
    taken, whichever they are.

    `bytes`: of the bodies that are on their way.
    """

    def __init__(self) -> None:
        self._sent: dict[int, S] = {}
        self._next = 1
        self._lowest = 1  # no number below is unanswered
        self._last_returned = 0
        self._charged: dict[int, S] = {}  # returned and not yet answered for, lowest number first
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._sent)

    def __iter__(self) -> Iterator[S]:
        return iter(self._sent.values())

    def sent(self, message: S) -> None:
        """Note that `message` was published, as the next one of the channel."""
        number = self._next
        self._sent[number] = message
        self._next = number + 1
        self.bytes += len(message.body)

    def returned(
        self, exchange: str, routing_key: str, properties: Properties, body: bytes, why: str
    ) -> bool:
        """Note a basic.return. Returns whether there is a message that it can belong to."""
        alike = {}
        for number in range(max(self._last_returned + 1, self._lowest), self._next):
            message = self._sent.get(number)
            if message is None or message.returned is not None or message.body != body:
                continue
            if message.route != (exchange, routing_key):
                continue
            if _same(message.properties, properties):
                self._last_returned = number
                alike = {number: message}
                break
            alike[number] = message
        # If its properties are those of none, it may be any of them: none of them counts as confirmed.
        for message in alike.values():
            message.returned = why
        self._charge(alike)
        return bool(alike)

    def answered(self, number: int, multiple: bool, *, is_ack: bool) -> list[S]:
        """Take out what an ack or a nack of `number` speaks of, and return it with its answer, in publish order."""
        found: list[S] = []
        take, size = self._sent.pop, 0
        answer: Answer = "confirmed" if is_ack else "nacked"
        for key in range(self._lowest, number + 1) if multiple else (number,):
            message = take(key, None)
            if message is None:
                continue
            if self._charged:
                self._attribute(key, message, is_ack)
            message.answer = answer if message.returned is None else "returned"
            size += len(message.body)
            found.append(message)
        self.bytes -= size
        if multiple:
            self._lowest = max(self._lowest, number + 1)
        elif number == self._lowest:
            lowest = number + 1
            while lowest < self._next and lowest not in self._sent:
                lowest += 1
            self._lowest = lowest
        return found

    def close(self) -> list[S]:
        """The channel is gone: return what was never answered, in publish order, and start again at 1."""
        lost = list(self._sent.values())
        self._sent.clear()
        self._charged.clear()
        self._next, self._lowest, self._last_returned, self.bytes = 1, 1, 0, 0
        return lost

    def _charge(self, messages: dict[int, S]) -> None:
        """Remember what was returned in the order of its numbers, in which it comes as a rule."""
        last, first = next(reversed(self._charged), 0), next(iter(messages), self._next)
        self._charged |= messages
        if first < last:
            self._charged = dict(sorted(self._charged.items()))

    def _attribute(self, number: int, message: S, is_ack: bool) -> None:
        """Have a return count for the first confirmed of equal messages, and for none that was refused."""
        why = message.returned
        if why is not None:
            del self._charged[number]
            if not is_ack:
                message.returned = None
                for key in range(number + 1, self._next):
                    other = self._sent.get(key)
                    if other is not None and other.returned is None and _equal(other, message):
                        other.returned = why
                        self._charge({key: other})
                        return
        elif is_ack:
            for key, other in self._charged.items():
                if key > number:
                    return
                if _equal(other, message):
                    message.returned, other.returned = other.returned, None
                    del self._charged[key]
                    return


def _equal(one: Sent, other: Sent) -> bool:
    return one.body == other.body and one.route == other.route and _same(one.properties, other.properties)


def _same(one: Properties, other: Properties) -> bool:
    """Whether both are the same on the wire, where moments have no fractions and arrays are lists, and where
    RabbitMQ takes out the header BCC."""
    if one == other:
        return True
    wire = _wire(one) if one.message_id == other.message_id else None
    return wire is not None and wire == _wire(other)


def _wire(properties: Properties) -> bytes | None:
    headers = {name: value for name, value in (properties.headers or {}).items() if name != "BCC"}
    try:
        # pika's way, which takes what others published as well.
        return b"".join(BasicProperties.encode(replace(properties, headers=headers or None).to_pika()))
    except Exception:  # struct.error, AssertionError and pika's own: then it cannot be told
        return None
