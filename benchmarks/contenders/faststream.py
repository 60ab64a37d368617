"""FastStream on RabbitMQ, with what speeds it up: no log line for each message, no type conversion."""

from __future__ import annotations

import asyncio
from typing import Any

from aio_pika import IncomingMessage
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue

from benchmarks.contenders import clock


def count_acks(timer: clock.Clock, done: asyncio.Event) -> None:
    """Have every ack that FastStream makes counted once it is written."""
    ack = IncomingMessage.ack

    async def counted(message: IncomingMessage, multiple: bool = False) -> None:
        await ack(message, multiple)
        if timer.acked():
            done.set()

    IncomingMessage.ack = counted  # type: ignore[method-assign, assignment]


async def consume() -> None:
    told = clock.given()
    timer = clock.Clock(told["messages"])
    done = asyncio.Event()
    count_acks(timer, done)
    broker = RabbitBroker(
        clock.amqp_url(told["vhost"]),
        default_channel=Channel(prefetch_count=told["prefetch"]),
        apply_types=False,
        logger=None,
    )

    @broker.subscriber(RabbitQueue(told["queue"], durable=True))
    async def on_message(_body: Any) -> None:
        timer.in_hand()

    await broker.start()
    await done.wait()
    await broker.stop()
    timer.report()


if __name__ == "__main__":
    asyncio.run(consume())
