"""What a private node can be told by neither AMQP nor the management API."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator

from mqadmin.local.node import Node
from tests.support.waiting import patient

_HUGE = 10**15  # bytes
_ENOUGH = 200 * 10**6  # what mqadmin.local.node configures


def call(node: Node, module: str, function: str, *arguments: float | str) -> str:
    """Have `node` call an Erlang function and return what that returned, as text.

    Arguments are numbers and atoms. By erl_call, part of the Erlang that RabbitMQ runs on: it takes milliseconds
    where rabbitmqctl, which starts an Erlang of its own, takes seconds. Raises subprocess.CalledProcessError when
    the node refuses.
    """
    return _erl_call(node, "-a", f"{module} {function} [{','.join(map(str, arguments))}]")


def _erl_call(node: Node, *words: str, given: str = "") -> str:
    record = json.loads((node.folder / "node.json").read_text())
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "HOME": str(node.folder / "home"),
        "ERL_EPMD_PORT": str(record["epmd_port"]),
    }
    cookie = (node.folder / "home" / ".erlang.cookie").read_text().strip()
    command = ["erl_call", "-c", cookie, "-name", node.name, *words]
    done = subprocess.run(
        command, env=environ, input=given.encode(), capture_output=True, timeout=patient(20), check=True
    )
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


def evaluate(node: Node, expressions: str) -> str:
    """Have `node` evaluate Erlang expressions ("a(), b().") and return the value of the last one, as text.

    Raises subprocess.CalledProcessError when the node cannot be reached; what raises there is an {error, ...} here.
    """
    return _erl_call(node, "-e", given=f"{expressions}\n")


def stop_vhost(node: Node, name: str) -> None:
    """End the processes of a virtual host on a node, as a fault of its message store would; its messages stay."""
    text = f'<<"{name}">>'
    answer = evaluate(
        node,
        f"{{ok, Sup}} = rabbit_vhost_sup_sup:get_vhost_sup({text}), "
        f"[{{_, Wrapper}}] = [{{Id, Pid}} || {{Id, Pid, _, _}} <- supervisor:which_children(rabbit_vhost_sup_sup), "
        f"lists:member(Sup, [Child || {{_, Child, _, _}} <- supervisor:which_children(Pid)])], "
        f"ok = supervisor:terminate_child(rabbit_vhost_sup_sup, Wrapper).",
    )
    assert answer == "{ok, ok}", answer


@contextlib.contextmanager
def silent_leader(node: Node, queue: str) -> Iterator[None]:
    """Have the leader of a quorum queue in "/" do nothing meanwhile, as one that waits for a slow disk does."""
    name = f"'%2F_{queue}'"
    assert evaluate(node, f"sys:suspend({name}).") == "{ok, ok}"
    try:
        yield
    finally:
        assert evaluate(node, f"sys:resume({name}).") == "{ok, ok}"
