"""Log lines of one message: whatever its handler's thread logs while it runs is kept with its record."""

from __future__ import annotations

import logging
import threading
import time

from consumers.runtime.api import Delivery

MAX_LINES = 200
MAX_CHARS = 2000

_current = threading.local()


def begin(delivery: Delivery) -> None:
    """Everything this thread logs from now on belongs to `delivery`."""
    _current.delivery = delivery
    _current.since = time.perf_counter()


def end() -> None:
    """This thread handles nothing any more."""
    _current.delivery = None


class MessageLogHandler(logging.Handler):
    """Keeps the log lines of handler threads with the message they were written for.

    Lines are (milliseconds since the handler began, level name, text); at most MAX_LINES a message of
    MAX_CHARS each, so that a chatty handler cannot fill the database.
    """

    def emit(self, record: logging.LogRecord) -> None:
        delivery: Delivery | None = getattr(record, "mqadmin_delivery", None) or getattr(
            _current, "delivery", None
        )
        if delivery is None:
            return
        lines = delivery.log_lines
        if lines is None:
            lines = delivery.log_lines = []
        if len(lines) > MAX_LINES:
            return
        since = getattr(_current, "since", None)  # None: written by another thread for this message
        offset = 0.0 if since is None else round((time.perf_counter() - since) * 1000, 1)
        if len(lines) == MAX_LINES:
            lines.append((offset, "WARNING", f"more than {MAX_LINES} lines: the rest is left out"))
            return
        lines.append((offset, record.levelname, _text(record)[:MAX_CHARS]))


def _text(record: logging.LogRecord) -> str:
    """Return what was said. A wrong format string or an object without words must not fail the message."""
    try:
        return record.getMessage()
    except Exception as error:
        try:
            return f"{record.msg!r} (cannot be formatted: {error})"
        except Exception:
            return f"a line of {record.pathname}:{record.lineno} cannot be formatted"
