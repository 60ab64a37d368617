"""A FastStream service: an exception rejects the message, and its queue's dead-letter exchange takes it.

`python -m tests.deadletters.real.apps.parcels` serves; with the argument `send` it publishes what to work on.
"""

from __future__ import annotations

import asyncio
import sys

from faststream import AckPolicy, FastStream
from faststream.rabbit import ExchangeType, RabbitBroker, RabbitExchange, RabbitQueue
from pydantic import BaseModel

from tests.deadletters.real.apps.common import book, url

broker = RabbitBroker(url())
app = FastStream(broker)
exchange = RabbitExchange("parcels", type=ExchangeType.TOPIC, durable=True)
dead = RabbitExchange("parcels.dlx", type=ExchangeType.FANOUT, durable=True)
queue = RabbitQueue(
    "parcels",
    durable=True,
    routing_key="parcel.*",
    arguments={"x-dead-letter-exchange": "parcels.dlx"},
)
parcels = broker.publisher(exchange=exchange, routing_key="parcel.new", persist=True)


class Parcel(BaseModel):
    job: str
    weight: float


@broker.subscriber(queue, exchange, ack_policy=AckPolicy.REJECT_ON_ERROR)
async def ship(parcel: Parcel) -> None:
    book(parcel.job)


@app.on_startup
async def declare() -> None:
    await broker.connect()
    taken = await broker.declare_exchange(dead)
    bound = await broker.declare_queue(RabbitQueue("parcels.dead", durable=True))
    await bound.bind(taken)


async def send() -> None:
    await broker.connect()
    source = await broker.declare_exchange(exchange)
    bound = await broker.declare_queue(queue)
    await bound.bind(source, routing_key="parcel.*")
    await declare()
    for number in (1, 2, 3):
        await parcels.publish(
            Parcel(job=f"faststream-{number}", weight=number + 0.5),
            headers={"weight": number + 0.5, "tenant": "acme"},
        )
    await broker.stop()


if __name__ == "__main__":
    asyncio.run(send() if sys.argv[1:] == ["send"] else app.run())
