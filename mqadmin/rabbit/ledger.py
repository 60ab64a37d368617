"""What a confirm channel still owes an answer for. Pure bookkeeping: no sockets, no threads, no clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mqadmin.rabbit.message import Properties


@dataclass(frozen=True)
class Outgoing:
    """A message to publish. `tag` is the caller's own mark for it and never leaves the process."""

    exchange: str
    routing_key: str
    body: bytes
    properties: Properties = field(default_factory=Properties)
    tag: Any = None


@dataclass(eq=False, slots=True)
class Entry:
    """One message on its way: its place in its batch, and what the broker returned it for, if it did."""

    batch: Any
    index: int
    item: Outgoing
    returned: str | None = None


class Ledger:
    """The messages published on one channel that are neither confirmed nor refused.

    The broker counts publishes on a confirm channel from 1 and answers by that number, singly or up to it. A
    return carries no number. It comes before the confirm of its message, and returns come in publish order, so
    it belongs to the first outstanding message behind the last returned one that has the same content. Where
    two messages are identical, which of them is charged makes no difference to either.
    """

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}
        self._next = 1
        self._lowest = 1
        self._last_returned = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def sent(self, entry: Entry) -> None:
        """Note that `entry` was published, as the next message of the channel."""
        self._entries[self._next] = entry
        self._next += 1
        self.bytes += len(entry.item.body)

    def returned(
        self, exchange: str, routing_key: str, properties: Properties, body: bytes, why: str
    ) -> None:
        """Note a basic.return; its entry comes out of `settled` with `returned` set."""
        alike = None
        for number in range(max(self._last_returned + 1, self._lowest), self._next):
            entry = self._entries.get(number)
            if entry is None or entry.returned is not None:
                continue
            item = entry.item
            if item.routing_key != routing_key or item.exchange != exchange or item.body != body:
                continue
            if item.properties == properties:
                entry.returned, self._last_returned = why, number
                return
            # Properties may come back in another form (NaN, tuples, BCC taken out): the next best guess.
            alike = alike or entry
        if alike is not None:
            alike.returned = why

    def settled(self, number: int, multiple: bool) -> list[Entry]:
        """Take out and return what an ack or nack of `number` speaks of, in publish order."""
        numbers = range(self._lowest, number + 1) if multiple else (number,)
        taken = [entry for key in numbers if (entry := self._entries.pop(key, None)) is not None]
        if multiple:
            self._lowest = max(self._lowest, number + 1)
        self.bytes -= sum(len(entry.item.body) for entry in taken)
        return taken

    def close(self) -> list[Entry]:
        """The channel is gone: return what was outstanding, in publish order, and start again at 1."""
        lost = list(self._entries.values())
        self._entries.clear()
        self._next, self._lowest, self._last_returned, self.bytes = 1, 1, 0, 0
        return lost
