"""What is not our fault is logged in a line, not as a page of stack frames.

That is a broker that is away, which Celery would tell every five seconds, a request that was refused, and a
database that is away, which whoever meets it would tell each time.
"""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import Any

from django.db import Error as DatabaseError

from mqadmin import ending
from mqadmin.core import database, unseen
from mqadmin.seldom import Seldom

_LIBRARIES = {"amqp", "celery", "kombu"}  # by name: most processes do without Celery and need not load it


class InALine(logging.Filter):
    """Strips the traceback of a lost or refused connection; any other record passes as it is."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten `record` in place where its fault says everything; never drop it."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and _is_of_a_connection(error):
            record.msg, record.args = "%s", (record.getMessage().splitlines()[0],)
            record.exc_info = record.exc_text = None
        elif record.name.startswith("celery.") and not record.exc_info:  # with paragraphs of its own
            record.msg, record.args = "%s", (" ".join(record.getMessage().split()),)
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


class DatabaseInALine(logging.Filter):
    """Makes a line of what is logged of a database that is away, and lets that line through once a minute.

    It may be the record's error or what its words are about. Each place that logs has a minute of its own. Of a
    request that was answered with 503, the cause has been told by then.
    """

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self._seldom = Seldom()

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten `record` in place; drop it where its like was let through within the minute."""
        place = record.name, str(record.msg)
        if record.name == "django.request" and getattr(record, "status_code", None) == 503:
            return self._seldom.left_out(place) is not None
        error = record.exc_info[1] if record.exc_info else None
        given = record.args if isinstance(record.args, tuple) else ()
        if not database.is_away(error) and not any(isinstance(part, DatabaseError) for part in given):
            return True
        left_out = self._seldom.left_out(place)
        if left_out is None:
            return False
        text = _told(record, error if database.is_away(error) else None)
        record.msg, record.args = "%s", (f"{text} ({left_out} more since)" if left_out else text,)
        return True

    def forget(self) -> None:
        """Let the next line of each place through."""
        self._seldom.forget()


def _told(record: logging.LogRecord, error: BaseException | None) -> str:
    """Return a record as a line, with what is wrong with the database in words; its traceback goes."""
    if isinstance(record.args, tuple):
        parts = [database.words(part) if isinstance(part, DatabaseError) else part for part in record.args]
        record.args = tuple(parts)
    text = record.getMessage().splitlines()[0]
    if error is not None:
        record.exc_info = record.exc_text = None
        text = f"{text.partition(f': {type(error).__name__}')[0]}: {database.words(error)}"
    return text


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
        ending.end(kind, error, trace)


def _is_of_a_connection(error: BaseException) -> bool:
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _LIBRARIES
