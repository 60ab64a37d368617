"""Reading header values that may be anything: each function returns its type and never raises."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

_MAX_TEXT = 200_000


def text(value: Any) -> str:
    """Return text for text, bytes and numbers, "" for anything else."""
    if isinstance(value, bytes | bytearray):
        return bytes(value[:_MAX_TEXT]).decode(errors="replace")
    if isinstance(value, str):
        return value[:_MAX_TEXT]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return ""


def texts(value: Any) -> tuple[str, ...]:
    """Return the texts of an array; of anything else none."""
    return tuple(text(item) for item in value) if isinstance(value, list | tuple) else ()


def integer(value: Any, *, default: int = 0) -> int:
    """Return an integer that is written as a number or in digits, else `default`."""
    if isinstance(value, bool):
        return default
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str | bytes) and len(value) < 20:
        try:
            return int(value)
        except ValueError:
            return default
    return default


def moment(value: Any) -> datetime | None:
    """Return an aware UTC time from a timestamp, seconds or milliseconds, ISO 8601, or NServiceBus's form."""
    try:
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, bytes):
            value = value.decode()
        if isinstance(value, str):
            return _written(value.strip())
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            seconds = value / 1000 if value > 100_000_000_000 else value
            return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError, UnicodeDecodeError):
        return None
    return None


# 2023-05-01 12:34:56:789012 Z: NServiceBus separates the fraction by a colon.
_NSERVICEBUS = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d):(\d{6}) Z")


def _written(value: str) -> datetime | None:
    match = _NSERVICEBUS.fullmatch(value)
    if match:
        value = f"{match[1]}T{match[2]}.{match[3]}+00:00"
    if re.fullmatch(r"\d{9,13}", value):
        return moment(int(value))
    # .NET writes seven digits of a second, datetime reads six.
    found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value))
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
