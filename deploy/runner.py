"""Run the Procfile's processes, and keep each running (`deploy.running`).

    python -m deploy.runner PROCFILE [NAME_TO_LEAVE_OUT...]

They are forked from this process, which loads once what they need; with MQADMIN_FORK=off, or where that cannot be
loaded, each is started by itself. Their output goes to the terminal and to $MQADMIN_VAR/log/mqadmin.log.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from honcho.colour import get_colours
from honcho.environ import parse_procfile

from deploy.running import STOP_SECONDS
from deploy.running.kept import Keeper, Kept
from deploy.running.loaded import PROGRAMS, Loaded, Role, words
from deploy.running.output import Tee


def main() -> int:
    """Run until SIGINT or SIGTERM; all processes have ended when this returns."""
    role = _run(Path(sys.argv[1]), sys.argv[2:])
    if role is not None:  # a process that was forked
        role()
    return 0


def _run(procfile: Path, left_out: list[str]) -> Role | None:
    os.environ["PYTHONUNBUFFERED"] = "1"
    is_forking = os.environ.get("MQADMIN_FORK", "").strip() != "off"
    lines = parse_procfile(procfile.read_text()).processes.items()
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
