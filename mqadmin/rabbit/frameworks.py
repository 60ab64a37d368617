"""The failure headers of the frameworks that people use on RabbitMQ, and mqadmin's own, read into one form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mqadmin.rabbit.fields import integer, moment, text

Headers = Mapping[str, Any]
_MAX_JSON_BODY = 1_000_000
_SEARCHED = 10_000  # Characters of a trace that are searched for the error's name.

FAILURE_PREFIXES = ("NServiceBus.ExceptionInfo.", "MT-Fault-")
FAILURE_HEADERS = (
    "x-exception-message",
    "x-exception-stacktrace",
    "x-original-exchange",
    "x-original-routingKey",
    "retry-count",
    "NServiceBus.FailedQ",
    "NServiceBus.TimeOfFailure",
    "NServiceBus.Retries",
    "NServiceBus.FLRetries",
    "MT-Reason",
    "rbs2-error-details",
    "rbs2-source-queue",
    "reason_poisoned",
    "topic_poisoned",
    "handler_poisoned",
    "subscriber_poisoned",
)
"""What the frameworks add when they give a message up; only these, not the headers their messages need."""


@dataclass(frozen=True)
class Report:
    """What one framework says. None and "" = it does not say."""

    framework: str
    queue: str = ""
    exchange: str | None = None
    routing_key: str | None = None
    reason: str = ""
    attempts: int | None = None
    at: datetime | None = None
    error_type: str = ""
    error: str = ""
    trace: str = ""
    consumer: str = ""
    host: str = ""


def read(headers: Headers, body: bytes, app_id: Any = None) -> list[Report]:
    """Return the reports that were left, mqadmin's own first: it is the latest. Never raises."""
    reports = [report for reader in _READERS if (report := reader(headers)) is not None]
    if not reports:
        in_body = _body_report(headers, body) or _faststream(app_id)
        reports = [] if in_body is None else [in_body]
    return reports


def _mqadmin(headers: Headers) -> Report | None:
    """DESIGN.md, "The consumer": names of our own begin `mqadmin-`."""
    names = ("mqadmin-death-queue", "mqadmin-error-type", "mqadmin-error-message", "mqadmin-death-reason")
    if not any(name in headers for name in names):
        return None
    origin = headers.get("mqadmin-origin-exchange")
    key = headers.get("mqadmin-origin-routing-key")
    return Report(
        framework="mqadmin",
        queue=text(headers.get("mqadmin-death-queue")),
        exchange=None if origin is None else text(origin),
        routing_key=None if key is None else text(key),
        reason=text(headers.get("mqadmin-death-reason")),
        attempts=integer(headers.get("mqadmin-attempt")) or None,
        at=moment(headers.get("mqadmin-death-time")),
        error_type=text(headers.get("mqadmin-error-type")),
        error=text(headers.get("mqadmin-error-message")),
        trace=text(headers.get("mqadmin-error-trace")),
        consumer=text(headers.get("mqadmin-death-consumer")),
        host=text(headers.get("mqadmin-death-host")),
    )


def _nservicebus(headers: Headers) -> Report | None:
    prefix = "NServiceBus.ExceptionInfo."
    if "NServiceBus.FailedQ" not in headers and f"{prefix}ExceptionType" not in headers:
        return None
    retries = integer(headers.get("NServiceBus.Retries")) + integer(headers.get("NServiceBus.FLRetries"))
    return Report(
        framework="nservicebus",
        # "queue@machine" from the transports that have machines.
        queue=text(headers.get("NServiceBus.FailedQ")).split("@")[0],
        attempts=retries + 1,
        at=moment(headers.get("NServiceBus.TimeOfFailure")),
        error_type=text(headers.get(f"{prefix}ExceptionType")),
        error=text(headers.get(f"{prefix}Message")),
        trace=text(headers.get(f"{prefix}StackTrace")),
        consumer=text(headers.get("NServiceBus.ProcessingEndpoint")),
        host=text(headers.get("NServiceBus.ProcessingMachine")),
    )


def _masstransit(headers: Headers) -> Report | None:
    if "MT-Reason" not in headers and "MT-Fault-ExceptionType" not in headers:
        return None
    retries = integer(headers.get("MT-Fault-RetryCount")) + integer(headers.get("MT-Fault-RedeliveryCount"))
    return Report(
        framework="masstransit",
        queue=_queue_of_address(text(headers.get("MT-Fault-InputAddress"))),
        attempts=retries + 1,
        at=moment(headers.get("MT-Fault-Timestamp")),
        error_type=text(headers.get("MT-Fault-ExceptionType")),
        error=text(headers.get("MT-Fault-Message")) or text(headers.get("MT-Reason")),
        trace=text(headers.get("MT-Fault-StackTrace")),
        consumer=text(headers.get("MT-Fault-ConsumerType")),
        host=text(headers.get("MT-Host-MachineName")),
    )


def _queue_of_address(address: str) -> str:
    """rabbitmq://host/vhost/queue?durable=true -> queue."""
    path = address.split("?")[0].rstrip("/")
    return path.rsplit("/", 1)[-1] if "/" in path else path.removeprefix("queue:")


