"""The failure headers of the frameworks that people use on RabbitMQ, and mqadmin's own, read into one form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

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
    ORIGIN_EXCHANGE,
    ORIGIN_ROUTING_KEY,
    PROOFS_OF,
)
from mqadmin.rabbit.reading.header_values import integer, moment, text

Headers = Mapping[str, Any]
_MAX_JSON_BODY = 1_000_000
_SEARCHED = 10_000  # Characters of a trace that are searched for the error's name.


@dataclass(frozen=True)
class Report:
    """What one framework says. None and "" = it does not say. `failed`: that it gave the message up; False where
    only its messages are known by it."""

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
    failed: bool = True


class Evidence:
    """What a message has that may tell of its failure."""

    __slots__ = ("_document", "app_id", "body", "headers")

    def __init__(self, headers: Headers, body: bytes, app_id: Any) -> None:
        self.headers = headers
        self.body = body
        self.app_id = app_id
        self._document: dict[str, Any] | None = None

    @property
    def document(self) -> dict[str, Any]:
        """The body, if it is a JSON object that is not too large, else an empty one."""
        if self._document is None:
            self._document = _object(self.body)
        return self._document


def _object(body: bytes) -> dict[str, Any]:
    if not 2 <= len(body) <= _MAX_JSON_BODY or body.lstrip()[:1] != b"{":
        return {}
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _mqadmin(evidence: Evidence) -> Report:
    """The headers of the copies that `consumers.runtime` makes for the dead letters."""
    headers = evidence.headers
    origin, key = headers.get(ORIGIN_EXCHANGE), headers.get(ORIGIN_ROUTING_KEY)
    return Report(
        queue=text(headers.get(DEATH_QUEUE)),
        exchange=None if origin is None else text(origin),
        routing_key=None if key is None else text(key),
        reason=text(headers.get(DEATH_REASON)),
        attempts=integer(headers.get(ATTEMPT)) or None,
        at=moment(headers.get(DEATH_TIME)),
        error_type=text(headers.get(ERROR_TYPE)),
        error=text(headers.get(ERROR_MESSAGE)),
        trace=text(headers.get(ERROR_TRACE)),
        consumer=text(headers.get(DEATH_CONSUMER)),
        host=text(headers.get(DEATH_HOST)),
    )


def _nservicebus(evidence: Evidence) -> Report:
    headers = evidence.headers
    prefix = "NServiceBus.ExceptionInfo."
    retries = integer(headers.get("NServiceBus.Retries")) + integer(headers.get("NServiceBus.FLRetries"))
    return Report(
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


def _masstransit(evidence: Evidence) -> Report:
    headers = evidence.headers
    retries = integer(headers.get("MT-Fault-RetryCount")) + integer(headers.get("MT-Fault-RedeliveryCount"))
    return Report(
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


def _rebus(evidence: Evidence) -> Report:
    headers = evidence.headers
    details = text(headers.get("rbs2-error-details"))
    # "3 unhandled exceptions: 01.05.2023 12:00:00: System.InvalidOperationException: text \n at ..."
    first, _, trace = details.partition("\n")
    match = _DOTNET_ERROR.search(details[:_SEARCHED])
    attempts = re.match(r"(\d{1,6}) unhandled exceptions?", details)
    return Report(
        queue=text(headers.get("rbs2-source-queue")),
        attempts=int(attempts[1]) if attempts else None,
        error_type=match["type"] if match else "",
        error=(match["text"] if match else first).strip(),
        trace=details if trace else "",
        consumer="",
    )


_DOTNET_ERROR = re.compile(r"(?P<type>[A-Za-z_][\w.+`]{0,200}(?:Exception|Error)): (?P<text>[^\r\n]*)")


def _spring(evidence: Evidence) -> Report:
    headers = evidence.headers
    trace = text(headers.get("x-exception-stacktrace"))
    exchange, key = headers.get("x-original-exchange"), headers.get("x-original-routingKey")
    retries = integer(headers.get("retry-count"), default=-1)
    # The innermost "Caused by" is what went wrong; what is above it is the listener container's wrapping.
    causes = _JAVA_ERROR.findall(trace)
    error_type, error = causes[-1] if causes else ("", "")
    return Report(
        exchange=None if exchange is None else text(exchange),
        routing_key=None if key is None else text(key),
        attempts=retries + 1 if retries >= 0 else None,
        error_type=error_type,
        error=text(headers.get("x-exception-message")) or error.strip(),
        trace=trace,
    )


_JAVA_ERROR = re.compile(r"(?:\A|^Caused by: )([A-Za-z_$][\w.$]{1,200})(?:: ([^\r\n]*))?\r?$", re.MULTILINE)


def _watermill(evidence: Evidence) -> Report:
    headers = evidence.headers
    return Report(
        queue=text(headers.get("topic_poisoned")),
        error=text(headers.get("reason_poisoned")),
        consumer=text(headers.get("handler_poisoned")) or text(headers.get("subscriber_poisoned")),
    )


def _celery(evidence: Evidence) -> Report | None:
    headers = evidence.headers
    if not text(headers.get("task")) or not text(headers.get("id")):
        return None
    if not any(name in headers for name in _CELERYS):  # "task" and "id" are anybody's words
        return None
    return Report(
        attempts=integer(headers.get("retries")) + 1,
        # What tells one task's letters from another's where several share a queue.
        error=f"{text(headers.get('task'))}: Celery leaves no error in its messages",
        consumer=text(headers.get("task")),
        host=text(headers.get("origin")),
        failed=False,
    )


# Of its message protocol, version 2: what it writes beside them, or clients in other languages do.
_CELERYS = ("argsrepr", "lang", "root_id")


def _dramatiq(evidence: Evidence) -> Report | None:
    document = evidence.document
    options = document.get("options")
    if not isinstance(options, dict) or "actor_name" not in document:
        return None
    trace = text(options.get("traceback"))
    last = trace.rstrip().rsplit("\n", 1)[-1]
    match = re.fullmatch(r"([A-Za-z_][\w.]{0,200})(?:: (.*))?", last)
    queue = text(document.get("queue_name"))
    return Report(
        queue=queue.removesuffix(".XQ").removesuffix(".DQ"),
        attempts=integer(options.get("retries")) + 1,
        at=moment(options.get("requeue_timestamp")),
        error_type=match[1] if match else "",
        error=(match[2] or "") if match else last,
        trace=trace,
        consumer=text(document.get("actor_name")),
        failed=bool(trace),  # one that was never handled, or whose handler never came back, has none
    )


def _easynetq(evidence: Evidence) -> Report | None:
    """EasyNetQ's error envelope: the message itself is the `Message` in it."""
    document = evidence.document
    if "Exception" not in document or "RoutingKey" not in document or "Exchange" not in document:
        return None
    trace = text(document.get("Exception"))
    match = _DOTNET_ERROR.search(trace[:_SEARCHED])
    return Report(
        queue=text(document.get("Queue")),
        exchange=text(document.get("Exchange")),
        routing_key=text(document.get("RoutingKey")),
        at=moment(document.get("DateTime")),
        error_type=match["type"] if match else "",
        error=(match["text"] if match else trace.split("\n")[0]).strip(),
        trace=trace,
    )


