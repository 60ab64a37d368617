"""Whether tests run at full length: with MQADMIN_SOAK=1, which `make soak` sets.

In the ordinary suite what takes long is tried once, in its hardest or commonest form: all its forms are tried here.
"""

from __future__ import annotations

import os

import pytest

FULL = os.environ.get("MQADMIN_SOAK", "") not in ("", "0")
IN_FULL = pytest.mark.skipif(not FULL, reason="takes long, or tells little at small size: in `make soak`")


def examples(number: int) -> int:
    """Return how many examples a property is tried with: other ones in each run, and so many in the long one."""
    return number if FULL else number // 3
