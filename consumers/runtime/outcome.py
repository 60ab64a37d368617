"""What became of a message: the decision a policy takes, and the finished account that is committed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from consumers.runtime.api import Delivery

OutcomeName = Literal["acked", "retried", "dead_lettered", "duplicate", "released", "timed_out"]
Settle = Literal["ack", "reject", "requeue"]


@dataclass(frozen=True)
class Acked:
    """Handled: settle it."""


@dataclass(frozen=True)
class Retried:
    """Publish a copy that comes back after `delay` seconds, then settle the original."""

    delay: float


@dataclass(frozen=True)
class DeadLettered:
    """Publish a copy to the dead-letter target (or reject, where so configured), then settle."""

    reason: str


@dataclass(frozen=True)
class Duplicate:
    """The same message was handled before: settle it unhandled."""


@dataclass(frozen=True)
class Postponed:
    """The same message is in hand elsewhere: a copy comes back after `delay` seconds, as the same attempt."""

    delay: float


@dataclass(frozen=True)
class Released:
    """Back to its queue, unhandled: the consumer pauses or stops."""


Outcome = Acked | Retried | DeadLettered | Duplicate | Postponed | Released


@dataclass(slots=True)
class Handled:
    """One handled message on its way to the commit. `started_at` is epoch seconds, `duration` seconds.

    `settle`: how the broker is told once the account is committed.
    """

    delivery: Delivery
    outcome: OutcomeName
    started_at: float
    duration: float
    settle: Settle = "ack"
    detail: str = ""
    error_type: str = ""
    error: str = ""
    traceback: str = ""
    begun: bool = True  # False: no handler ran, it goes back or waits once more

    @property
    def failed(self) -> bool:
        """Whether this counts as a failure: an error that a person may want to know of."""
        return self.outcome in ("dead_lettered", "timed_out")
