"""The loop of every tutorial: `pika.BlockingConnection`, a callback, one ack for each message."""

from __future__ import annotations

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic

from benchmarks.contenders import clock


def main() -> None:
    told = clock.given()
    timer = clock.Clock(told["messages"])
    connection = pika.BlockingConnection(clock.broker().connection_parameters(told["vhost"]))
    channel = connection.channel()
    channel.basic_qos(prefetch_count=told["prefetch"])

    def on_message(
        channel: BlockingChannel, method: Basic.Deliver, _properties: pika.BasicProperties, _body: bytes
    ) -> None:
        timer.in_hand()
        channel.basic_ack(method.delivery_tag or 0)
        if timer.acked():
            channel.stop_consuming()

    channel.basic_consume(told["queue"], on_message)
    channel.start_consuming()
    connection.close()
    timer.report()


if __name__ == "__main__":
    main()
