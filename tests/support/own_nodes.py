"""Nodes of a test's own: of Debian's RabbitMQ, or of the one that was unpacked for a run on another version."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from mqadmin.local import ports
from mqadmin.local.node import Node

# Those that tests of this process share, by the fixture that has them (names of order.SHARED): each is started for
# a test that uses it and runs on for the next one, and is stopped where that one does not.
shared: dict[str, Node] = {}

ROOT_VARIABLE = "MQADMIN_TEST_ROOT"  # a system to be run in a chroot; `deploy.rabbitmq4` names it


def root() -> Path | None:
    """Return the system that nodes are to run in, or None for this one: also where one may not chroot."""
    named = os.environ.get(ROOT_VARIABLE)
    return Path(named) if named and os.geteuid() == 0 else None


@contextlib.contextmanager
def folder(scratch: Path) -> Iterator[Path]:
    """Yield a folder for nodes: in `scratch`, or where the other system sees it: that one goes afterwards."""
    system = root()
    if system is None:
        yield scratch
        return
    inside = system / "srv" / f"test-{secrets.token_hex(6)}"
    inside.mkdir(parents=True)
    try:
        yield inside
    finally:
        shutil.rmtree(inside, ignore_errors=True)


def seen(path: Path) -> str:
    """Return how a node names a file of its."""
    system = root()
    return str(path if system is None else Path("/") / path.relative_to(system))


@contextlib.contextmanager
def running(
    place: Path, *, plugins: tuple[str, ...] = (), settings: Mapping[str, str] | None = None
) -> Iterator[Node]:
    """Run a node in the folder `place`, with these lines of rabbitmq.conf besides its own."""
    node = Node(place, ports.pick(), ports.pick(), root=root(), plugins=plugins)
    own = node.folder / "conf.d"
    own.mkdir(parents=True, exist_ok=True, mode=0o700)
    given = dict(settings or {})
    if node.root is not None and not (node.root / "proc").is_mount():  # see deploy.rabbitmq4
        given["vm_memory_calculation_strategy"] = "allocated"
    lines = [f"{name} = {value}\n" for name, value in given.items()]
    (own / "own.conf").write_text("".join(lines))
    try:
        node.start()
        node.wait()
        yield node
    finally:
        node.stop(timeout=0)
