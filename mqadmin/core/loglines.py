"""What Celery logs of a broker that is away: a line that says so, not a page of stack frames every five seconds."""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import Any

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
