"""What to do with a message after its handler returned or raised: pure functions, no clock, no broker."""

from __future__ import annotations

import random
from collections.abc import Callable

from consumers.runtime import api
from consumers.runtime.outcome import Ack, DeadLetter, Decision, Retry
from consumers.runtime.spec import RetryPolicy


def decide(attempt: int, error: BaseException | None, policy: RetryPolicy) -> Decision:
    """Return what becomes of the message whose attempt number `attempt` (from 1) ended with `error`.

    None = the handler returned. `Reject` is final. `Retry` asks for another attempt and may set its delay;
    the number of attempts still ends it, because a message that is retried for ever is never seen by anyone.
    """
    if error is None:
        return Ack()
    if isinstance(error, api.Reject):
        return DeadLetter(str(error) or "rejected by the handler")
    retries_left = attempt <= policy.attempts
    if isinstance(error, api.Retry):
        if policy.attempts == 0 and error.delay is not None:
            # The handler knows its business and names a delay: no policy, so five times at most.
            retries_left = attempt <= UNCONFIGURED_RETRIES
        if retries_left:
            return Retry(delay(attempt, policy) if error.delay is None else max(0.0, error.delay))
        return DeadLetter(f"still asked for a retry at attempt {attempt}")
    if retries_left:
        return Retry(delay(attempt, policy))
    return DeadLetter("error" if attempt == 1 else f"error at attempt {attempt}")


UNCONFIGURED_RETRIES = 5


def delay(
    attempt: int, policy: RetryPolicy, *, chance: Callable[[float, float], float] = random.uniform
) -> float:
    """Return the seconds to wait after failed attempt number `attempt`: first * factor^(attempt-1), capped.

    With jitter the wait is spread around that, so that what failed together does not come back together.
    """
    try:
        wait = policy.first_delay * policy.factor ** (attempt - 1)
    except OverflowError:
        wait = policy.max_delay
    wait = min(max(wait, 0.0), policy.max_delay)
    return wait * chance(1 - policy.jitter, 1 + policy.jitter) if policy.jitter else wait
