"""dramatiq: one worker process with its default middleware. `publish` fills its queue in its own format."""

from __future__ import annotations

import os
import threading
from typing import Any

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from pika.adapters.blocking_connection import BlockingChannel

from benchmarks.contenders import clock

PREFETCH_VARIABLE = "dramatiq_queue_prefetch"  # dramatiq reads it when it is imported


def count_acks(timer: clock.Clock, done: threading.Event) -> None:
    """Have every ack that dramatiq makes counted once it is written."""
    ack = BlockingChannel.basic_ack

    def counted(channel: BlockingChannel, *arguments: Any, **named: Any) -> None:
        ack(channel, *arguments, **named)
        if timer.acked():
            done.set()

    BlockingChannel.basic_ack = counted  # type: ignore[method-assign, assignment]


def main() -> None:
    told = clock.given()
    timer = clock.Clock(told["messages"])
    broker = RabbitmqBroker(url=clock.amqp_url(told["vhost"]))
    dramatiq.set_broker(broker)

    @dramatiq.actor(queue_name=told["queue"], broker=broker)
    def noop(_payload: str) -> None:
        timer.in_hand()

    if told.get("publish"):
        for _ in range(timer.messages):
            noop.send(told["payload"])
        broker.close()
        timer.report()
        return
    if os.environ.get(PREFETCH_VARIABLE) != str(told["prefetch"]):
        raise SystemExit(f"set {PREFETCH_VARIABLE} for the prefetch")
    done = threading.Event()
    count_acks(timer, done)
    worker = dramatiq.Worker(broker, worker_threads=told["threads"])
    worker.start()
    done.wait()
    worker.stop()
    broker.close()
    timer.report()


if __name__ == "__main__":
    main()