def _rebus(headers: Headers) -> Report | None:
    details = text(headers.get("rbs2-error-details"))
    if not details:
        return None
    # "3 unhandled exceptions: 01.05.2023 12:00:00: System.InvalidOperationException: text \n at ..."
    first, _, trace = details.partition("\n")
    match = _DOTNET_ERROR.search(details[:_SEARCHED])
    attempts = re.match(r"(\d{1,6}) unhandled exceptions?", details)
    return Report(
        framework="rebus",
        queue=text(headers.get("rbs2-source-queue")),
        attempts=int(attempts[1]) if attempts else None,
        error_type=match["type"] if match else "",
        error=(match["text"] if match else first).strip(),
        trace=details if trace else "",
        consumer="",
    )


_DOTNET_ERROR = re.compile(r"(?P<type>[A-Za-z_][\w.+`]{0,200}(?:Exception|Error)): (?P<text>[^\r\n]*)")


def _spring(headers: Headers) -> Report | None:
    if "x-exception-message" not in headers and "x-exception-stacktrace" not in headers:
        return None
    trace = text(headers.get("x-exception-stacktrace"))
    exchange, key = headers.get("x-original-exchange"), headers.get("x-original-routingKey")
    retries = integer(headers.get("retry-count"), default=-1)
    # The innermost "Caused by" is what went wrong; what is above it is the listener container's wrapping.
    causes = _JAVA_ERROR.findall(trace)
    error_type, error = causes[-1] if causes else ("", "")
    return Report(
        framework="spring",
        exchange=None if exchange is None else text(exchange),
        routing_key=None if key is None else text(key),
        attempts=retries + 1 if retries >= 0 else None,
        error_type=error_type,
        error=text(headers.get("x-exception-message")) or error.strip(),
        trace=trace,
    )


_JAVA_ERROR = re.compile(r"(?:\A|^Caused by: )([A-Za-z_$][\w.$]{1,200})(?:: ([^\r\n]*))?\r?$", re.MULTILINE)


def _watermill(headers: Headers) -> Report | None:
    if "reason_poisoned" not in headers:
        return None
    return Report(
        framework="watermill",
        queue=text(headers.get("topic_poisoned")),
        error=text(headers.get("reason_poisoned")),
        consumer=text(headers.get("handler_poisoned")) or text(headers.get("subscriber_poisoned")),
    )


_READERS: tuple[Callable[[Headers], Report | None], ...] = (
    _mqadmin,
    _nservicebus,
    _masstransit,
    _rebus,
    _spring,
    _watermill,
)


def _body_report(headers: Headers, body: bytes) -> Report | None:
    """Return what Celery, dramatiq and EasyNetQ say: they write it into the body, or say only whose it is."""
    if text(headers.get("task")) and text(headers.get("id")):
        return Report(
            framework="celery",
            attempts=integer(headers.get("retries")) + 1,
            # What tells one task's letters from another's where several share a queue.
            error=f"{text(headers.get('task'))}: Celery leaves no error in its messages",
            consumer=text(headers.get("task")),
            host=text(headers.get("origin")),
        )
    if not 2 <= len(body) <= _MAX_JSON_BODY or body.lstrip()[:1] != b"{":
        return None
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return (_dramatiq(document) or _easynetq(document)) if isinstance(document, dict) else None


def _faststream(app_id: Any) -> Report | None:
    """FastStream only rejects; its publishers sign what they send with its name and version."""
    return Report(framework="faststream") if text(app_id).startswith("faststream-") else None


def _dramatiq(document: dict[str, Any]) -> Report | None:
    options = document.get("options")
    if not isinstance(options, dict) or "actor_name" not in document:
        return None
    trace = text(options.get("traceback"))
    last = trace.rstrip().rsplit("\n", 1)[-1]
    match = re.fullmatch(r"([A-Za-z_][\w.]{0,200})(?:: (.*))?", last)
    queue = text(document.get("queue_name"))
    return Report(
        framework="dramatiq",
        queue=queue.removesuffix(".XQ").removesuffix(".DQ"),
        attempts=integer(options.get("retries")) + 1,
        at=moment(options.get("requeue_timestamp")),
        error_type=match[1] if match else "",
        error=(match[2] or "") if match else last,
        trace=trace,
        consumer=text(document.get("actor_name")),
    )


def _easynetq(document: dict[str, Any]) -> Report | None:
    """EasyNetQ's error envelope: the message itself is the `Message` in it."""
    if "Exception" not in document or "RoutingKey" not in document or "Exchange" not in document:
        return None
    trace = text(document.get("Exception"))
    match = _DOTNET_ERROR.search(trace[:_SEARCHED])
    return Report(
        framework="easynetq",
        queue=text(document.get("Queue")),
        exchange=text(document.get("Exchange")),
        routing_key=text(document.get("RoutingKey")),
        at=moment(document.get("DateTime")),
        error_type=match["type"] if match else "",
        error=(match["text"] if match else trace.split("\n")[0]).strip(),
        trace=trace,
    )
