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

# RabbitMQ's own. Whoever publishes can write them too: they are never trusted.
X_DEATH: Final = "x-death"
FIRST_DEATH: Final = "x-first-death-"  # queue, reason, exchange
LAST_DEATH: Final = "x-last-death-"  # the same, from 3.13 on
DELIVERY_COUNT: Final = "x-delivery-count"

# RabbitMQ routes what is published by these too (sender-selected distribution): a copy that came with them would
# reach more queues than the one meant.
RENAMED: Final[Mapping[str, str]] = {"CC": "mqadmin-original-CC", "BCC": "mqadmin-original-BCC"}


@dataclass(frozen=True)
class Names:
    """Some headers: those with a name of `whole`, and those whose name begins with one of `prefixes`."""

    whole: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    def __or__(self, other: Names) -> Names:
        return Names(self.whole | other.whole, self.prefixes + other.prefixes)


FAILURES_OF_RABBITMQ: Final = Names(frozenset((X_DEATH, DELIVERY_COUNT)), (FIRST_DEATH, LAST_DEATH))
FAILURES_OF: Final[Mapping[str, Names]] = {
    "mqadmin": Names(
        frozenset((ATTEMPT, IN_DOUBT, ORIGINAL_DEATHS, RETRY_ID)), ("mqadmin-death-", "mqadmin-error-")
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
its messages need."""
