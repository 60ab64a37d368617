"""stdout and stderr that never fail: a full disk or a reader that went away must not fail a message."""

from __future__ import annotations

import io
import logging
import os
import sys
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Forgiving(io.RawIOBase):
    """Writes to a descriptor; what cannot be written is lost, and counted in `lost` (bytes)."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.lost = 0

    def write(self, data: Buffer) -> int:
        """Write all of `data`, or as much as there is room for. Returns its length either way."""
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            self.lost += len(left)
        return size

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)


def forgive() -> None:
    """Make `print` and the log of this process go on when their output cannot be written. Main thread.

    Written line by line, so that lines of several threads stay whole.
    """
    for name in ("stdout", "stderr"):
        before = getattr(sys, name)
        try:
            raw = Forgiving(before.fileno())
            before.flush()
        except (AttributeError, OSError, ValueError):  # closed, captured, or something of its own
            continue
        encoding = getattr(before, "encoding", None) or "utf-8"
        # A raw stream is enough for it: `Forgiving.write` writes all at once.
        after = cast(TextIO, io.TextIOWrapper(raw, encoding, "backslashreplace", line_buffering=True))
        setattr(sys, name, after)
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is before:
                handler.setStream(after)
