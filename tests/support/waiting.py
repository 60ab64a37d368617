"""Waiting for something that another process or thread brings about.

Bounds of waits are for a machine of usual speed; on a slower one they are longer, by how much is measured at the
begin of a run, and again before a wait is given up: the machine may have got slower since. No test is slower for
it: a wait ends when what it waits for is there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


_VARIABLE = "MQADMIN_TEST_PATIENCE"
_USUAL_S = 0.5  # to start Python with Django
_MOST = 12.0


def measure() -> None:
    """See how slow starting a process is now, for this run and all that it starts. Named by hand, it stands."""
    if _VARIABLE not in os.environ:
        os.environ[_VARIABLE] = f"{slowness():.1f}"


def slowness() -> float:
    """Return how many times longer than usual starting a process takes now: at least 1, at most 12."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import django.db.models, requests"], check=True)
    took = time.monotonic() - began
    return min(max(took / _USUAL_S, 1.0), _MOST)


def patient(seconds: float) -> float:
    """Return how long to wait where a machine of usual speed takes less than `seconds`."""
    return seconds * float(os.environ.get(_VARIABLE, "1"))


def wait_until(
    predicate: Callable[[], T], timeout: float = 10.0, interval: float = 0.02, what: str = ""
) -> T:
    """Return the first truthy value of `predicate()`; fail after `patient(timeout)` seconds, naming `what`.

    It is asked each `interval` seconds, and less often where to ask takes long, as to draw a page does: three
    quarters of the time at least are for who is waited for, and for the other tests.
    On a machine that is slower by then than at the begin of the run, fail accordingly later.
    """
    began, bound, measured = time.monotonic(), patient(timeout), False
    while True:
        asked = time.thread_time()
        value = predicate()
        took = time.thread_time() - asked
        if value:
            return value
        if time.monotonic() - began > bound:
            if measured:
                raise AssertionError(f"not within {bound:g} s: {what or predicate!r} (last value: {value!r})")
            bound, measured = max(bound, timeout * slowness()), True
        time.sleep(max(interval, 3 * took))
