"""Log lines by OTLP: what the console has of a process, with the trace and span in which it was written."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import get_current

from mqadmin.telemetry.quiet import is_own

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider

MOST = 16_000  # characters of a line, and of a traceback
_SEVERITIES = (
    (logging.CRITICAL, SeverityNumber.FATAL, "FATAL"),
    (logging.ERROR, SeverityNumber.ERROR, "ERROR"),
    (logging.WARNING, SeverityNumber.WARN, "WARN"),
    (logging.INFO, SeverityNumber.INFO, "INFO"),
)
_FORMAT = logging.Formatter()


class Lines(logging.Handler):
    """Gives each record to OpenTelemetry's queue, which is bounded: a full one drops its oldest.

    Not what OpenTelemetry itself logs: of a collector that is away each line would make the next.
    """

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__()
        self._provider = provider
        self.addFilter(lambda record: not is_own(record))
        # As on the console: what is not our fault is told in a line, once a minute.
        for handler in logging.getLogger().handlers[:1]:
            for found in handler.filters:
                if isinstance(found, logging.Filter):
                    self.addFilter(type(found)(found.name))

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record. Any thread."""
        try:
            severity, text = _severity(record.levelno)
            self._provider.get_logger(record.name).emit(
                LogRecord(
                    timestamp=int(record.created * 1e9),
                    observed_timestamp=time.time_ns(),
                    context=get_current(),
                    severity_text=text,
                    severity_number=severity,
                    body=_body(record),
                    attributes=_attributes(record),
                )
            )
        except Exception:
            self.handleError(record)


def _severity(level: int) -> tuple[SeverityNumber, str]:
    for least, number, text in _SEVERITIES:
        if level >= least:
            return number, text
    return SeverityNumber.DEBUG, "DEBUG"


def _body(record: logging.LogRecord) -> str:
    """Return what was said. A wrong format string must not lose the line."""
    try:
        return record.getMessage()[:MOST]
    except Exception as error:
        return f"{record.msg!r} (cannot be formatted: {error})"[:MOST]


def _attributes(record: logging.LogRecord) -> dict[str, Any]:
    found: dict[str, Any] = {
        "code.function.name": record.funcName,
        "code.file.path": record.pathname,
        "code.line.number": record.lineno,
        "thread.name": record.threadName or "",
    }
    if record.exc_info and record.exc_info[0] is not None:
        found["exception.type"] = record.exc_info[0].__qualname__
        found["exception.stacktrace"] = _FORMAT.formatException(record.exc_info)[-MOST:]
    return found
