"""How a process keeps its memory small, whatever its threads have taken for a moment."""

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


def keep_small(cache_kb: int) -> None:
    """Set it all for this process, and for what is forked from it. Called before threads and connections are made.

    `cache_kb`: of each connection to SQLite. Each thread has one, and a commit of any other process empties it;
    what it reads is in the system's cache too.
    """
    give_back()
    connection_created.connect(_Sized(cache_kb), weak=False, dispatch_uid="resident")
    gc.collect()
    gc.freeze()  # what was imported stays: no collection need look at it


def give_back() -> None:
    """Have memory that was taken for a moment go back to the system, in this process and what is forked from it."""
    with suppress(OSError, AttributeError):  # another library of C knows no such thing, and does without
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_ARENA_MAX, 1)  # else each thread keeps a heap of its own; of ours one runs at a time anyway
        mallopt(_MMAP_THRESHOLD, _LARGE)  # what is large goes back at once; glibc would learn to keep it


class _Sized:
    def __init__(self, cache_kb: int) -> None:
        self._cache_kb = cache_kb

    def __call__(self, connection: BaseDatabaseWrapper, **_more: Any) -> None:
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute(f"PRAGMA cache_size=-{self._cache_kb:d}")
