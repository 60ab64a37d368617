"""Which RabbitMQ `make up` uses: the user's, or a private one from the package or from Docker."""

from __future__ import annotations

from typing import Protocol

from deploy import docker, node, packages
from deploy.options import Options
from deploy.trouble import Trouble


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


def obtain() -> None:
    """See to it that a private broker can be started: install the package, or find Docker. Raises Trouble."""
    if node.program() is not None:
        return
    if packages.can_install():
        packages.install("rabbitmq-server")
    elif not docker.answers():
        raise Trouble(
            "There is no RabbitMQ to run. Do one of these, then run it again:\n"
            f"  {packages.command('rabbitmq-server')}\n"
            "  start Docker, and mqadmin will use the image " + docker.IMAGE + "\n"
            "  make up RABBITMQ_URL=amqp://user:password@host:5672/ for a RabbitMQ you already have"
        )


def private(options: Options) -> PrivateBroker:
    """Return this installation's own broker, not started yet."""
    folder = options.var / "rabbitmq"
    if node.program() is not None:
        return node.Node(folder, options.amqp_port, options.http_port)
    return docker.Container(folder, options.amqp_port, options.http_port)
