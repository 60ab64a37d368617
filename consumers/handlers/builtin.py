"""Handlers that need no code of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from consumers.handlers.forward import forward
from consumers.handlers.registry import handler
from consumers.handlers.webhook import webhook

if TYPE_CHECKING:
    from consumers.runtime.api import Delivery

__all__ = ["collect", "forward", "record", "webhook"]


@handler(
    "record",
    title=_("Record"),
    description=_("Store each message in the records and ack it: a log of what passes through a queue."),
)
def record(message: Delivery) -> None:
    """Ack the message: the runtime writes its record."""
    message.log.info("recorded %d bytes", len(message.body))


@handler(
    "collect",
    title=_("Collect dead letters"),
    description=_("Capture the messages of a dead-letter queue. Made by tracking the queue."),
    kind="collect",
)
def collect(message: Delivery) -> None:
    """Never called: the runtime hands whole windows to the letter sink, which commits before it acks."""
    raise TypeError(f"{message.queue} is captured in windows, not message by message")
