"""rabbitmqctl for a private node: what neither AMQP nor the management API can do."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from deploy import node as nodes
from deploy.node import Node

_HUGE = "1000000GB"
_ENOUGH = "200MB"  # what deploy.node configures


def control(node: Node, *arguments: str) -> str:
    """Run rabbitmqctl on `node` and return what it printed. Takes seconds: it starts an Erlang of its own.

    Raises subprocess.CalledProcessError when the node refuses, AssertionError without an installed RabbitMQ.
    """
    server = nodes.program()
    assert server, "rabbitmq-server is not installed"
    record = json.loads((node.folder / "node.json").read_text())
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "HOME": str(node.folder / "home"),  # holds the cookie
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(record["epmd_port"]),
        "RABBITMQ_NODENAME": "mqadmin@127.0.0.1",
        "RABBITMQ_USE_LONGNAME": "true",
        "RABBITMQ_CTL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_CONF_ENV_FILE": str(node.folder / "rabbitmq-env.conf"),
    }
    command = [str(Path(server).with_name("rabbitmqctl")), "--quiet", *arguments]
    done = subprocess.run(command, env=environ, cwd=node.folder, capture_output=True, timeout=60, check=False)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return done.stdout.decode()


@contextlib.contextmanager
def disk_alarm(node: Node) -> Iterator[None]:
    """Have the node find its disk full meanwhile: it reads nothing more from connections that publish."""
    control(node, "set_disk_free_limit", _HUGE)
    try:
        yield
    finally:
        control(node, "set_disk_free_limit", _ENOUGH)
