"""How much of everything: small in the ordinary suite, full with MQADMIN_SOAK=1 (`make soak`).

MESSAGES, KILLS, RESTARTS and OUTAGE (seconds) in the environment change one figure of either.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from tests.support.length import FULL


@dataclass(frozen=True)
class Size:
    """`span`: seconds that the load takes two replicas without faults. `outage`: seconds that a fault lasts."""

    messages: int
    span: float
    kills: int
    restarts: int
    outage: float
    patience: float  # seconds for everything to be handled once the faults are over
    misbehaving: float  # seconds that the line misbehaves
    silence: float  # seconds of it that each stall lasts, at most
    burst: int  # messages of each of the five producers of a burst


def _figure(name: str, small: float, full: float) -> float:
    return float(os.environ.get(name) or (full if FULL else small))


SIZE = Size(
    messages=int(_figure("MESSAGES", 400, 20_000)),
    span=_figure("SPAN", 5, 80),
    kills=int(_figure("KILLS", 2, 40)),
    restarts=int(_figure("RESTARTS", 1, 3)),
    outage=_figure("OUTAGE", 4, 30),
    patience=_figure("PATIENCE", 60, 600),
    misbehaving=_figure("MISBEHAVING", 4, 60),
    silence=_figure("SILENCE", 1, 12),
    burst=int(_figure("BURST", 400, 20_000)),
)
TIMEOUT = 1800 if FULL else 170  # seconds for one test
