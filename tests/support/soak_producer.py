"""A producer as a process of its own: publishes confirmed messages at an even pace, then says how long it took.

    python -m tests.support.soak_producer VHOST QUEUE FIRST COUNT SECONDS BODY

publishes m<FIRST> to m<FIRST+COUNT-1> to the broker in RABBITMQ_URL. Prints the seconds; exits with 1 when the
broker did not take every message.
"""

from __future__ import annotations

import os
import sys
import time

from mqadmin.rabbit.config import load
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.publishing.publisher import Outgoing, Publisher

SLICES = 20  # in which the messages leave


def main() -> int:
    vhost, queue, first, count, seconds, body = sys.argv[1:]
    publisher = Publisher(load(os.environ)["default"], vhost)
    numbers = range(int(first), int(first) + int(count))
    began = time.monotonic()
    taken = True
    for part in range(SLICES):
        items = [
            Outgoing("", queue, body.encode(), Properties(message_id=f"m{number}", delivery_mode=2))
            for number in numbers[part::SLICES]
        ]
        taken &= all(receipt.ok for receipt in publisher.publish_batch(items, timeout_s=120))
        ahead = began + float(seconds) * (part + 1) / SLICES - time.monotonic()
        time.sleep(max(0.0, ahead))
    publisher.close()
    print(round(time.monotonic() - began, 2))
    return 0 if taken else 1


if __name__ == "__main__":
    sys.exit(main())
