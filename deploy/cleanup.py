"""End what a test run left behind: its processes and the RabbitMQ nodes below its folder.

    python3 -m deploy.cleanup RUN FOLDER

Its processes carry its id, or have its folder as TMPDIR: tests that start a `make up` give that an id of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mqadmin.local import processes
from mqadmin.local.node import Node
from mqadmin.local.trouble import report


def main() -> None:
    """End the processes of the run, and stop every node with data below the folder."""
    run, folder = sys.argv[1:]
    processes.end_run(run, patience=3)
    processes.end(processes.carrying("TMPDIR", folder), patience=3)
    for record in Path(folder).rglob("node.json"):
        Node(record.parent, 0, 0).stop(timeout=0)


if __name__ == "__main__":
    report(main)
