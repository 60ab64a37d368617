"""Why a message died: x-death and every framework's failure headers -> one `Death`.

Headers come from whoever can publish: a wrong type or a lie must never raise here, and is never trusted to
route a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from mqadmin.rabbit.headers import FIRST_DEATH, LAST_DEATH, X_DEATH
from mqadmin.rabbit.message import Message
from mqadmin.rabbit.reading import frameworks
from mqadmin.rabbit.reading.header_values import integer, moment, text, texts

Reason = Literal["rejected", "expired", "maxlen", "delivery_limit", "error", "unknown"]
BROKER_REASONS = ("rejected", "expired", "maxlen", "delivery_limit")


@dataclass(frozen=True)
class DeathEntry:
    """One entry of `x-death`: how often the message died in this queue for this reason, and when first."""

    queue: str
    reason: str
    count: int
    time: datetime | None
    exchange: str
    routing_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Death:
    """What is known of the death of one message. "" and None = not known; times are aware, UTC.

    `queue`, `exchange`, `routing_keys` say where the message was when it last left its own queue; `reason`
    `error`: an application put it aside and says so; `unknown`: nothing tells of a death, or RabbitMQ calls it by
    a name that is not known here. `count`: all deaths and failed attempts that are recorded, 0 where none is.
    `deaths` is newest first. `framework` names what wrote the error, one of `frameworks.NAMES` or "".
    `return_address` is the queue to requeue to, None if only exchange and key are known.
    """

    queue: str = ""
    exchange: str = ""
    routing_keys: tuple[str, ...] = ()
    reason: Reason = "unknown"
    count: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    deaths: tuple[DeathEntry, ...] = ()
    error_type: str = ""
    error: str = ""
    trace: str = ""
    framework: str = ""
    consumer: str = ""
    host: str = ""
    return_address: str | None = None


def read(message: Message, dead_letter_queue: str) -> Death:
    """Return what the message, found in `dead_letter_queue`, tells of its death. Never raises."""
    headers = message.headers
    deaths = _entries(headers.get(X_DEATH))
    death = _from_broker(message, deaths, dead_letter_queue)
    reports = frameworks.read(headers, message.body, message.properties.app_id)
    if not reports:
        return death
    framework, report = reports[0]
    # The framework's own word goes before mqadmin's, and both before the broker's.
    addresses = [item.queue for _name, item in reversed(reports) if item.queue]
    return replace(
        death,
        queue=report.queue or death.queue,
        exchange=report.exchange if report.exchange is not None else death.exchange,
        routing_keys=(report.routing_key,) if report.routing_key is not None else death.routing_keys,
        reason=_reported(report, death),
        count=max(death.count, report.attempts or 1) if report.failed else death.count,
        first_at=death.first_at or report.at,
        last_at=_latest(death.last_at, report.at),
        error_type=report.error_type,
        error=report.error,
        trace=report.trace,
        framework=framework,
        consumer=report.consumer,
        host=report.host,
        return_address=_not_itself(next(iter(addresses), ""), dead_letter_queue) or death.return_address,
    )


def _reported(report: frameworks.Report, death: Death) -> Reason:
    """Return the reason where a framework left a report: its own, else the broker's, else that it did."""
    if report.reason:
        return _reason(report.reason, "error")
    return "error" if report.failed and (not death.deaths or death.reason == "unknown") else death.reason


def _from_broker(message: Message, deaths: tuple[DeathEntry, ...], dead_letter_queue: str) -> Death:
    """Return what the broker's own headers say; without any, what the delivery shows."""
    headers = message.headers
    first_queue = text(headers.get(FIRST_DEATH + "queue"))
    if not deaths:
        queue = text(headers.get(LAST_DEATH + "queue")) or first_queue
        word = text(headers.get(LAST_DEATH + "reason") or headers.get(FIRST_DEATH + "reason"))
        return Death(
            queue=queue,
            exchange=text(headers.get(LAST_DEATH + "exchange")) or message.exchange,
            routing_keys=(message.routing_key,),
            reason=_reason(word),
            count=1 if queue or word else 0,
            return_address=_not_itself(first_queue, dead_letter_queue),
        )
    # The newest entry may be a death in the dead-letter queue itself, or in a delay queue on the way.
    last = next((item for item in deaths if item.queue != dead_letter_queue), deaths[0])
    times = [item.time for item in deaths if item.time is not None]
    return_address = first_queue or next((item.queue for item in reversed(deaths)), "")
    return Death(
        queue=last.queue,
        exchange=last.exchange,
        routing_keys=last.routing_keys,
        reason=_reason(last.reason),
        count=sum(item.count for item in deaths) or 1,
        first_at=min(times, default=None),
        last_at=max(times, default=None),
        deaths=deaths,
        return_address=_not_itself(return_address, dead_letter_queue),
    )


def _entries(value: Any) -> tuple[DeathEntry, ...]:
    if not isinstance(value, list):
        return ()
    found = []
    for item in value:
        if not isinstance(item, Mapping) or not text(item.get("queue")):
            continue
        found.append(
            DeathEntry(
                queue=text(item.get("queue")),
                reason=text(item.get("reason")),
                count=max(0, integer(item.get("count"), default=1)),
                time=moment(item.get("time")),
                exchange=text(item.get("exchange")),
                routing_keys=texts(item.get("routing-keys")),
            )
        )
    return tuple(found)


def _reason(value: str, other: Reason = "unknown") -> Reason:
    """Return one of ours; RabbitMQ's words are matched without case, anything else is `other`."""
    lowered = value.lower()
    for known in BROKER_REASONS:
        if lowered == known:
            return known  # type: ignore[return-value]
    return other


def _not_itself(queue: str, dead_letter_queue: str) -> str | None:
    return queue if queue and queue != dead_letter_queue else None


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((item for item in (one, other) if item is not None), default=None)
