"""Run the Procfile's processes, and keep each running (`mqadmin.up.running`).

    python -m mqadmin.up.runner PROCFILE [NAME_TO_LEAVE_OUT...]

They are forked from this process, which loads once what they need; with MQADMIN_FORK=off, or where that cannot be
loaded, each is started by itself. Their output goes to the terminal and to $MQADMIN_VAR/log/mqadmin.log.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from honcho.colour import get_colours
from honcho.environ import parse_procfile

from mqadmin import place
from mqadmin.up.running import STOP_SECONDS
from mqadmin.up.running.kept import Keeper, Kept
from mqadmin.up.running.loaded import PROGRAMS, Loaded, Role, words
from mqadmin.up.running.output import Tee


def main() -> int:
    """Run until SIGINT or SIGTERM; all processes have ended when this returns."""
    role = _run(Path(sys.argv[1]), sys.argv[2:])
    if role is not None:  # a process that was forked
        role()
    return 0


def _run(procfile: Path, left_out: list[str]) -> Role | None:
    os.environ["PYTHONUNBUFFERED"] = "1"
    is_forking = os.environ.get("MQADMIN_FORK", "").strip() != "off"
    lines = parse_procfile(place.procfile(procfile)).processes.items()
    colours = get_colours()
    kept = [
        Kept(name, command, next(colours), words(command) if is_forking else ())
        for name, command in lines
        if name not in left_out
    ]
    keeper = Keeper(kept, Tee(Path(os.environ["MQADMIN_VAR"]) / "log" / "mqadmin.log"), STOP_SECONDS)
    if any(one.words[0] in PROGRAMS for one in kept if one.words):
        keeper.fork_from(Loaded)
    return keeper.run()


if __name__ == "__main__":
    sys.exit(main())
