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
_GOES_WELL = re.compile(r"\s*$|\d{4}-\d\d-\d\d [\d:,]+ (INFO|DEBUG) |monitor: |worker: (Warm|Cold) shutdown")
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
    """honcho's printer without honcho's own remarks: who was started and which signal was sent.

    What only says that all goes well goes to the file alone.
    """

    output: Tee

    def write(self, message: Any) -> None:
        if message.name == SYSTEM_PRINTER_NAME:
            return
        text = message.data.decode(errors="replace") if isinstance(message.data, bytes) else message.data
        self.output.is_shown = _GOES_WELL.match(text) is None
        super().write(message)


class Tee:
    """A text stream that writes to stdout and, without colours, to a file of 5 MB, two older ones kept.

    A disk that is full costs lines of the file and nothing else.
    """

    is_shown = True

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(path, maxBytes=5_000_000, backupCount=2)
        handler.terminator = ""
        handler.handleError = lambda record: None  # type: ignore[method-assign]  # noqa: ARG005
        self._file = logging.Logger("output")
        self._file.addHandler(handler)

    def isatty(self) -> bool:
        return sys.stdout.isatty()

    def write(self, text: str) -> int:
        self._file.info("%s", _COLOUR.sub("", text))
        return sys.stdout.write(text) if self.is_shown else len(text)

    def flush(self) -> None:
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
