"""The copies that replace an original: one that comes back later, one that goes to the dead letters. Pure, but
for the time and a random id."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from consumers.runtime.api import (
    ATTEMPT,
    IN_DOUBT,
    ORIGIN_EXCHANGE,
    ORIGIN_ROUTING_KEY,
    RETRY_ID,
    Delivery,
)
from consumers.runtime.spec import ConsumerSpec, DeadLetterTarget
from consumers.runtime.verdicts import Finished
from mqadmin.rabbit.message import Properties

MAX_HEADER_TEXT = 4_000  # a frame of headers must stay well under the broker's 128 KiB frame
DELAY_PREFIX = "mqadmin.delay."
# What is left out, in this order, of a dead letter's copy whose headers no frame would hold: a copy that RabbitMQ
# refuses keeps its original coming back for ever.
_SPARE = (
    "mqadmin-error-trace",
    "mqadmin-error-message",
    "mqadmin-death-reason",
    ORIGIN_ROUTING_KEY,
    ORIGIN_EXCHANGE,
    "mqadmin-death-consumer",
    "mqadmin-death-host",
    "mqadmin-death-time",
    "mqadmin-error-type",
    "mqadmin-death-queue",
    ATTEMPT,
    RETRY_ID,
)
# A copy that waits for its next attempt is dead-lettered by RabbitMQ, which notes that in its headers: queue,
# exchange and key, of up to 255 bytes each, in `x-death` and again in `x-first-death-*` and `x-last-death-*`.
_DEATH_ROOM = 3_000
_DEATHS, ORIGINAL_DEATHS = "x-death", "mqadmin-original-x-death"
_BROKERS = (
    _DEATHS,
    ORIGINAL_DEATHS,
    *(f"x-{which}-death-{what}" for which in ("last", "first") for what in ("exchange", "reason", "queue")),
)
# Leftover CC and BCC would route the copy to more queues (RabbitMQ's sender-selected distribution).
_RENAMED = {"CC": "mqadmin-original-CC", "BCC": "mqadmin-original-BCC"}


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


def retry(delivery: Delivery, delay: float, *, attempt: int, deaths_last: bool = True) -> Copy | None:
    """Return the copy that comes back to its queue after `delay` seconds as attempt number `attempt`.

    As the same attempt it stays what it is, redelivered perhaps: nobody has begun it here. `deaths_last`: whether
    RabbitMQ goes on with the `x-death` that a client sends. None when its headers are so full that the count of
    attempts finds no room in them.
    """
    headers = {
        **_with_deaths(_without_routing(delivery.received_headers), delivery.queue, deaths_last),
        ATTEMPT: attempt,
        RETRY_ID: secrets.token_hex(8),
        ORIGIN_EXCHANGE: delivery.exchange,
        ORIGIN_ROUTING_KEY: delivery.routing_key,
    }
    if attempt == delivery.attempt and delivery.redelivered:
        headers[IN_DOUBT] = delivery.key
    properties = _properties(delivery, headers)
    if not properties.fits(_DEATH_ROOM):
        return None
    return Copy(delay_name(delay), delivery.queue, delivery.body, properties)


def dead_letter(spec: ConsumerSpec, finished: Finished, reason: str, target: DeadLetterTarget) -> Copy:
    """Return the copy for the dead letters, with the error in its headers."""
    delivery = finished.delivery
    headers = {
        **_without_routing(delivery.received_headers),
        ATTEMPT: delivery.attempt,
        ORIGIN_EXCHANGE: delivery.exchange,
        ORIGIN_ROUTING_KEY: delivery.routing_key,
        "mqadmin-death-queue": spec.queue,
        "mqadmin-death-reason": _short(reason),
        "mqadmin-death-time": int(time.time()),
        "mqadmin-death-consumer": spec.name,
        "mqadmin-death-host": spec.host,
        "mqadmin-error-type": _short(finished.error_type),
        "mqadmin-error-message": _short(finished.error),
        "mqadmin-error-trace": finished.traceback[-MAX_HEADER_TEXT:],
    }
    key = delivery.routing_key if target.routing_key is None else target.routing_key
    properties = _fitting(_properties(delivery, headers), delivery.received_headers)
    return Copy(target.exchange, key, delivery.body, properties)


def parking(spec: ConsumerSpec) -> DeadLetterTarget:
    """The parking queue, through the default exchange."""
    return DeadLetterTarget(exchange="", routing_key=spec.parking_queue)


def _properties(delivery: Delivery, headers: dict[str, Any]) -> Properties:
    """The original's properties, persistent, without a TTL, under the runtime's own user.

    A TTL would let the copy expire where it is to wait; another user's `user_id` closes the channel.
    """
    properties = delivery.message.properties
    if properties.expiration is not None:
        headers.setdefault("mqadmin-original-expiration", properties.expiration)
    if properties.user_id is not None:
        headers.setdefault("mqadmin-original-user-id", properties.user_id)
    return replace(properties, headers=headers, delivery_mode=2, expiration=None, user_id=None)


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


def _without_routing(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {_RENAMED.get(name, name): value for name, value in headers.items() if name != IN_DOUBT}


def _with_deaths(headers: dict[str, Any], queue: str, last: bool) -> dict[str, Any]:
    """Keep the message's deaths under another name where they would be lost or in the way.

    RabbitMQ 4 begins `x-death` anew when the copy expires out of its delay queue. Earlier versions go on with it,
    but take the way back for a circle, and the copy would never come, where it says that the message died in
    `queue` before and nobody rejected it since (rabbit_dead_letter:is_cycle/2, tried on 3.10.8).
    """
    deaths = headers.get(_DEATHS)
    if not isinstance(deaths, list):
        return headers
    found = [death for death in deaths if isinstance(death, dict)]
    is_ours = all(str(death.get("queue")).startswith(DELAY_PREFIX) for death in found)
    if not is_ours and (not last or _is_circle(found, queue)):
        earlier = headers.get(ORIGINAL_DEATHS)
        headers[ORIGINAL_DEATHS] = headers.pop(_DEATHS) + (earlier if isinstance(earlier, list) else [])
    return headers


def _is_circle(deaths: Sequence[dict[str, Any]], queue: str) -> bool:
    """Whether RabbitMQ takes a way to `queue` for one: `deaths`, newest first."""
    since: list[Any] = []
    for death in deaths:
        since.append(death.get("reason"))
        if death.get("queue") == queue:
            return "rejected" not in since
    return False


def _short(text: str) -> str:
    return text[:MAX_HEADER_TEXT]
