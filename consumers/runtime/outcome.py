"""What becomes of a message: its outcome, known once a handler ends, carried out, and committed under its name."""

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
class Finished:
    """A handler has returned or raised: the outcome is certain, and not carried out yet."""

    delivery: Delivery
    outcome: Outcome
    started_at: float
    duration: float
    error_type: str = ""
    error: str = ""
    traceback: str = ""
    timed_out: bool = False


@dataclass(slots=True)
class Handled:
    """One handled message on its way to the commit. `started_at` is epoch seconds, `duration` seconds.

    `settle`: how the broker is told once the outcome is committed; where it cannot be told, `ack_lost` says why.
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
    ack_lost: str = ""  # why RabbitMQ was never told of it, so that the message comes again
    recorded: bool = False  # committed before: what comes now is its `ack_lost`

    @classmethod
    def of(cls, finished: Finished, outcome: OutcomeName, detail: str, *, settle: Settle = "ack") -> Handled:
        """Return what is recorded of `finished`. What missed its deadline says so, whatever became of it then."""
        return cls(
            delivery=finished.delivery,
            outcome="timed_out" if finished.timed_out and outcome != "released" else outcome,
            started_at=finished.started_at,
            duration=finished.duration,
            settle=settle,
            detail=detail,
            error_type=finished.error_type,
            error=finished.error,
            traceback=finished.traceback,
            begun=not isinstance(finished.outcome, Postponed | Released),
        )

    @property
    def failed(self) -> bool:
        """Whether this counts as a failure: an error that a person may want to know of."""
        return self.outcome in ("dead_lettered", "timed_out")
