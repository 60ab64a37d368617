"""How work grows with its size: what "quick" means where no clock of a machine is the measure."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def processor_seconds(work: Callable[[], object], times: int = 1) -> float:
    """Return the least processor time of this process that `work` took in so many tries.

    What other processes take meanwhile is not in it. Compare it with that of other work in the same test only.
    """
    return min(_once(work) for _ in range(times))


def _once(work: Callable[[], object]) -> float:
    gc.collect()
    gc.disable()  # what it costs depends on all that other tests have left in memory
    try:
        began = time.process_time()
        work()
        return time.process_time() - began
    finally:
        gc.enable()
