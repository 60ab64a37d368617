"""Messages through the busy queues of `benchmarks.dashboard`, in a process of its own until it is ended."""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time

from benchmarks import common
from mqadmin.rabbit.config import load
from mqadmin.stack import with_room


def main() -> None:
    """Publish to each queue about once a second; four in five of them are consumed from."""
    given = json.loads(sys.argv[1])
    config, vhost, busy = load(dict(os.environ))["default"], given["vhost"], given["busy"]

    def consume() -> None:
        with common.channel(config, vhost) as channel:
            channel.basic_qos(prefetch_count=20)
            for place, name in enumerate(busy):
                if place % 5:
                    channel.basic_consume(name, lambda ch, method, _p, _b: ch.basic_ack(method.delivery_tag))
            channel.start_consuming()

    threading.Thread(target=consume, daemon=True).start()
    dice = random.Random(3)
    with common.channel(config, vhost) as channel:
        while True:
            began = time.monotonic()
            for name in busy:
                if dice.random() < 0.8:
                    channel.basic_publish("", name, b'{"order": 17}')
            channel.connection.process_data_events(0)
            time.sleep(max(0.0, 1 - (time.monotonic() - began)))


if __name__ == "__main__":
    with_room(main)()  # ours and the peers alike
