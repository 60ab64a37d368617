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
    """Held from construction to `release` or the end of the process. Raises AlreadySupervised."""

    def __init__(self, name: str) -> None:
        Path(settings.VAR_DIR).mkdir(parents=True, exist_ok=True)
        path = Path(settings.VAR_DIR) / f"supervisor-{re.sub(r'[^A-Za-z0-9._-]', '_', name)}.lock"
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._descriptor, 20).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise AlreadySupervised(
                f"A supervisor named {name} already runs here (pid {holder or 'unknown'}). "
                "One is enough: stop that one first, or give this one another --name."
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode("ascii"), 0)

    def release(self) -> None:
        """Let another supervisor in."""
        os.close(self._descriptor)
