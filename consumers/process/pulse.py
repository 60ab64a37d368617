"""A sign of life for whoever cannot ask the database: a file that is touched while the I/O loop runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

EVERY = 5.0  # seconds between two touches

log = logging.getLogger("mqadmin.consumer")


class Pulse:
    """Touches `path` through `in_loop`, which runs a callable in the thread whose life matters.

    A thread of its own asks for it, so that a database that is away does not look like death. It ends with the
    process.
    """

    def __init__(self, path: Path, in_loop: Callable[[Callable[[], None]], object]) -> None:
        self._path = path
        self._in_loop = in_loop
        self._thread = threading.Thread(target=self._work, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin. Any thread."""
        self._thread.start()

    def _work(self) -> None:
        while True:
            self._in_loop(lambda: touch(self._path))
            time.sleep(EVERY)


def touch(path: Path) -> None:
    """Make `path` new. A path that cannot be written is told in the log: the prober will see it as death."""
    try:
        path.touch()
    except OSError as error:
        log.warning("the sign of life %s cannot be written: %s", path, error.strerror or error)
