"""Two promises of Linux that Python has no call for (prctl(2)), and what is left of processes that ended."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

_PDEATHSIG, _SUBREAPER = 1, 36


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, whose pid must be `parent`. Not what it forks.

    Raises OSError.
    """
    _prctl(_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise ProcessLookupError("the supervisor has ended")


def adopt_orphans(wanted: bool = True) -> None:
    """Become the parent of all descendants whose own parent ends. Raises OSError."""
    _prctl(_SUBREAPER, int(wanted))


def _prctl(option: int, value: int) -> None:
    try:
        call = ctypes.CDLL(None, use_errno=True).prctl
    except (AttributeError, TypeError):
        raise OSError("no Linux") from None
    if call(option, ctypes.c_ulong(value), 0, 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def reap(but: Collection[int]) -> None:
    """Let go of the children of this process that have ended and are not among the pids `but`.

    Whoever adopts orphans has to: else each stays as a zombie.
    """
    for pid in _children() - set(but):
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def _children() -> set[int]:
    found: set[int] = set()
    for task in Path("/proc/self/task").glob("*/children"):  # the kernel lists them by thread
        with suppress(OSError):
            found.update(map(int, task.read_bytes().split()))
    return found
