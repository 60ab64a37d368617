"""A RabbitMQ 4 beside Debian 12's 3.10, to run the broker tests on both.

    python3 -m deploy.rabbitmq4 start [FOLDER]    prints the MQADMIN_TEST_* variables for a shell to evaluate
    python3 -m deploy.rabbitmq4 stop [FOLDER]

Debian 13 is unpacked into the folder once (`var/rabbitmq4` unless named) and the node runs there in a chroot,
with data of its own, on free ports of the loopback. Only root can do this.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy import packages, ports
from deploy.node import Node
from deploy.options import ROOT
from deploy.trouble import Trouble, report

_SUITE = "trixie"


def main() -> None:
    """Start or stop the node of the folder on the command line."""
    match sys.argv[1:]:
        case ["start", *rest]:
            start(_folder(rest))
        case ["stop", *rest]:
            stop(_folder(rest))
        case _:
            raise Trouble("Say start or stop, and perhaps a folder.")


def start(folder: Path) -> None:
    """Unpack Debian 13 if need be, start the node, print where it is."""
    if os.geteuid() != 0:
        raise Trouble("A chroot needs root. Name another RabbitMQ 4 with MQADMIN_TEST_AMQP_URL instead.")
    system = folder / "system"
    if not (folder / "complete").exists():
        _unpack(system)
        (folder / "complete").touch()
    _mount_proc(system)
    node = _node(folder)
    node.start()
    node.wait()
    print(f"export MQADMIN_TEST_AMQP_URL={node.amqp_url}")
    print(f"export MQADMIN_TEST_MANAGEMENT_URL={node.management_url}")


def stop(folder: Path) -> None:
    """Stop the node and take the mount away again. The unpacked system stays for the next time."""
    _node(folder).stop()
    proc = folder / "system" / "proc"
    if proc.is_mount():
        subprocess.run(["umount", str(proc)], check=True)


def _folder(rest: list[str]) -> Path:
    return Path(rest[0]).resolve() if rest else ROOT / "var" / "rabbitmq4"


def _unpack(system: Path) -> None:
    if shutil.which("debootstrap") is None:
        packages.install("debootstrap", told=sys.stderr)
    shutil.rmtree(system, ignore_errors=True)  # of an attempt that was interrupted
    system.mkdir(parents=True)
    print(f"Unpacking Debian 13 with RabbitMQ 4 into {system} ...", file=sys.stderr, flush=True)
    result = subprocess.run(
        ["debootstrap", "--variant=minbase", "--include=rabbitmq-server", _SUITE, str(system)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode:
        raise Trouble("debootstrap failed:\n" + "\n".join(result.stdout.splitlines()[-8:]))


def _mount_proc(system: Path) -> None:
    """Let the node see how much memory there is. Where mounting is not allowed it does without."""
    if not (system / "proc").is_mount():
        subprocess.run(
            ["mount", "-t", "proc", "proc", str(system / "proc")], capture_output=True, check=False
        )


def _node(folder: Path) -> Node:
    chosen = folder / "ports.json"
    if not chosen.exists():
        folder.mkdir(parents=True, exist_ok=True)
        chosen.write_text(json.dumps([ports.pick(), ports.pick()]))
    amqp_port, http_port = json.loads(chosen.read_text())
    system = folder / "system"
    return Node(system / "srv" / "rabbitmq", amqp_port, http_port, root=system)


if __name__ == "__main__":
    report(main)