def _faststream(evidence: Evidence) -> Report | None:
    """FastStream only rejects; its publishers sign what they send with its name and version."""
    return Report(failed=False) if text(evidence.app_id).startswith("faststream-") else None


@dataclass(frozen=True)
class Framework:
    """One framework: its name in rows and queries, its title for people, and what reads its report.

    `leaves_headers`: when it gives a message up, it adds headers; it is asked where they have its proof
    (`rabbit.headers.PROOFS_OF`). Who does not is asked only where no other said anything: what it goes by stands in
    all of its messages.
    """

    name: str
    title: str
    reader: Callable[[Evidence], Report | None]
    leaves_headers: bool = True


OURS: Final = "mqadmin"
RABBITMQ: Final = "rabbitmq"  # no framework; what it wrote is named after it where theirs is
FRAMEWORKS: Final = (
    Framework(OURS, "mqadmin", _mqadmin),
    Framework("nservicebus", "NServiceBus", _nservicebus),
    Framework("masstransit", "MassTransit", _masstransit),
    Framework("rebus", "Rebus", _rebus),
    Framework("spring", "Spring", _spring),
    Framework("watermill", "Watermill", _watermill),
    Framework("celery", "Celery", _celery, leaves_headers=False),
    Framework("dramatiq", "dramatiq", _dramatiq, leaves_headers=False),
    Framework("easynetq", "EasyNetQ", _easynetq, leaves_headers=False),
    Framework("faststream", "FastStream", _faststream, leaves_headers=False),
)
"""Who is understood, in the order in which they are asked. Another one is added here, and what it leaves in headers
to `mqadmin.rabbit.headers`: reading, searching and the inbox go by this."""

NAMES: Final = tuple(item.name for item in FRAMEWORKS)
_TITLES = {item.name: item.title for item in FRAMEWORKS}
_WITH_HEADERS = tuple((item.name, item.reader) for item in FRAMEWORKS if item.leaves_headers)
_WITHOUT = tuple((item.name, item.reader) for item in FRAMEWORKS if not item.leaves_headers)
OTHERS: Final = tuple(name for name, _reader in _WITH_HEADERS if name != OURS)
"""Those whose headers an application may use for itself, and a person may keep."""
_PROOFS = tuple((name, PROOFS_OF[name]) for name, _reader in _WITH_HEADERS)


def title(name: str) -> str:
    """Return what people call a framework, "" for one that is not known, and for none."""
    return _TITLES.get(name, "")


def leaves_headers(name: str) -> bool:
    """Whether a framework writes headers when it gives a message up: what is named after it then did fail."""
    return any(name == known for known, _reader in _WITH_HEADERS)


def recognised(headers: Headers) -> tuple[str, ...]:
    """Return who gave a message with these headers up, and says so in them: names, mqadmin's own first. By names
    alone; never raises."""
    found = headers.keys()
    return tuple(name for name, proofs in _PROOFS if any(proof <= found for proof in proofs))


def read(headers: Headers, body: bytes, app_id: Any = None) -> list[tuple[str, Report]]:
    """Return the reports that were left, each with its framework's name, mqadmin's own first: it is the latest.
    Never raises."""
    evidence = Evidence(headers, body, app_id)
    if proven := recognised(headers):
        found = [(name, reader(evidence)) for name, reader in _WITH_HEADERS if name in proven]
        return [(name, report) for name, report in found if report is not None]
    for name, reader in _WITHOUT:
        if (report := reader(evidence)) is not None:
            return [(name, report)]
    return []
