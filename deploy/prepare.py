"""The part of `make up` that needs nothing but Python: is the way clear, and is there a RabbitMQ to start?

    python3 -m deploy.prepare

Every fault that a person can put right is found here, before anything is downloaded. Last comes the virtual
environment.
"""

from __future__ import annotations

from deploy import packages, venv
from mqadmin.local import broker, node
from mqadmin.local.trouble import report
from mqadmin.up import prepare
from mqadmin.up.options import from_environ


def main() -> None:
    """Check everything `make up` needs; install RabbitMQ when it is to be private, and packages, where missing."""
    options = from_environ()
    prepare.check(options)
    if options.private_broker:
        obtain()
    venv.ensure("requirements.txt")


def obtain() -> None:
    """See to it that a private broker can be started: install the package, or find Docker. Raises Trouble."""
    if node.program() is None and packages.can_install():
        packages.install("rabbitmq-server")
    broker.require()


if __name__ == "__main__":
    report(main)
