"""A RabbitMQ 4 beside Debian 12's 3.10, to run the broker tests on both.

    python3 -m deploy.rabbitmq4 unpack [--suite SUITE] [FOLDER]
    python3 -m deploy.rabbitmq4 start [--suite SUITE] [--series X.Y] [FOLDER]
    python3 -m deploy.rabbitmq4 stop [FOLDER]

`start` prints the MQADMIN_TEST_* variables for a shell to evaluate. The suite of Debian is `forky` (RabbitMQ 4.3)
unless said otherwise; `trixie` has 4.0. It is unpacked into the folder once (`var/rabbitmq4` unless named; each
suite has a folder of its own in there), and the node runs in a chroot there, with data of its own, on free ports of
the loopback. Only root can do this. `stop` stops the nodes of all suites. `unpack` does no more than that: it can
be done beside something else.

forky is Debian's testing until it is released, so what is in it moves: with `--series 4.3` another one is refused.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from deploy import ROOT, packages
from mqadmin.local import ports
from mqadmin.local.node import Node
from mqadmin.local.trouble import Trouble, report

_SUITE = "forky"
_MIRROR = "http://deb.debian.org/debian"
# debootstrap of Debian 12 knows no suite that is younger than itself, but all of them are unpacked by this script.
_SCRIPT = "sid"
_UNPACK_SECONDS = 1200  # two minutes, as a rule


def main() -> None:
    """Start or stop what the command line says."""
    parser = argparse.ArgumentParser(prog="python3 -m deploy.rabbitmq4")
    parser.add_argument("act", choices=["unpack", "start", "stop"])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "var" / "rabbitmq4")
    parser.add_argument("--suite", default=_SUITE)
    parser.add_argument("--series", default="", help="refuse a RabbitMQ of another one, such as 4.3")
    options = parser.parse_intermixed_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # it ends what it started
    if options.act == "unpack":
        unpack(options.folder.resolve() / options.suite, options.suite)
    elif options.act == "start":
        start(options.folder.resolve() / options.suite, options.suite, options.series)
    else:
        stop(options.folder.resolve())


def unpack(folder: Path, suite: str) -> None:
    """Unpack the suite into `folder`, unless it is there."""
    if os.geteuid() != 0:
        raise Trouble("A chroot needs root. Name another RabbitMQ 4 with MQADMIN_TEST_AMQP_URL instead.")
    complete = folder / "complete"
    if not complete.exists():
        _unpack(folder / "system", suite)
        complete.touch()


def start(folder: Path, suite: str, series: str) -> None:
    """Unpack the suite into `folder` if need be, start the node, print where it is."""
    unpack(folder, suite)
    system = folder / "system"
    node = _node(folder)
    try:
        version = _version(system)
        if series and not f"{version}.".startswith(f"{series}."):
            raise Trouble(
                f"Debian's {suite} has RabbitMQ {version} now, not {series}. "
                f"See how the tests do on it, then name its series in .ci/run."
            )
        _mount_proc(system, node.folder / "conf.d")
        node.start()
        node.wait()
    except Trouble:
        node.stop()
        (folder / "complete").unlink()  # what is broken, or of another series, is fetched anew the next time
        raise
    print(f"RabbitMQ {version} of Debian's {suite} runs.", file=sys.stderr, flush=True)
    print(f"export MQADMIN_TEST_AMQP_URL={node.amqp_url}")
    print(f"export MQADMIN_TEST_MANAGEMENT_URL={node.management_url}")
    print(f"export MQADMIN_TEST_ROOT={system}")  # where tests run nodes of their own


def stop(folder: Path) -> None:
    """Stop the nodes and take the mounts away again. The unpacked systems stay for the next time."""
    for chosen in folder.glob("*/ports.json"):
        _node(chosen.parent).stop()
    for proc in folder.glob("*/system/proc"):
        if proc.is_mount():
            subprocess.run(["umount", str(proc)], check=True)


def _unpack(system: Path, suite: str) -> None:
    if shutil.which("debootstrap") is None:
        packages.install("debootstrap", told=sys.stderr)
    shutil.rmtree(system, ignore_errors=True)  # of an attempt that was interrupted
    system.mkdir(parents=True)
    print(f"Unpacking Debian's {suite} with RabbitMQ into {system} ...", file=sys.stderr, flush=True)
    options = ["--variant=minbase", "--include=rabbitmq-server"]
    process = subprocess.Popen(
        ["debootstrap", *options, suite, str(system), _mirror(), _SCRIPT],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=_UNPACK_SECONDS)
    except subprocess.TimeoutExpired:
        raise Trouble(f"debootstrap did not come to its end within {_UNPACK_SECONDS} s.") from None
    finally:
        if process.returncode is None:  # with all that it runs inside
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode:
        raise Trouble("debootstrap failed:\n" + "\n".join(said.splitlines()[-8:]))


def _mirror() -> str:
    """Return the archive that apt is told to fetch Debian from, or Debian's own."""
    result = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Identifier: Packages", "Label: Debian"],
        capture_output=True,
        text=True,
        check=False,
    )
    addresses = [line for line in result.stdout.split() if line.startswith(("http://", "https://"))]
    return addresses[0] if addresses else _MIRROR


def _version(system: Path) -> str:
    """Return the version of the RabbitMQ that was unpacked, as 4.3.6."""
    folder = str(system / "var" / "lib" / "dpkg")
    query = ["dpkg-query", "--admindir", folder, "-W", "-f", "${Version}", "rabbitmq-server"]
    result = subprocess.run(query, capture_output=True, text=True, check=False)
    if result.returncode:
        raise Trouble(f"No RabbitMQ was unpacked into {system}: {result.stderr.strip()}")
    return result.stdout.partition("-")[0]


def _mount_proc(system: Path, settings: Path) -> None:
    """Let the node see how much memory there is. Where mounting is not allowed it does without: RabbitMQ 4.3 on
    Erlang 29 would not start (tried)."""
    proc = system / "proc"
    if not proc.is_mount():
        subprocess.run(["mount", "-t", "proc", "proc", str(proc)], capture_output=True, check=False)
    own = settings / "without-proc.conf"
    if proc.is_mount():
        own.unlink(missing_ok=True)
    else:
        settings.mkdir(parents=True, exist_ok=True)
        own.write_text("vm_memory_calculation_strategy = allocated\n")


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
