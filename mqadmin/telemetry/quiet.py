"""What OpenTelemetry's own parts log: in a line, once a minute, and without what is secret in the environment."""

from __future__ import annotations

import logging
import os
import re

from mqadmin.seldom import Seldom

_OF = "opentelemetry"
_TRANSPORT = re.compile(r"[a-z]+://\S+")
_POOL = re.compile(r"HTTPS?ConnectionPool\(host='?([^',]+)'?, port=(\d+)\)")


class OnceAMinute(logging.Filter):
    """Lets one line of each kind of fault through a minute, and says how many there were since the last.

    Where a collector is away each batch of each signal fails, several times: of sending there is one kind. Of a
    header that cannot be read its text would be told, which is a secret.
    """

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self._seldom = Seldom()

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten `record` in place where OpenTelemetry wrote it; drop it where its like was let through."""
        if not is_own(record):
            return True
        left_out = self._seldom.left_out(_place(record))
        if left_out is None:
            return False
        text = f"telemetry: {_words(record)}"
        record.msg, record.args = "%s", (f"{text} ({left_out} more since)" if left_out else text,)
        record.exc_info = record.exc_text = None
        if record.levelno > logging.WARNING:  # nothing of what mqadmin is for has failed
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        return True


def is_own(record: logging.LogRecord) -> bool:
    """Whether OpenTelemetry's own parts wrote it."""
    return record.name == _OF or record.name.startswith(f"{_OF}.")


def _place(record: logging.LogRecord) -> tuple[str, str]:
    if record.name.startswith(f"{_OF}.exporter."):
        return _OF, "exporter"
    return record.name, str(record.msg)[:200]


def _words(record: logging.LogRecord) -> str:
    if record.name == f"{_OF}.util.re":
        return "a header of OTEL_EXPORTER_OTLP_HEADERS is not of the form name=value, and is not sent"
    try:
        text = record.getMessage().splitlines()[0]
    except Exception:
        text = str(record.msg)
    if found := _POOL.search(text):
        return f"the collector at {found[1]}:{found[2]} does not answer"
    text = _TRANSPORT.sub("(its address)", text)
    for secret in _secrets():
        text = text.replace(secret, "***")
    return text[:300]


def _secrets() -> list[str]:
    """Return what stands behind a `=` in variables of headers."""
    given = [value for name, value in os.environ.items() if name.startswith("OTEL_") and "HEADERS" in name]
    found = {part.partition("=")[2].strip() for value in given for part in value.split(",")}
    return sorted((text for text in found if len(text) > 3), key=len, reverse=True)
