"""What a private node can be told by neither AMQP nor the management API."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator

from deploy.node import Node
from tests.support.waiting import patient

_HUGE = 10**15  # bytes
_ENOUGH = 200 * 10**6  # what deploy.node configures


def call(node: Node, module: str, function: str, *arguments: float | str) -> str:
    """Have `node` call an Erlang function and return what that returned, as text.

    Arguments are numbers and atoms. By erl_call, part of the Erlang that RabbitMQ runs on: it takes milliseconds
    where rabbitmqctl, which starts an Erlang of its own, takes seconds. Raises subprocess.CalledProcessError when
    the node refuses.
    """
    record = json.loads((node.folder / "node.json").read_text())
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "HOME": str(node.folder / "home"),
        "ERL_EPMD_PORT": str(record["epmd_port"]),
    }
    cookie = (node.folder / "home" / ".erlang.cookie").read_text().strip()
    words = f"{module} {function} [{','.join(map(str, arguments))}]"
    command = ["erl_call", "-c", cookie, "-name", node.name, "-a", words]
    done = subprocess.run(command, env=environ, capture_output=True, timeout=patient(20), check=True)
    return done.stdout.decode()


@contextlib.contextmanager
def disk_alarm(node: Node) -> Iterator[None]:
    """Have the node find its disk full meanwhile: it reads nothing more from connections that publish."""
    _disk_limit(node, _HUGE)
    try:
        yield
    finally:
        _disk_limit(node, _ENOUGH)


def _disk_limit(node: Node, limit: int) -> None:
    answer = call(node, "rabbit_disk_monitor", "set_disk_free_limit", limit)
    assert answer == "ok", answer


def memory_watermark(node: Node, share: float) -> None:
    """Have the node find its memory full from this share of the machine's on; 0.4 is its default."""
    answer = call(node, "vm_memory_monitor", "set_vm_memory_high_watermark", f"{share:f}")
    assert answer == "ok", answer
