"""The colour of what a page shows: each app has its own states in its `tones`; here are those that all share."""

from __future__ import annotations

from typing import Literal, get_args

Tone = Literal["red", "amber", "green", "blue", "grey"]
ALL: frozenset[str] = frozenset(get_args(Tone))

# By `Operation.Status`.
OPERATION: dict[str, Tone] = {
    "pending": "grey",
    "running": "green",
    "paused": "blue",
    "done": "green",
    "failed": "red",
    "cancelled": "grey",
}
# By the level of a line that was logged; of any other: none.
LOG_LEVEL: dict[str, Tone] = {"CRITICAL": "red", "ERROR": "red", "WARNING": "amber", "DEBUG": "grey"}
