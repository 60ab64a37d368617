"""What a mover has taken, what it keeps to, and what it tells. Plain values; the mover's thread writes them."""

from __future__ import annotations

from dataclasses import dataclass

from pika.channel import Channel
from pika.spec import BasicProperties

from mqadmin.rabbit.clean_copy import LOOK
from mqadmin.rabbit.confirms import Sent
from mqadmin.rabbit.errors import RabbitError
from mqadmin.rabbit.headers import DELIVERY_COUNT
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.publishing.connection import Unread
from mqadmin.rabbit.reading.header_values import integer


@dataclass(frozen=True)
class Progress:
    """How far it is. `moved` are confirmed and acked; `ended`: nothing more comes; `fault`: why not, if it is not
    that all were moved; `refusal`: what the broker said to a message that it did not take, or that there is no more
    room; `is_blocked`: it takes none at present, an alarm is in force; `waiting`: so many are ready, and none of
    them is delivered; `held`: so many in hand can neither be given away nor back."""

    moved: int
    ended: bool
    fault: RabbitError | None = None
    refusal: str = ""
    is_blocked: bool = False
    waiting: int = 0
    held: int = 0


class Acks:
    """What was taken and acked on a channel, by its tags 1, 2, 3 ...; never more is acked than keeps to `most`."""

    def __init__(self, most: int, prefetch: int) -> None:
        self.taken = 0
        self._most, self._prefetch = most, prefetch
        self._acked = self._due = 0
        self._alone: list[int] = []  # behind one that is not acked

    @property
    def in_hand(self) -> int:
        return self.taken - self._acked

    @property
    def is_due(self) -> bool:
        return bool(self._due)

    def confirmed(self, tag: int, *, alone: bool) -> None:
        """Note that this one may be acked, and unless `alone` all before it."""
        if alone:
            self._alone.append(tag)
        else:
            self._due = tag

    def send(self, channel: Channel | None, *, is_subscribed: bool) -> None:
        """Ack what is due; while it is subscribed no more than leaves room for those still wanted."""
        last = min(self._due, self._most - self._prefetch) if is_subscribed else self._due
        if channel is None or not channel.is_open:
            return
        if last > self._acked:
            self._acked = last
            channel.basic_ack(last, multiple=True)
        for tag in self._alone:
            channel.basic_ack(tag, multiple=False)
        self._alone = []


@dataclass(frozen=True)
class Bounds:
    """What a move keeps to. Of the source: `returns`, its delivery limit where a return counts (None: none does);
    `by_nack`: only a nack is a return that harms none. Of the destination: `length`, the most messages that it
    holds; `size`, how many bytes it takes more. None: any number."""

    returns: int | None = None
    by_nack: bool = False
    length: int | None = None
    size: int | None = None


@dataclass(eq=False, slots=True)
class Copy(Sent):
    tag: int  # of the original
    target: str
    published: BasicProperties
    is_back: bool = False  # to the end of the queue that it came from

    @property
    def route(self) -> tuple[str, str]:
        return "", self.target

    @property
    def properties(self) -> Properties:
        found = self.published
        return Properties.from_pika(found.read() if isinstance(found, Unread) else found)


@dataclass(eq=False, slots=True)
class InHand:
    """A message that was taken, and is not on its way. `is_spent`: it is known to bear no return."""

    tag: int
    properties: BasicProperties
    body: bytes
    is_spent: bool = False

    def bears_return(self, limit: int | None) -> bool:
        """Whether it may be returned now, and once more by its consumer."""
        if limit is None or self.is_spent:
            return not self.is_spent
        found = self.properties.read() if isinstance(self.properties, Unread) else self.properties
        return integer((found.headers or {}).get(DELIVERY_COUNT)) + 1 < limit

    def back_to(self, queue: str, *, username: str) -> Copy:
        """Return its copy for the end of the queue that it came from, as a look makes it. Raises ValueError."""
        found = self.properties.read() if isinstance(self.properties, Unread) else self.properties
        properties = Properties.from_pika(found)
        copied = LOOK.properties(properties, LOOK.headers(properties.headers), username=username).to_pika()
        return Copy(self.body, self.tag, queue, copied, is_back=True)
