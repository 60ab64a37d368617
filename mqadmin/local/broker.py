"""Which RabbitMQ mqadmin starts where it was named none: that of the system's package, or one in Docker."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from mqadmin import place
from mqadmin.local import docker, node, packages
from mqadmin.local.trouble import Trouble


class PrivateBroker(Protocol):
    """A RabbitMQ that mqadmin starts and stops itself."""

    @property
    def amqp_url(self) -> str: ...
    @property
    def management_url(self) -> str: ...
    @property
    def running(self) -> bool: ...
    def start(self) -> None: ...
    def wait(self) -> None: ...
    def stop(self, timeout: float) -> None: ...


def require() -> None:
    """Raise Trouble, of code 2, unless a private broker can be started: from the system's package, or by Docker."""
    if node.program() is None and not docker.answers():
        raise Trouble(
            "There is no RabbitMQ to run. Do one of these, then run it again:\n"
            f"  {packages.command('rabbitmq-server')}\n"
            f"  start Docker, and mqadmin will use the image {docker.IMAGE}\n"
            f"  {place.UP} RABBITMQ_URL=amqp://user:password@host:5672/ for a RabbitMQ you already have",
            code=2,
        )


def private(folder: Path, amqp_port: int, http_port: int) -> PrivateBroker:
    """Return the broker whose data lives in `folder`, not started yet."""
    if node.program() is not None:
        return node.Node(folder, amqp_port, http_port)
    return docker.Container(folder, amqp_port, http_port)
