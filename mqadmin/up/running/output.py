"""What the processes say: on the terminal with time and name, and in a file."""

from __future__ import annotations

import datetime
import logging
import logging.handlers
import os
import re
import sys
from pathlib import Path
from typing import Any

from honcho.printer import Message, Printer

_GOES_WELL = re.compile(r"\s*$|\d{4}-\d\d-\d\d [\d:,]+ (INFO|DEBUG) |monitor: |worker: (Warm|Cold) shutdown")
_COLOUR = re.compile(r"\x1b\[\d+m")
_CHUNK = 64 * 1024
_LINE_MAX = 1024 * 1024  # a longer one is shown in pieces


class QuietPrinter(Printer):  # type: ignore[misc]
    """honcho's printer. What only says that all goes well goes to the file alone."""

    output: Tee

    def write(self, message: Any) -> None:
        text = message.data.decode(errors="replace") if isinstance(message.data, bytes) else message.data
        self.output.is_shown = _GOES_WELL.match(text) is None
        super().write(message)

    def say(self, name: str, colour: str, data: bytes | str) -> None:
        """Write a line of the process `name`."""
        self.write(Message(type="line", data=data, time=datetime.datetime.now(), name=name, colour=colour))


class Tee:
    """A text stream that writes to stdout and, without colours, to a file of 5 MB, two older ones kept.

    A disk that is full costs lines of the file and nothing else.
    """

    is_shown = True

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handler = logging.handlers.RotatingFileHandler(path, maxBytes=5_000_000, backupCount=2)
        self._handler.terminator = ""
        self._handler.handleError = lambda record: None  # type: ignore[method-assign]  # noqa: ARG005
        self._file = logging.Logger("output")
        self._file.addHandler(self._handler)

    def descriptors(self) -> list[int]:
        """Return what it has open."""
        stream = self._handler.stream
        return [] if stream is None or stream.closed else [stream.fileno()]

    def close(self) -> None:
        """Let go of the file."""
        self._handler.close()

    def isatty(self) -> bool:
        return sys.stdout.isatty()

    def write(self, text: str) -> int:
        self._file.info("%s", _COLOUR.sub("", text))
        return sys.stdout.write(text) if self.is_shown else len(text)

    def flush(self) -> None:
        sys.stdout.flush()


class Lines:
    """The lines that come through a pipe, whose reading end this is. Never waits for one."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self.is_open = True
        self._begun = b""

    def read(self) -> list[bytes]:
        """Return the lines that are there; at the end also what has no end. The pipe is closed then."""
        try:
            data = os.read(self.descriptor, _CHUNK)
        except BlockingIOError:
            return []
        if not data:
            self.close()
            data = b"\n" if self._begun else b""
        *lines, self._begun = (self._begun + data).split(b"\n")
        if len(self._begun) > _LINE_MAX:
            lines, self._begun = [*lines, self._begun], b""
        return lines

    def close(self) -> None:
        """Read no more."""
        if self.is_open:
            self.is_open = False
            os.close(self.descriptor)
