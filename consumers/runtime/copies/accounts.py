"""From a finished handler to the account that is committed. Pure."""

from __future__ import annotations

from consumers.runtime.copies.copies import Copy
from consumers.runtime.handling.running import Finished
from consumers.runtime.outcome import DeadLettered, Handled, OutcomeName, Postponed, Released, Settle


def account(finished: Finished, outcome: OutcomeName, detail: str, *, settle: Settle = "ack") -> Handled:
    """Return the account of `finished`. What missed its deadline says so, whatever became of it then."""
    return Handled(
        delivery=finished.delivery,
        outcome="timed_out" if finished.timed_out and outcome != "released" else outcome,
        started_at=finished.started_at,
        duration=finished.duration,
        settle=settle,
        detail=detail,
        error_type=finished.error_type,
        error=finished.error,
        traceback=finished.traceback,
        begun=not isinstance(finished.decision, Postponed | Released),
    )


def destination(copy: Copy, finished: Finished) -> str:
    """Say why a message failed and who has its copy."""
    reason = finished.decision.reason if isinstance(finished.decision, DeadLettered) else ""
    place = f"{copy.exchange} with key {copy.routing_key}" if copy.exchange else copy.routing_key
    return f"{reason}: copy confirmed by {place}"
