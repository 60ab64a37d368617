"""What acts on letters by an operation or by itself: imported once, so that it is known to workers."""

from __future__ import annotations

from mqadmin.deadletters.acts import decide, patching
from mqadmin.deadletters.requeue import requeue

__all__ = ["decide", "patching", "requeue"]
