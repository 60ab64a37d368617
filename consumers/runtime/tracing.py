"""How a consumer process tells of its work to whoever follows a message through a system: what it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from consumers.runtime.api import Delivery
from consumers.runtime.outcome import Finished


class Leaving(Protocol):
    """A copy of a message on its way. I/O thread only."""

    @property
    def headers(self) -> Mapping[str, str]:
        """What the copy carries, so that its handling is told of as a part of this."""

    def goes_to(self, exchange: str, routing_key: str, *, retry: bool) -> None:
        """The copy is published there now: for another attempt, or for good."""

    def ended(self, receipt: str) -> None:
        """RabbitMQ said "confirmed", or why it did not take it."""


class Tracing(Protocol):
    """Spans of one process. Nothing here raises, and nothing waits for anybody."""

    def begin(self, deliveries: Sequence[Delivery]) -> object:
        """A handler is called now, in this thread, with these messages. Returns what `leave` takes."""

    def leave(self, here: object) -> None:
        """The handler has come back, or was given up. The same thread."""

    def finished(self, finished: Finished) -> None:
        """It is certain what becomes of a message. Any thread."""

    def leaving(self, finished: Finished) -> Leaving | None:
        """A copy is about to be made of a message that was handled. I/O thread."""
