"""What is not our fault is logged in a line, not as a page of stack frames.

That is a broker that is away, which Celery would tell every five seconds, and a request that was refused.
"""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import Any

from mqadmin.core import unseen

_LIBRARIES = {"amqp", "celery", "kombu"}  # by name: most processes do without Celery and need not load it


class InALine(logging.Filter):
    """Strips the traceback of a lost or refused connection; any other record passes as it is."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten `record` in place where its fault says everything; never drop it."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and _is_of_a_connection(error):
            record.msg, record.args = "%s", (record.getMessage().splitlines()[0],)
            record.exc_info = record.exc_text = None
        return True


class RefusedInALine(logging.Filter):
    """Makes a line of what Django logs of a request that is answered with 4xx or, for want of the database, 503.

    A wrong host name, what one may not do, a body that cannot be read: whoever asks can have as many as they like.
    An error of ours (500) keeps its traceback. What the caller chose cannot begin a line of its own.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten `record` in place; never drop it."""
        status = getattr(record, "status_code", None)
        if isinstance(status, int) and (400 <= status < 500 or status == 503):
            record.exc_info = record.exc_text = None
        return True


class Line(logging.Formatter):
    """Writes each record on a line of its own, with every sign of it to be seen; below it the traceback, if any."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line."""
        record.message = unseen.line(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:
        """Return the traceback."""
        return unseen.lines(super().formatException(ei))


def end_in_a_line(**_signal: Any) -> None:
    """Have the process end without a traceback when what ends it is a fault that was logged already.

    Receiver of a Celery signal.
    """
    sys.excepthook = _end


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not _is_of_a_connection(error):
        sys.__excepthook__(kind, error, trace)


def _is_of_a_connection(error: BaseException) -> bool:
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _LIBRARIES
