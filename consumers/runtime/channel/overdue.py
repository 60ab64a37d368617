"""Why RabbitMQ ended a subscription: since 4.3 also for a message of a quorum queue that was held too long."""

from __future__ import annotations

from typing import Protocol

from pika import SelectConnection
from pika.channel import Channel

_SINCE = (4, 3)  # before, the consumer timeout closes the channel, and says so


class Told(Protocol):
    def __call__(self, *, was_overdue: bool) -> None: ...


def explain_cancel(connection: SelectConnection, queue: str, told: Told) -> None:
    """Find out why RabbitMQ cancelled the consumer of `queue` while messages were in hand, and say so, once.

    A basic.cancel has no reason. For a message that was held too long RabbitMQ 4.3 sends one and leaves the channel
    open, where it then ignores the late ack; the other messages in hand can still be acked (tried on 4.3.6). A
    queue that was deleted, or whose node is gone, cannot be declared passively; one that can is overdue.
    I/O thread only.
    """
    if not connection.is_open or _version(connection) < _SINCE:
        told(was_overdue=False)
        return
    answers: list[bool] = []

    def answer(*, was_overdue: bool) -> None:
        if not answers:
            answers.append(was_overdue)
            told(was_overdue=was_overdue)

    def opened(channel: Channel) -> None:
        channel.add_on_close_callback(lambda _channel, _error: answer(was_overdue=False))
        channel.queue_declare(queue, passive=True, callback=lambda _frame: exists(channel))

    def exists(channel: Channel) -> None:
        answer(was_overdue=True)
        if channel.is_open:
            channel.close()

    connection.channel(on_open_callback=opened)


def _version(connection: SelectConnection) -> tuple[int, ...]:
    """Return RabbitMQ's version, (0,) where it is none."""
    text = str((connection.server_properties or {}).get("version", ""))
    numbers = text.split(".")[:2]
    return tuple(map(int, numbers)) if all(part.isdecimal() for part in numbers) else (0,)
