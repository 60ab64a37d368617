"""Looking at the messages at the head of a queue, where that harms none of them (guarantee 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import ngettext

from mqadmin.core import brokers
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.hooks import Registry
from mqadmin.core.pages import prose
from mqadmin.queues.models import Queue
from mqadmin.rabbit.management_api import peek as rabbit_peek
from mqadmin.rabbit.reading.display import display_text
from mqadmin.rabbit.types import PeekedMessage

MAX_COUNT = 50


# What hides in a message of a queue what is not for who asks: an app above this one knows it.
Mask = Callable[[Queue, PeekedMessage], PeekedMessage]
_masks: Registry[Mask] = Registry()
register_mask = _masks.register


@dataclass(frozen=True)
class ShownMessage:
    """A peeked message as a page shows it: `text` is readable, `kind` says what the body was."""

    message: PeekedMessage
    text: str
    kind: str
    properties: list[tuple[str, Any]]
    headers: list[tuple[str, Any]]


def peek(*, queue: Queue, by: Actor, count: int = 10) -> list[PeekedMessage]:
    """Return up to `count` (1 to 50) messages, having put them back; each says how (`PeekedMessage.put_back`).

    Raises UnsafePeek where looking could lose or delay one; RabbitError as the client does.
    """
    target = f"{queue.vhost}:{queue.name}"
    with audit.act(by=by, action="queue.peek", broker=queue.broker.slug, target=target) as entry:
        wanted = max(1, min(count, MAX_COUNT))
        found = rabbit_peek.peek(brokers.client(queue.broker.slug), queue.vhost, queue.name, wanted)
        entry.count = len(found)
        moved = {name: sum(item.put_back == name for item in found) for name in ("copied", "held")}
        entry.detail |= {name: number for name, number in moved.items() if number}
        for hide in _masks:
            found = [hide(queue, item) for item in found]
        return found


def said(messages: list[PeekedMessage]) -> str:
    """Return what looking changed beyond what every look does, in words; "" for nothing."""
    parts = []
    copied = sum(item.put_back == "copied" for item in messages)
    if copied:
        text = ngettext(
            "%(n)d message could not bear another return: it was put back as a copy, at the end of the queue, and "
            "its count begins anew.",
            "%(n)d messages could not bear another return: they were put back as copies, at the end of the queue, "
            "and their counts begin anew.",
            copied,
        )
        parts.append(text % {"n": copied})
    held = sum(item.put_back == "held" for item in messages)
    if held:
        text = ngettext(
            "%(n)d message cannot bear another return, and the broker took no copy of it: it is held, and put "
            "back when the broker takes one. Do not stop mqadmin before; it may be there twice then.",
            "%(n)d messages cannot bear another return, and the broker took no copies of them: they are held, and "
            "put back when the broker takes some. Do not stop mqadmin before; they may be there twice then.",
            held,
        )
        parts.append(text % {"n": held})
    return prose.paragraph(parts)


def shown(messages: list[PeekedMessage], queue: str = "") -> list[ShownMessage]:
    """Return the messages with their bodies made readable."""
    return [_shown(item, queue) for item in messages]


def _shown(item: PeekedMessage, queue: str) -> ShownMessage:
    properties = item.message.properties
    text, kind = display_text(
        item.message.body,
        properties.content_type,
        properties.content_encoding,
        queue=queue,
        max_characters=20_000,
    )
    values = [
        (name, _moment(value) if name == "timestamp" else value)
        for name, value in properties.to_json().items()
        if name != "headers"
    ]
    headers = sorted(item.message.headers.items(), key=lambda pair: str(pair[0]))
    return ShownMessage(item, text, kind, values, headers)


def _moment(seconds: Any) -> str:
    """Return the time with the number as it was sent; only the number where it is no time that exists."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC ({seconds})"
    except (TypeError, ValueError, OverflowError, OSError):
        return str(seconds)
