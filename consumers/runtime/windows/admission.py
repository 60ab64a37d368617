"""What a collector takes of what RabbitMQ delivers to it: asked for each message, told how its windows fare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pika.spec import Basic, BasicProperties


@dataclass(frozen=True)
class Beside:
    """Messages that are kept elsewhere than in the store, and acked with the window that they came with.

    `keep` keeps them. Committer thread; raises SinkUnavailable, and is called again then. `tags`: theirs.
    """

    keep: Callable[[], None]
    tags: Sequence[int]


class Collector(Protocol):
    """What an admission may ask of its collector. I/O thread only."""

    def tell(self) -> None:
        """Report the admission's words."""

    def reopen(self) -> bool:
        """Give back all that is held by opening the channel anew. False: not now, a window is in hand."""


class Admission(Protocol):
    """Decides what goes into a collector's windows. I/O thread only, but for `Beside.keep`.

    What it does not take stays unacked: it is held until the channel ends, given back with the ack of the window,
    or kept elsewhere and acked with it.
    """

    @property
    def prefetch(self) -> int:
        """How many messages the next window is to have at most."""

    @property
    def holds(self) -> bool:
        """Whether it holds messages that must not be acked."""

    @property
    def words(self) -> str:
        """What there is to say of messages that were not taken; "" for nothing."""

    def start(self, collector: Collector) -> None:
        """The collector starts."""

    def takes(self, in_window: int, method: Basic.Deliver, properties: BasicProperties, body: bytes) -> bool:
        """Whether this message goes into the window, which has so many."""

    def is_full(self, in_window: int) -> bool:
        """Whether the window, which has so many, is to end."""

    def ended(self) -> Beside | None:
        """The window has ended. Returns what is to be kept elsewhere before it is stored."""

    def kept(self, beside: Beside) -> None:
        """It is kept, and about to be acked on the channel that it came on."""

    def stored(self, count: int) -> Sequence[int]:
        """The window, of `count` messages, is stored. Returns the tags to give back when it is acked."""

    def channel_gone(self) -> None:
        """Whatever was not acked is RabbitMQ's again."""
