"""A real supervisor that always races: python racing_supervisor.py NAME PORT VHOST REFUSED-FILE

It believes that every replica is its to start, and waits before each claim until the other supervisor is about to
make the same one (a line to and from PORT). Its processes are racing_child.py instead of real consumers.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

import django

django.setup()

from consumers.scaling.placement import Placement  # noqa: E402
from consumers.supervisor import rows  # noqa: E402
from consumers.supervisor.loop import Supervisor  # noqa: E402
from consumers.supervisor.machine.wake import Wake  # noqa: E402

CHILD = "tests.consumers.supervisor.live.racing_child"


def main() -> None:
    name, port, vhost, refused = sys.argv[1:]
    line = socket.create_connection(("127.0.0.1", int(port))).makefile("rw")
    claim = rows.claim

    def together(start: Any, definition: Any, supervisor: str) -> Any:
        line.write(f"{definition.name} {definition.nudge}\n")
        line.flush()
        line.readline()
        return claim(start, definition, supervisor)

    rows.claim = together
    Placement.place = lambda *_arguments: True  # type: ignore[method-assign]
    wake = Wake()
    supervisor = Supervisor(
        name, lambda consumer, _id: [sys.executable, "-m", CHILD, vhost, consumer, refused]
    )
    supervisor.run(wake)
    supervisor.finish(wake, stop_consumers=True)


main()
