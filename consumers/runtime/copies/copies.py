"""The copies that replace an original: one that comes back later, one that goes to the dead letters. Pure, but
for the time and a random id."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from consumers.runtime.api import Delivery
from consumers.runtime.outcome import Finished
from consumers.runtime.spec import ConsumerSpec, DeadLetterTarget
from mqadmin.rabbit.clean_copy import DEAD_LETTER, RETRY, deaths_aside
from mqadmin.rabbit.headers import (
    ATTEMPT,
    DEATH_CONSUMER,
    DEATH_HOST,
    DEATH_QUEUE,
    DEATH_REASON,
    DEATH_TIME,
    ERROR_MESSAGE,
    ERROR_TRACE,
    ERROR_TYPE,
    FIRST_DEATH,
    IN_DOUBT,
    LAST_DEATH,
    ORIGIN_EXCHANGE,
    ORIGIN_ROUTING_KEY,
    ORIGINAL_DEATHS,
    OWN_TRACEPARENT,
    RETRY_ID,
    X_DEATH,
)
from mqadmin.rabbit.message import Properties

MAX_HEADER_TEXT = 4_000  # a frame of headers must stay well under the broker's 128 KiB frame
DELAY_PREFIX = "mqadmin.delay."
# What is left out, in this order, of a dead letter's copy whose headers no frame would hold: a copy that RabbitMQ
# refuses keeps its original coming back for ever.
_SPARE = (
    OWN_TRACEPARENT,
    ERROR_TRACE,
    ERROR_MESSAGE,
    DEATH_REASON,
    ORIGIN_ROUTING_KEY,
    ORIGIN_EXCHANGE,
    DEATH_CONSUMER,
    DEATH_HOST,
    DEATH_TIME,
    ERROR_TYPE,
    DEATH_QUEUE,
    ATTEMPT,
    RETRY_ID,
)
NO_TRACE: Mapping[str, str] = {}
# A copy that waits for its next attempt is dead-lettered by RabbitMQ, which notes that in its headers: queue,
# exchange and key, of up to 255 bytes each, in `x-death` and again in `x-first-death-*` and `x-last-death-*`.
_DEATH_ROOM = 3_000
_BROKERS = (
    X_DEATH,
    ORIGINAL_DEATHS,
    *(f"{which}{what}" for which in (LAST_DEATH, FIRST_DEATH) for what in ("exchange", "reason", "queue")),
)


@dataclass(frozen=True)
class Copy:
    """A message to publish in place of an original."""

    exchange: str
    routing_key: str
    body: bytes
    properties: Properties


def delay_name(seconds: float) -> str:
    """Return the name of the delay exchange and queue for a wait.

    Whole milliseconds with two significant digits: a queue for every delay a handler can think of would be
    thousands of queues.
    """
    wanted = max(1, round(seconds * 1000))
    step = 10 ** max(0, len(str(wanted)) - 2)
    return f"{DELAY_PREFIX}{round(wanted / step) * step}"


def retry(
    delivery: Delivery,
    delay: float,
    *,
    attempt: int,
    deaths_last: bool = True,
    trace: Mapping[str, str] = NO_TRACE,
) -> Copy | None:
    """Return the copy that comes back to its queue after `delay` seconds as attempt number `attempt`.

    As the same attempt it stays what it is, redelivered perhaps: nobody has begun it here. `deaths_last`: whether
    RabbitMQ goes on with the `x-death` that a client sends. `trace`: headers by which its handling is told of as a
    part of this, where there is room. None when its headers are so full that the count of attempts finds none.
    """
    headers = {
        **deaths_aside(
            RETRY.headers(delivery.received_headers), delivery.queue, delays=DELAY_PREFIX, go_on=deaths_last
        ),
        ATTEMPT: attempt,
        RETRY_ID: secrets.token_hex(8),
        ORIGIN_EXCHANGE: delivery.exchange,
        ORIGIN_ROUTING_KEY: delivery.routing_key,
    }
    if attempt == delivery.attempt and delivery.redelivered:
        headers[IN_DOUBT] = delivery.key
    given = delivery.message.properties
    properties = RETRY.properties(given, {**headers, **trace})
    if trace and not properties.fits(_DEATH_ROOM):
        properties = RETRY.properties(given, headers)
    if not properties.fits(_DEATH_ROOM):
        return None
    return Copy(delay_name(delay), delivery.queue, delivery.body, properties)


def dead_letter(
    spec: ConsumerSpec,
    finished: Finished,
    reason: str,
    target: DeadLetterTarget,
    trace: Mapping[str, str] = NO_TRACE,
) -> Copy:
    """Return the copy for the dead letters, with the error in its headers, and those of `trace`."""
    delivery = finished.delivery
    headers = {
        **DEAD_LETTER.headers(delivery.received_headers),
        **trace,
        ATTEMPT: delivery.attempt,
        ORIGIN_EXCHANGE: delivery.exchange,
        ORIGIN_ROUTING_KEY: delivery.routing_key,
        DEATH_QUEUE: spec.queue,
        DEATH_REASON: _short(reason),
        DEATH_TIME: int(time.time()),
        DEATH_CONSUMER: spec.name,
        DEATH_HOST: spec.host,
        ERROR_TYPE: _short(finished.error_type),
        ERROR_MESSAGE: _short(finished.error),
        ERROR_TRACE: finished.traceback[-MAX_HEADER_TEXT:],
    }
    key = delivery.routing_key if target.routing_key is None else target.routing_key
    properties = DEAD_LETTER.properties(delivery.message.properties, headers)
    properties = _fitting(properties, delivery.received_headers)
    return Copy(target.exchange, key, delivery.body, properties)


def parking(spec: ConsumerSpec) -> DeadLetterTarget:
    """The parking queue, through the default exchange."""
    return DeadLetterTarget(exchange="", routing_key=spec.parking_queue)


def _fitting(properties: Properties, received: Mapping[str, Any]) -> Properties:
    """Return the properties without as many of our own headers as it takes for a frame to hold them.

    Where that is not enough, without what RabbitMQ noted of earlier deaths.
    """
    headers = dict(properties.headers or {})
    spare = [name for name in _SPARE if name in headers and name not in received]
    spare += [name for name in _BROKERS if name in headers]
    while spare and not replace(properties, headers=headers).fits():
        del headers[spare.pop(0)]
    return replace(properties, headers=headers)


def _short(text: str) -> str:
    return text[:MAX_HEADER_TEXT]
