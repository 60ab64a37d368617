"""A broker that hangs is not asked by one page after another: each would hold a thread for as long as a call may
take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from mqadmin.rabbit.errors import RabbitError

HANGS_S, LEFT_ALONE_S = 2.0, 10.0
_hung: dict[str, tuple[float, RabbitError]] = {}  # by broker: until when, and what came of asking it


@contextmanager
def asking(broker: str) -> Iterator[None]:
    """Ask a broker within this, for a page that only shows; any thread may.

    Raises what came of the last call at once, where that hung a moment ago; else what is raised within.
    """
    began = time.monotonic()
    hung = _hung.get(broker)
    if hung is not None and began < hung[0]:
        raise hung[1].with_traceback(None)
    try:
        yield
    except RabbitError as error:
        if error.kind == "connection" and time.monotonic() - began >= HANGS_S:
            _hung[broker] = (time.monotonic() + LEFT_ALONE_S, error)
        raise


def forget() -> None:
    """Take no broker for one that hangs."""
    _hung.clear()
