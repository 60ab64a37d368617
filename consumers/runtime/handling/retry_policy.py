"""What to do with a message after its handler returned or raised: pure functions, no clock, no broker."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

from consumers.runtime import api
from consumers.runtime.outcome import Acked, DeadLettered, Outcome, Retried
from consumers.runtime.spec import RetryPolicy

UNCONFIGURED_RETRIES = 5
# Seconds. RabbitMQ takes a TTL of up to 2^32 - 1 ms; the names of the delay queues have two digits.
LONGEST_DELAY = 4_200_000.0
# Errors by which libraries say "not reachable now" without deriving from Python's own: (module prefix, class).
_CONNECTION_ERRORS = (
    ("requests.", {"ConnectionError", "Timeout"}),
    ("urllib3.", {"TimeoutError", "NewConnectionError", "MaxRetryError", "ProtocolError"}),
    ("httpx", {"TransportError"}),
    ("aiohttp.", {"ClientConnectionError"}),
    ("pika.", {"AMQPConnectionError", "AMQPChannelError"}),
    ("kombu.", {"OperationalError"}),
    ("amqp.", {"RecoverableConnectionError"}),
    ("redis.", {"ConnectionError", "TimeoutError"}),
    ("django.db.", {"OperationalError", "InterfaceError"}),
    ("sqlalchemy.", {"OperationalError", "InterfaceError", "DisconnectionError"}),
    ("psycopg", {"OperationalError", "InterfaceError"}),
    ("mqadmin.rabbit.", {"NoResponse"}),
)


def decide(
    attempt: int, error: BaseException | None, policy: RetryPolicy, connection: RetryPolicy | None = None
) -> Outcome:
    """Return what becomes of the message whose attempt number `attempt` (from 1) ended with `error`.

    None = the handler returned. `Reject` is final. `Retry` asks for another attempt and may set its delay;
    the number of attempts still ends it, because a message that is retried for ever is never seen by anyone.
    With `connection`, that policy counts where the error says that something cannot be reached now.
    """
    if error is None:
        return Acked()
    if isinstance(error, api.Reject):
        return DeadLettered(_words(error) or "rejected by the handler")
    if connection is not None and is_connection_error(error):
        policy = connection
    retries_left = attempt <= policy.attempts
    if isinstance(error, api.Retry):
        asked = _asked(error)
        if policy.attempts == 0 and asked is not None:
            # The handler knows its business and names a delay: no policy, so five times at most.
            retries_left = attempt <= UNCONFIGURED_RETRIES
        if retries_left:
            return Retried(delay(attempt, policy) if asked is None else min(max(0.0, asked), LONGEST_DELAY))
        return DeadLettered(f"still asked for a retry at attempt {attempt}")
    if retries_left:
        return Retried(delay(attempt, policy))
    return DeadLettered("error" if attempt == 1 else f"error at attempt {attempt}")


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # a broken __str__ must not cost the message its outcome
        return ""


def _asked(error: api.Retry) -> float | None:
    """Return the delay that it asks for; None for none, or for what a class of the handler's own put there."""
    try:
        asked = float(error.delay)  # type: ignore[arg-type]  # None is a TypeError too
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None
    return None if math.isnan(asked) else asked


def is_connection_error(error: BaseException) -> bool:
    """Whether `error`, or one it was raised from, says that something could not be reached in time.

    Python's ConnectionError, TimeoutError and failed name look-ups, and what common clients raise for the same;
    a handler's own deadline is none of these: it says nothing about the other side.
    """
    return any(_is_one(found) for found in _chain(error))


def _is_one(error: BaseException) -> bool:
    if isinstance(error, HandlerDeadline):
        return False
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    for kind in type(error).__mro__:
        if kind.__name__ == "gaierror" and kind.__module__ == "socket":
            return True
        for module, names in _CONNECTION_ERRORS:
            if kind.__name__ in names and kind.__module__.startswith(module):
                return True
    return False


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and its explicit causes (`raise ... from`); a broken chain that loops is left."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__


class HandlerDeadline(TimeoutError):
    """The message's own deadline passed while its handler ran."""


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
    wait = min(max(wait, 0.0), policy.max_delay, LONGEST_DELAY / 2)
    return wait * chance(1 - policy.jitter, 1 + policy.jitter) if policy.jitter else wait
