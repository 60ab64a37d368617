"""How the monitor's process keeps its memory small, whatever its threads have taken for a moment."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

# mallopt(3), glibc
_MMAP_THRESHOLD, _ARENA_MAX = -3, -8
_LARGE = 256 * 1024
_CACHE_KB = (
    4_000  # of a connection of SQLite; each thread has one, and what it writes is in the system's cache too
)


def keep_small() -> None:
    """Set it all for this process. Called once, before threads and connections are made."""
    bound()
    connection_created.connect(_connected, dispatch_uid="monitor.resident")
    gc.collect()
    gc.freeze()  # what was imported stays: no collection need look at it


def bound() -> None:
    """Have what was taken given back to the system, in this process and in those that are forked from it."""
    with suppress(OSError, AttributeError):  # another library of C knows no such thing, and does without
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_ARENA_MAX, 1)  # else each thread keeps a heap of its own; of ours one runs at a time anyway
        mallopt(
            _MMAP_THRESHOLD, _LARGE
        )  # an answer of 5 MB goes back to the system; glibc would learn to keep it


def _connected(connection: BaseDatabaseWrapper, **_more: Any) -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA cache_size=-{_CACHE_KB}")
