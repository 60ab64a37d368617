"""The colours of dead letters."""

from __future__ import annotations

from mqadmin.core.tones import Tone

# By `DeadLetter.Status`.
STATUS: dict[str, Tone] = {
    "parked": "grey",
    "requeueing": "amber",
    "requeued": "green",
    "discarded": "grey",
}
