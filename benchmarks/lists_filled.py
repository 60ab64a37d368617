"""What a broker is made of, by the thousand, for `benchmarks.lists`: all of it by imports of definitions."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import pika
import requests

from benchmarks.common import BenchmarkError
from mqadmin.rabbit.config import BrokerConfig, load

TYPES = ("direct", "topic", "fanout", "headers")
APPS = 40  # each with exchanges of its own, and policies that match them
_HASH = "5gcyX4OTfyAVEqfCKhKhJQUhCMCmAGpWzRgSYDKqFtWrY6hv"  # of a password that nobody has
_IMPORT_S = 280.0
_PART = 1_000  # objects


def fill(broker: BrokerConfig, vhost: str, count: int) -> None:
    """Have `count` exchanges and bindings, a fifth of that policies, users and permissions, and so on. Raises
    BenchmarkError. In parts: the management API ends a call after five minutes."""
    session, url = requests.Session(), f"{broker.management_url.rstrip('/')}/api/definitions"
    for section, items in definitions(vhost, count).items():
        began = time.monotonic()
        for at in range(0, len(items), _PART):
            answer = session.post(url, json={section: items[at : at + _PART]}, timeout=_IMPORT_S)
            if not answer.ok:
                raise BenchmarkError(f"{section} were not taken: {answer.status_code} {answer.text[:500]}")
        print(f"{len(items)} {section} in {time.monotonic() - began:.0f} s", flush=True)


def definitions(vhost: str, count: int) -> dict[str, list[Any]]:
    """Return the definitions of all that is to be there, by section.

    Policies come before what they match: else each is tried on all of that.
    """
    fifth = max(1, count // 5)
    vhosts = [f"shop-{number:04}" for number in range(max(1, count // 33))]
    users = [f"app-{number:05}" for number in range(fifth)]
    return {
        "vhosts": [{"name": name} for name in vhosts],
        "users": [
            {
                "name": name,
                "password_hash": _HASH,
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": ("", "monitoring", "management")[number % 3],
                "limits": {"max-connections": 50} if number % 4 == 0 else {},
            }
            for number, name in enumerate(users)
        ],
        "permissions": list(_permissions(vhost, users, vhosts)),
        "topic_permissions": [
            {"user": name, "vhost": vhost, "exchange": "amq.topic", "write": "^orders\\.", "read": ".*"}
            for name in users
        ],
        "policies": list(_policies(vhost, fifth)),
        "exchanges": list(_exchanges(vhost, count)),
        "queues": [
            {
                "vhost": vhost,
                "name": f"queue.{number:04}",
                "durable": True,
                "auto_delete": False,
                "arguments": {},
            }
            for number in range(max(1, count // 50))
        ],
        "bindings": list(_bindings(vhost, count)),
        "parameters": [*_upstreams(vhost, fifth), *_shovels(vhost, count // 50), *_limits(vhosts)],
        "global_parameters": [
            {"name": f"note-{number:05}", "value": {"team": f"team {number % 17}", "since": number}}
            for number in range(fifth)
        ],
    }


def _permissions(vhost: str, users: list[str], vhosts: list[str]) -> Iterator[dict[str, str]]:
    for number, name in enumerate(users):
        own = f"^app-{number % APPS}\\."
        yield {"user": name, "vhost": vhost, "configure": "", "write": own, "read": ".*"}
        for step in range(4):
            other = vhosts[(number * 7 + step) % len(vhosts)]
            yield {"user": name, "vhost": other, "configure": own, "write": own, "read": f"{own}|^amq\\."}


def _exchanges(vhost: str, count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {
            "vhost": vhost,
            "name": f"app-{number % APPS}.events.{number:05}",
            "type": TYPES[number % len(TYPES)],
            "durable": True,
            "auto_delete": False,
            "internal": number % 50 == 7,
            "arguments": {"alternate-exchange": "amq.fanout"} if number % 5 == 0 else {},
        }


def _bindings(vhost: str, count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {
            "vhost": vhost,
            "source": f"app-{number % APPS}.events.{number:05}",
            "destination": f"queue.{number % max(1, count // 50):04}",
            "destination_type": "queue",
            "routing_key": f"orders.{number % 900}",
            "arguments": {},
        }


def _policies(vhost: str, count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {
            "vhost": vhost,
            "name": f"limits-{number:05}",
            "pattern": f"^app-{number % APPS}\\.events\\.{number % 97:02}",
            "apply-to": ("all", "exchanges", "queues")[number % 3],
            "priority": number % 11,
            "definition": {"alternate-exchange": "amq.fanout"}
            if number % 3 == 1
            else {"max-length": 10_000 + number, "overflow": "reject-publish"},
        }


def _upstreams(vhost: str, count: int) -> Iterator[dict[str, Any]]:
    """Upstreams that no policy uses: they are parameters, and nothing connects."""
    for number in range(count):
        value = {"uri": f"amqp://host-{number % 9}.example", "expires": 3_600_000, "max-hops": 1 + number % 3}
        yield {
            "vhost": vhost,
            "component": "federation-upstream",
            "name": f"other-{number:05}",
            "value": value,
        }


def _shovels(vhost: str, count: int) -> Iterator[dict[str, Any]]:
    """Shovels that run: each from an empty queue to the next."""
    for number in range(count):
        value = {
            "src-protocol": "amqp091",
            "src-uri": f"amqp:///{vhost}",
            "src-queue": f"queue.{number:04}",
            "dest-protocol": "amqp091",
            "dest-uri": f"amqp:///{vhost}",
            "dest-queue": f"queue.{(number + 1) % count:04}",
        }
        yield {"vhost": vhost, "component": "shovel", "name": f"move-{number:04}", "value": value}


def _limits(vhosts: list[str]) -> Iterator[dict[str, Any]]:
    for name in vhosts:
        yield {"vhost": name, "component": "vhost-limits", "name": "limits", "value": {"max-queues": 500}}


def main() -> None:
    """Open connections with two channels each, say so, and hold them until ended: a process of its own."""
    given = json.loads(sys.argv[1])
    config = load(dict(os.environ))["default"]
    held = []
    for number in range(given["connections"]):
        name = f"app-{number:05}"
        parameters = config.connection_parameters(given["vhost"], heartbeat=0, client_name=name)
        connection = pika.BlockingConnection(parameters)
        channels = [connection.channel(), connection.channel()]
        if number % 4 == 0:
            channels[0].basic_qos(prefetch_count=20)
            channels[0].basic_consume(f"queue.{number % given['queues']:04}", lambda *_given: None)
        held.append(connection)
    print("ready", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
