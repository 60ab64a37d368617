"""Looks at a queue so often, as another web process does. It prints a line before, and waits for one to be written.

Arguments: AMQP address, management address, vhost, queue, how often.
"""

from __future__ import annotations

import sys

from mqadmin.rabbit.config import load
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.peek import peek


def main(amqp_url: str, management_url: str, vhost: str, queue: str, times: str) -> None:
    client = ManagementClient(
        load({"RABBITMQ_URL": amqp_url, "RABBITMQ_MANAGEMENT_URL": management_url})["default"]
    )
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(times)):
        peek(client, vhost, queue, 10)


main(*sys.argv[1:])
