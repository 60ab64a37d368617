"""A cluster of RabbitMQ nodes on this machine, each with a name, ports and data of its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mqadmin.local import ports
from mqadmin.local.node import USER, Member, Node, stop_epmd
from tests.support import own_nodes


@contextmanager
def cluster(folder: Path, size: int = 3) -> Iterator[list[Node]]:
    """Run that many nodes of one cluster; everything of it is stopped at the end. `folder`: of `own_nodes.folder`
    where they are to be of another system."""
    root = own_nodes.root()
    names = tuple(f"mqadmin{number}@127.0.0.1" for number in range(1, size + 1))
    secret = secrets.token_hex(16)
    picked: set[int] = set()
    while len(picked) < 3 * size + 1:
        picked.add(ports.pick())
    epmd_port, *free = picked
    nodes = [
        Node(
            folder / name.partition("@")[0],
            free.pop(),
            free.pop(),
            root=root if root is not None and root in folder.parents else None,
            member=Member(name, free.pop(), names, epmd_port, secret),
        )
        for name in names
    ]
    try:
        for node in nodes:
            node.start()
        for node in nodes:
            node.wait()
        yield nodes
    finally:
        for node in nodes:
            node.stop(timeout=0)
        stop_epmd(epmd_port)


def urls(nodes: list[Node]) -> dict[str, str]:
    """Return the variables that name the cluster to mqadmin: all its nodes in each address."""
    amqp = ",".join(f"127.0.0.1:{node.amqp_port}" for node in nodes)
    http = ",".join(f"127.0.0.1:{node.http_port}" for node in nodes)
    login = f"{USER}:{nodes[0].password}"
    return {"RABBITMQ_URL": f"amqp://{login}@{amqp}/", "RABBITMQ_MANAGEMENT_URL": f"http://{login}@{http}/"}
