"""What /proc shows of this process, written over in place: its command line and one variable of its environment.

After a fork the kernel shows those of the process it was forked from. Both lie in this process's own memory, at
addresses that /proc/self/stat tells (proc(5), fields 48 to 51), and what is written there is what others read:
`ps`, and a next supervisor that looks for its processes (`spawn.survivors`). No privilege is needed.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_ARGUMENTS, _ENVIRONMENT = 45, 47  # where the areas begin, among the fields behind the name


class NotShown(OSError):
    """There is no room for it, or the kernel does not say where it would be."""


def title(text: str) -> None:
    """Show `text` as the command line, cut where the one that this process was started with ended."""
    begin, size = _area(_ARGUMENTS)
    data = text.encode("utf-8", "replace").replace(b"\0", b" ")[: size - 2]
    # A last byte that is not NUL says that the rest, from the first NUL on, is not to be shown: fs/proc/base.c.
    ctypes.memmove(begin, data + b"\0" * (size - len(data) - 1) + b".", size)


def variable(name: str, value: str) -> None:
    """Show `value` for the variable `name`, which this process was started with and whose value was as long."""
    begin, size = _area(_ENVIRONMENT)
    area = ctypes.string_at(begin, size)
    wanted, data = f"\0{name}=".encode(), os.fsencode(value)
    at = (b"\0" + area).find(wanted)
    if at < 0:
        raise NotShown(f"{name} is not in the environment")
    first = at + len(wanted) - 1
    if area.find(b"\0", first) - first != len(data):
        raise NotShown(f"{name} has not the room")
    ctypes.memmove(begin + first, data, len(data))


def _area(field: int) -> tuple[int, int]:
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    begin, end = int(fields[field]), int(fields[field + 1])
    if not begin or end - begin < 2:
        raise NotShown("the kernel does not say where the command line and the environment are")
    return begin, end - begin
