"""aio-pika: a coroutine for each message, which acks it."""

from __future__ import annotations

import asyncio

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from benchmarks.contenders import clock


async def consume() -> None:
    told = clock.given()
    timer = clock.Clock(told["messages"])
    done = asyncio.Event()

    async def on_message(message: AbstractIncomingMessage) -> None:
        timer.in_hand()
        await message.ack()
        if timer.acked():
            done.set()

    connection = await aio_pika.connect(clock.amqp_url(told["vhost"]))
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=told["prefetch"])
    queue = await channel.get_queue(told["queue"])
    await queue.consume(on_message)
    await done.wait()
    await connection.close()
    timer.report()


if __name__ == "__main__":
    asyncio.run(consume())
