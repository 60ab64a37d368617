"""What the runtime is told of a database fault."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError, connection

from consumers.runtime.sink import SinkUnavailable


def unavailable(error: DatabaseError | InterfaceError) -> SinkUnavailable:
    """Return what the runtime is told of `error`; this thread's broken connection is dropped."""
    connection.close()
    text = str(error).strip()
    return SinkUnavailable(text.splitlines()[0] if text else type(error).__name__)
