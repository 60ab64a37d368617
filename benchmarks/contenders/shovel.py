"""RabbitMQ's own dynamic shovel: as many messages as the queue holds, acked when confirmed, prefetch 1,000.

Those are its defaults. Its clock runs from the first message that is seen to arrive until all are there: the time
it takes to start is not counted, though the time ours takes to start is.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import pika
import requests

from benchmarks.contenders import clock

_LOOK_SECONDS = 0.005
_LIMIT_SECONDS = 300.0
_NAME = "benchmark"


def order(told: dict[str, Any]) -> str:
    """Declare the shovel and return the address that names it. Raises requests.RequestException."""
    config = clock.broker()
    base = config.management_url.rstrip("/")
    url = f"{base}/api/parameters/shovel/{quote(told['vhost'], safe='')}/{_NAME}"
    uri = clock.amqp_url(told["vhost"])
    value = {
        "src-protocol": "amqp091",
        "src-uri": uri,
        "src-queue": told["queue"],
        "src-prefetch-count": 1000,
        "src-delete-after": "queue-length",
        "dest-protocol": "amqp091",
        "dest-uri": uri,
        "dest-queue": told["to"],
        "ack-mode": "on-confirm",
    }
    answer = requests.put(url, json={"value": value}, auth=config.auth(), timeout=10)
    answer.raise_for_status()
    return url


def main() -> None:
    told = clock.given()
    timer = clock.Clock(told["messages"])
    connection = pika.BlockingConnection(clock.broker().connection_parameters(told["vhost"]))
    channel = connection.channel()

    def arrived() -> int:
        return int(channel.queue_declare(told["to"], passive=True).method.message_count or 0)

    asked = time.monotonic()
    url = order(told)
    limit = asked + _LIMIT_SECONDS
    while not arrived():
        if time.monotonic() > limit:
            raise SystemExit("the shovel moved nothing: is the plugin rabbitmq_shovel enabled?")
        time.sleep(_LOOK_SECONDS)
    timer.in_hand()
    began = time.monotonic()
    while arrived() < timer.messages:
        if time.monotonic() > limit:
            raise SystemExit(f"the shovel moved {arrived()} messages of {timer.messages}")
        time.sleep(_LOOK_SECONDS)
    timer.stop()
    connection.close()
    # It deletes itself once the last is acked: then nothing of the source is unacked any more.
    while requests.get(url, auth=clock.broker().auth(), timeout=10).status_code != 404:
        if time.monotonic() > limit:
            raise SystemExit("the shovel did not end")
        time.sleep(0.05)
    timer.report(started=began - asked)


if __name__ == "__main__":
    main()
