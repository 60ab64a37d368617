"""One supervisor for each host name: a lock on a file, which the kernel frees when its holder dies."""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path

from django.conf import settings


class AlreadySupervised(RuntimeError):
    """Another supervisor of this installation runs under the same name."""


class HostLock:
    """Held from construction to `release` or the end of the process. Raises AlreadySupervised.

    `mark`: begins with the pid; the next holder finds it in `before`.
    """

    def __init__(self, name: str, mark: str = "") -> None:
        Path(settings.VAR_DIR).mkdir(parents=True, exist_ok=True)
        path = Path(settings.VAR_DIR) / f"supervisor-{re.sub(r'[^A-Za-z0-9._-]', '_', name)}.lock"
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = self._read().partition(" ")[0]
            os.close(self._descriptor)
            raise AlreadySupervised(
                f"A supervisor named {name} already runs here (pid {holder or 'unknown'}). "
                "One is enough: stop that one first, or give this one another --name."
            ) from error
        self.before = self._read()
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, (mark or str(os.getpid())).encode("ascii"), 0)

    def _read(self) -> str:
        return os.pread(self._descriptor, 200, 0).decode("ascii", "replace").strip()

    def release(self) -> None:
        """Let another supervisor in."""
        os.close(self._descriptor)
