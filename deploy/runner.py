"""Run the Procfile's processes under honcho, each kept running by `deploy.keep`.

    python -m deploy.runner PROCFILE [NAME_TO_LEAVE_OUT...]

honcho alone ends everything as soon as one process ends; with `keep` in between it sees an end only when
all are told to stop. Their output goes to the terminal and to $MQADMIN_VAR/log/mqadmin.log.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import honcho.manager
from honcho.environ import parse_procfile
from honcho.manager import SYSTEM_PRINTER_NAME, Manager
from honcho.printer import Printer

# Seconds from the first process's end to SIGKILL for the rest. A consumer finishes what is in hand meanwhile.
STOP_SECONDS = 7
_COLOUR = re.compile(r"\x1b\[\d+m")


def main() -> int:
    """Run until SIGINT or SIGTERM; all processes have ended when this returns."""
    procfile, *left_out = sys.argv[1:]
    honcho.manager.KILL_WAIT = STOP_SECONDS
    manager = Manager(QuietPrinter(Tee(Path(os.environ["MQADMIN_VAR"]) / "log" / "mqadmin.log")))
    for name, command in parse_procfile(Path(procfile).read_text()).processes.items():
        if name not in left_out:
            kept = f"exec {shlex.quote(sys.executable)} -m deploy.keep {name} {command}"
            manager.add_process(name, kept, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    manager.loop()
    return 0


class QuietPrinter(Printer):  # type: ignore[misc]
    """honcho's printer without honcho's own remarks: who was started and which signal was sent."""

    def write(self, message: Any) -> None:
        if message.name != SYSTEM_PRINTER_NAME:
            super().write(message)


class Tee:
    """A text stream that writes to stdout and, without colours, to a file of 5 MB, two older ones kept."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(path, maxBytes=5_000_000, backupCount=2)
        handler.terminator = ""
        self._file = logging.Logger("output")
        self._file.addHandler(handler)

    def isatty(self) -> bool:
        return sys.stdout.isatty()

    def write(self, text: str) -> int:
        self._file.info("%s", _COLOUR.sub("", text))
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
