"""The RabbitMQ of a test run: the one that MQADMIN_TEST_* names, else a private one shared by all workers."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from mqadmin.local import ports
from mqadmin.local.node import Node

AMQP_VARIABLE = "MQADMIN_TEST_AMQP_URL"
MANAGEMENT_VARIABLE = "MQADMIN_TEST_MANAGEMENT_URL"
# Nothing listens on port 1: a test that forgot to ask for a broker finds none, rather than somebody's.
NOWHERE = {
    "RABBITMQ_URL": "amqp://guest:guest@127.0.0.1:1/",
    "RABBITMQ_MANAGEMENT_URL": "http://127.0.0.1:1/",
}


def named() -> bool:
    """Whether the environment already names the broker to test against."""
    return bool(os.environ.get(AMQP_VARIABLE) and os.environ.get(MANAGEMENT_VARIABLE))


def version() -> str:
    """Return what the named broker is, as "RabbitMQ 4.3.6", or why it does not say."""
    from mqadmin.rabbit.config import load
    from mqadmin.rabbit.errors import RabbitError
    from mqadmin.rabbit.management_api.client import ManagementClient

    amqp_url, management_url = os.environ[AMQP_VARIABLE], os.environ[MANAGEMENT_VARIABLE]
    client = ManagementClient(
        load({"RABBITMQ_URL": amqp_url, "RABBITMQ_MANAGEMENT_URL": management_url})["default"]
    )
    try:
        overview = client.overview()
    except RabbitError as error:
        return f"a RabbitMQ that does not answer: {error}"
    finally:
        client.close()
    return f"{overview.product} {overview.version}"


def point_here(amqp_url: str, management_url: str) -> None:
    """Make this broker the one of the tests, of mqadmin's settings and of processes the tests start."""
    from mqadmin.core import brokers

    os.environ[AMQP_VARIABLE] = os.environ["RABBITMQ_URL"] = amqp_url
    os.environ[MANAGEMENT_VARIABLE] = os.environ["RABBITMQ_MANAGEMENT_URL"] = management_url
    brokers.forget()


def shared_node(folder: Path) -> Node:
    """Return the node in `folder`, starting it unless another worker already did."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        chosen = folder / "ports.json"
        if not chosen.exists():
            chosen.write_text(json.dumps([ports.pick(), ports.pick()]))
        node = Node(folder, *json.loads(chosen.read_text()))
        node.start()
        node.wait()
    return node


def stop_all(folder: Path) -> None:
    """Stop every node whose data lies below `folder`, without waiting for it to put its affairs in order."""
    for record in folder.glob("*/node.json"):
        Node(record.parent, 0, 0).stop(timeout=0)
