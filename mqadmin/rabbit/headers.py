"""Names of headers: mqadmin's own, those that tell of a failure, and those that a copy has under another name.

The one place for them. Names of our own begin with `mqadmin-`: those that begin with `x-` are RabbitMQ's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# Of a message that was published again on purpose: the same id on a second copy of one and the same requeue.
REQUEUE_ID: Final = "mqadmin-requeue-id"
ATTEMPT: Final = "mqadmin-attempt"
# Of each retry's copy another: RabbitMQ's at-least-once expiry may bring one copy twice, unmarked, where the broker
# was stopped in between.
RETRY_ID: Final = "mqadmin-retry-id"
# Of the copy of a message that came back and had to wait once more before it was handled: what it is recognised by.
IN_DOUBT: Final = "mqadmin-in-doubt"
# What the message was published to, whatever road its copies took.
ORIGIN_EXCHANGE: Final = "mqadmin-origin-exchange"
ORIGIN_ROUTING_KEY: Final = "mqadmin-origin-routing-key"
# Of a dead letter's copy: where it died, and of what.
DEATH_QUEUE: Final = "mqadmin-death-queue"
DEATH_REASON: Final = "mqadmin-death-reason"
DEATH_TIME: Final = "mqadmin-death-time"  # seconds since 1970
DEATH_CONSUMER: Final = "mqadmin-death-consumer"
DEATH_HOST: Final = "mqadmin-death-host"
ERROR_TYPE: Final = "mqadmin-error-type"
ERROR_MESSAGE: Final = "mqadmin-error-message"
ERROR_TRACE: Final = "mqadmin-error-trace"
# What a copy must not carry as it was, and is to be read all the same.
ORIGINAL_DEATHS: Final = "mqadmin-original-x-death"
ORIGINAL_EXPIRATION: Final = "mqadmin-original-expiration"
ORIGINAL_USER_ID: Final = "mqadmin-original-user-id"

# Of W3C Trace Context, as the message was published; and the span of ours that sent this copy of it, in that trace.
TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
OWN_TRACEPARENT: Final = "mqadmin-traceparent"

# RabbitMQ's own. Whoever publishes can write them too: they are never trusted.
X_DEATH: Final = "x-death"
FIRST_DEATH: Final = "x-first-death-"  # queue, reason, exchange
LAST_DEATH: Final = "x-last-death-"  # the same, from 3.13 on
DELIVERY_COUNT: Final = (
    "x-delivery-count"  # of failed deliveries, by a quorum queue; of all returns before 4.3
)
ACQUIRED_COUNT: Final = "x-acquired-count"  # of all deliveries, from 4.3 on
# What a quorum queue writes anew into each delivery of one and the same message.
COUNTS: Final = frozenset((DELIVERY_COUNT, ACQUIRED_COUNT))

# RabbitMQ routes what is published by these too (sender-selected distribution): a copy that came with them would
# reach more queues than the one meant.
RENAMED: Final[Mapping[str, str]] = {"CC": "mqadmin-original-CC", "BCC": "mqadmin-original-BCC"}


@dataclass(frozen=True)
class Names:
    """Some headers: those with a name of `whole`, and those whose name begins with one of `prefixes`."""

    whole: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    def has(self, name: object) -> bool:
        """Whether a header of this name is one of them. Off the wire, a name that is not UTF-8 arrives as bytes."""
        return isinstance(name, str) and (name in self.whole or name.startswith(self.prefixes))

    def __or__(self, other: Names) -> Names:
        return Names(self.whole | other.whole, self.prefixes + other.prefixes)


FAILURES_OF_RABBITMQ: Final = Names(
    frozenset(
        (
            X_DEATH,
            *COUNTS,
            *(
                f"{which}{what}"
                for which in (FIRST_DEATH, LAST_DEATH)
                for what in ("queue", "reason", "exchange")
            ),
        )
    )
)
FAILURES_OF: Final[Mapping[str, Names]] = {
    "mqadmin": Names(
        frozenset((ATTEMPT, IN_DOUBT, ORIGINAL_DEATHS, OWN_TRACEPARENT, RETRY_ID)),
        ("mqadmin-death-", "mqadmin-error-"),
    ),
    "nservicebus": Names(
        frozenset(
            (
                "NServiceBus.FailedQ",
                "NServiceBus.TimeOfFailure",
                "NServiceBus.Retries",
                "NServiceBus.FLRetries",
            )
        ),
        ("NServiceBus.ExceptionInfo.",),
    ),
    "masstransit": Names(frozenset(("MT-Reason",)), ("MT-Fault-",)),
    "rebus": Names(frozenset(("rbs2-error-details", "rbs2-source-queue"))),
    "spring": Names(
        frozenset(
            (
                "x-exception-message",
                "x-exception-stacktrace",
                "x-original-exchange",
                "x-original-routingKey",
                "retry-count",
            )
        )
    ),
    "watermill": Names(
        frozenset(("reason_poisoned", "topic_poisoned", "handler_poisoned", "subscriber_poisoned"))
    ),
}
"""What each framework (of `rabbit.reading.frameworks`) adds when it gives a message up; only that, not the headers
its messages need. But for mqadmin's own, whose names nobody else has a use for, an application may use each of
them for itself: they are a framework's only in a message that has its proof."""

PROOFS_OF: Final[Mapping[str, tuple[frozenset[str], ...]]] = {
    # Our own names, each of them.
    "mqadmin": tuple(frozenset((name,)) for name in (DEATH_QUEUE, DEATH_REASON, ERROR_TYPE, ERROR_MESSAGE)),
    # Written together on the way to the error queue. `Retries` is in every message that is delayed for a next
    # attempt, and `FailedQ` alone was once what second-level retries went by.
    "nservicebus": (frozenset(("NServiceBus.FailedQ", "NServiceBus.ExceptionInfo.ExceptionType")),),
    # To `_error` with the exception; to `_skipped` with the host that had no consumer for it.
    "masstransit": (
        frozenset(("MT-Reason", "MT-Fault-ExceptionType")),
        frozenset(("MT-Reason", "MT-Host-MachineName")),
    ),
    # The error handler writes both, into one message.
    "rebus": (frozenset(("rbs2-error-details", "rbs2-source-queue")),),
    # RepublishMessageRecoverer and the Rabbit binder write these four, always all of them. Many applications use
    # one or two of the names for a way of their own, and `retry-count` is the application's to count with.
    "spring": (
        frozenset(
            ("x-exception-message", "x-exception-stacktrace", "x-original-exchange", "x-original-routingKey")
        ),
    ),
    # The poison queue's middleware writes all four.
    "watermill": (
        frozenset(("reason_poisoned", "topic_poisoned", "handler_poisoned", "subscriber_poisoned")),
    ),
}
"""What proves that a framework gave a message up: one of these sets of names, with all that is in it. Each name is
one that the framework writes whenever it does so."""
