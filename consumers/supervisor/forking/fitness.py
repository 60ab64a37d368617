"""Whether processes may be forked from this one: as if it were started a moment ago, and did nothing yet."""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import connections

_SURE_NS = 1_000_000_000  # file systems stamp by a clock that is a little behind
Stamp = tuple[int, int, int, int] | None  # modified, changed (which nobody can set), bytes, inode


def unfit(ours: Collection[int]) -> str:
    """Return why nothing may be forked from this process, "" if it may. `ours`: descriptors that it has to have.

    A thread would be gone in the fork, with the locks it holds locked for ever. What is open would be one thing in
    two processes: of a connection each would read what is the other's.
    """
    threads = len(os.listdir("/proc/self/task"))
    if threads > 1:
        return f"a module starts threads when it is imported ({threads - 1})"
    if any(found.connection is not None for found in connections.all(initialized_only=True)):
        return "a module opens a connection to the database when it is imported"
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in ours:
            with suppress(FileNotFoundError):  # that of the listing itself
                return f"a module opens something when it is imported: {os.readlink(f'/proc/self/fd/{name}')}"
    return ""


class Loaded:
    """The files that this process was made of, as they were when it had imported them.

    `began_ns`: when it was started. `unsure`: one of them that was written since, "" for none: which was read?
    `also`: paths of what it has read besides modules.
    """

    def __init__(self, began_ns: int, also: Iterable[str] = ()) -> None:
        modules = {path: _stamp(path) for path in (*_modules(), *also)}
        late = (path for path, found in modules.items() if found and found[0] > began_ns - _SURE_NS)
        self.unsure = next(late, "")
        # Where a package comes or goes, modules of another may be found in the place of those.
        around = (os.fspath(Path(settings.VAR_DIR) / "secret-key"), sys.executable, *site.getsitepackages())
        self._stamps = modules | {path: _stamp(path) for path in around}

    def changed(self) -> str:
        """Return a file that is no more as it was, "" while all are. Some 5 ms."""
        return next((path for path, known in self._stamps.items() if _stamp(path) != known), "")


def _modules() -> Iterator[str]:
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str):
            yield path


def _stamp(path: str) -> Stamp:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
