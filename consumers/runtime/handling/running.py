"""Running a handler, and what becomes of its messages: an outcome for each, whatever the handler does."""

from __future__ import annotations

import inspect
import time
import traceback as tracebacks
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from consumers.runtime.api import Delivery
from consumers.runtime.handling import logs, retry_policy
from consumers.runtime.outcome import Acked, DeadLettered, Duplicate, Finished, Outcome, Postponed, Released
from consumers.runtime.spec import RetryPolicy
from consumers.runtime.tracing import Tracing

Handler = Callable[[Any], object]
"""Called with one Delivery, or with a list of them where the consumer works in batches."""

MAX_TRACEBACK = 20_000
MAX_ERROR = 5_000
BUSY_DELAY = 1.0  # seconds until a message that is in hand elsewhere is looked at again
_ACK = Acked()


@dataclass(frozen=True)
class Policies:
    """By which policies errors are judged: `connection` those that say "not reachable now", None: all alike."""

    retry: RetryPolicy
    connection: RetryPolicy | None = None

    def decide(self, delivery: Delivery, error: BaseException) -> Outcome:
        return retry_policy.decide(delivery.attempt, error, self.retry, self.connection)


class NotRun(TypeError):
    """A handler returned what would do its work, and nobody does that: a coroutine or a generator."""


class WrongResults(TypeError):
    """A batch handler returned something that is not one result for each message."""


def run(handler: Handler, delivery: Delivery, policies: Policies, tracing: Tracing | None = None) -> Finished:
    """Run `handler` on `delivery` in this thread and decide what becomes of the message.

    Raises nothing of the handler's but HandlerTimeout, which is the time limit's.
    """
    started_at = time.time()
    clock = time.perf_counter()
    logs.begin(delivery)
    here = None if tracing is None else tracing.begin((delivery,))
    try:
        returned = handler(delivery)
        if returned is not None and (
            isinstance(returned, Generator | AsyncGenerator) or inspect.isawaitable(returned)
        ):
            getattr(returned, "close", lambda: None)()  # else Python warns of it, in no message's log
            raise NotRun(f"the handler returned a {type(returned).__name__} and did not run")
    except BaseException as error:  # SystemExit in a handler is a failed message, not the end of a thread
        return failed(delivery, error, policies, started_at, time.perf_counter() - clock)
    finally:
        logs.end()
        if tracing is not None:
            tracing.leave(here)
    return Finished(delivery, _ACK, started_at, time.perf_counter() - clock)


def run_batch(
    handler: Handler, deliveries: Sequence[Delivery], policies: Policies, tracing: Tracing | None = None
) -> list[Finished]:
    """Run a batch handler and decide about each message: by its own result, or one for all.

    The handler returns None (all are acked) or one result a message: None, or the exception it failed with.
    What it raises, all of them failed with.
    """
    started_at = time.time()
    clock = time.perf_counter()
    logs.begin(deliveries[0])
    here = None if tracing is None else tracing.begin(deliveries)
    results: Sequence[BaseException | None]
    try:
        results = _results(handler(list(deliveries)), len(deliveries))
    except BaseException as error:
        results = [error] * len(deliveries)
    finally:
        logs.end()
        if tracing is not None:
            tracing.leave(here)
    duration = time.perf_counter() - clock
    return [
        Finished(delivery, _ACK, started_at, duration)
        if error is None
        else failed(delivery, error, policies, started_at, duration)
        for delivery, error in zip(deliveries, results, strict=True)
    ]


def _results(returned: object, count: int) -> Sequence[BaseException | None]:
    if returned is None:
        return [None] * count
    if isinstance(returned, str | bytes) or not isinstance(returned, Sequence):
        raise WrongResults(
            f"a batch handler returns None or a list of results, not {type(returned).__name__}"
        )
    if len(returned) != count:
        raise WrongResults(f"{len(returned)} results were returned for {count} messages")
    for result in returned:
        if result is not None and not isinstance(result, BaseException):
            raise WrongResults(f"a result is None or an exception, not {type(result).__name__}")
    return returned


def failed(
    delivery: Delivery, error: BaseException, policies: Policies, started_at: float, duration: float
) -> Finished:
    """Return the end of a message whose handler failed with `error`."""
    return Finished(
        delivery=delivery,
        outcome=policies.decide(delivery, error),
        started_at=started_at,
        duration=duration,
        error_type=type(error).__qualname__,  # the traceback says which module's
        error=_words(error),
        traceback=_trace(error),
    )


def crashed(delivery: Delivery, deaths: int) -> Finished:
    """Return the end of a message that must not be handled again: it killed the process each time."""
    reason = f"crashed the consumer {deaths} times"
    return Finished(delivery, DeadLettered(reason), time.time(), 0.0, error_type="Crash", error=reason)


def duplicate(delivery: Delivery) -> Finished:
    """Return the end of a message that was handled before."""
    return Finished(delivery, Duplicate(), time.time(), 0.0)


def busy(delivery: Delivery) -> Finished:
    """Return the end of a message whose twin is in hand somewhere at this moment."""
    return Finished(delivery, Postponed(BUSY_DELAY), time.time(), 0.0)


def unbegun(delivery: Delivery) -> Finished:
    """Return the end of a message that was claimed and not begun: somebody else may have it."""
    return Finished(delivery, Released(), time.time(), 0.0)


def _words(error: BaseException) -> str:
    try:
        return str(error)[:MAX_ERROR]
    except Exception:  # a broken __str__ must not cost the message its outcome
        return ""


def _trace(error: BaseException) -> str:
    """The traceback without the runtime's own frame, its end kept where it is too long."""
    where = error.__traceback__.tb_next if error.__traceback__ else None
    try:
        text = "".join(tracebacks.format_exception(type(error), error, where))
    except Exception:
        return ""
    return text if len(text) <= MAX_TRACEBACK else "…" + text[-MAX_TRACEBACK:]
