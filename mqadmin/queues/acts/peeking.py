"""Looking at the messages at the head of a queue, where that harms none of them (guarantee 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mqadmin.core import brokers
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.queues.models import Queue
from mqadmin.rabbit.management_api import peek as rabbit_peek
from mqadmin.rabbit.reading.display import display_text
from mqadmin.rabbit.types import PeekedMessage

MAX_COUNT = 50


@dataclass(frozen=True)
class ShownMessage:
    """A peeked message as a page shows it: `text` is readable, `kind` says what the body was."""

    message: PeekedMessage
    text: str
    kind: str
    properties: list[tuple[str, Any]]
    headers: list[tuple[str, Any]]


def peek(*, queue: Queue, by: Actor, count: int = 10) -> list[PeekedMessage]:
    """Return up to `count` (1 to 50) messages, having returned them to the queue.

    Raises UnsafePeek where looking could lose, delay or reorder one; RabbitError as the client does.
    """
    target = f"{queue.vhost}:{queue.name}"
    with audit.act(by=by, action="queue.peek", broker=queue.broker.slug, target=target) as entry:
        wanted = max(1, min(count, MAX_COUNT))
        found = rabbit_peek.peek(brokers.client(queue.broker.slug), queue.vhost, queue.name, wanted)
        entry.count = len(found)
        return found


def shown(messages: list[PeekedMessage]) -> list[ShownMessage]:
    """Return the messages with their bodies made readable."""
    return [_shown(item) for item in messages]


def _shown(item: PeekedMessage) -> ShownMessage:
    properties = item.message.properties
    text, kind = display_text(
        item.message.body, properties.content_type, properties.content_encoding, max_characters=20_000
    )
    values = [
        (name, _moment(value) if name == "timestamp" else value)
        for name, value in properties.to_json().items()
        if name != "headers"
    ]
    return ShownMessage(item, text, kind, values, sorted(item.message.headers.items()))


def _moment(seconds: Any) -> str:
    """Return the time with the number as it was sent; only the number where it is no time that exists."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC ({seconds})"
    except (TypeError, ValueError, OverflowError, OSError):
        return str(seconds)
