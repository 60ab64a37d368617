"""Whether the kernel has killed for want of memory: that looks like a kill from outside, and is none."""

from __future__ import annotations

from pathlib import Path

_VMSTAT = Path("/proc/vmstat")


def kills() -> int | None:
    """Return how many processes the kernel has killed for want of memory since it was booted, on the whole machine.

    Limits of a container or a unit count too. None where it does not say: no Linux, or one before 4.13.
    """
    try:
        lines = _VMSTAT.read_text().splitlines()
    except OSError:
        return None
    said = next((line for line in lines if line.startswith("oom_kill ")), "")
    count = said.partition(" ")[2]
    return int(count) if count.isdecimal() else None
