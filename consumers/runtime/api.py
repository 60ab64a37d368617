"""What a handler sees: the delivery it is given and the two exceptions it may raise on purpose."""

from __future__ import annotations

import json
import logging
import math
import threading
from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from mqadmin.rabbit.headers import ATTEMPT, IN_DOUBT, ORIGIN_EXCHANGE, ORIGIN_ROUTING_KEY
from mqadmin.rabbit.message import Message, Properties, fingerprint
from mqadmin.telemetry import carried

if TYPE_CHECKING:
    from pika import BasicProperties
    from pika.spec import Basic

_KEY_LENGTH = 32  # hex digits of a fingerprint

_log = logging.getLogger("mqadmin.handler")


class Retry(Exception):
    """Raised by a handler: handle this message again after `delay` seconds (None: as the policy says).

    Raises TypeError itself for a delay that is no number, ValueError for NaN.
    """

    def __init__(self, reason: str = "the handler asked for a retry", *, delay: float | None = None) -> None:
        super().__init__(reason)
        if delay is not None and math.isnan(delay):
            raise ValueError("a delay is a number of seconds, not NaN")
        self.delay = delay


class Reject(Exception):
    """Raised by a handler: this message is no use, dead-letter it at once, with this reason."""


class Delivery:
    """One message in the hands of a handler. Belongs to the thread that handles it.

    `exchange` and `routing_key` are those of the original publish, whatever road a retried copy took.
    `attempt` counts from 1. `redelivered`: it was in somebody's hands before, so it may be the second time.
    What is handed out is the handler's own: nothing that it changes there changes the message, which may have to
    leave as a copy.
    """

    __slots__ = (
        "_body",
        "_headers",
        "_method",
        "_properties",
        "claim",
        "committed",
        "consumer",
        "generation",
        "log_lines",
        "queue",
        "span",
        "tag",
        "traced_as",
    )

    def __init__(
        self,
        method: Basic.Deliver | Basic.GetOk,
        properties: BasicProperties,
        body: bytes,
        *,
        queue: str,
        consumer: str,
        generation: int,
    ) -> None:
        self._method = method
        self._properties = properties
        self._headers: dict[str, Any] | None = None
        self._body = body
        self.queue = queue
        self.consumer = consumer
        self.generation = generation  # which channel it came on: a tag is worth nothing on another
        self.tag: int = method.delivery_tag or 0
        self.log_lines: list[tuple[float, str, str]] | None = None
        self.claim = ""  # the dedupe key that this process holds for it, "" for none
        self.committed: threading.Event | None = None  # set once its outcome is durable, where someone waits
        self.span: object = None  # in which it is handled, where that is told of; `traced_as`: its trace
        self.traced_as = ""

    @property
    def body(self) -> bytes:
        return self._body

    @property
    def headers(self) -> dict[str, Any]:
        """The headers as received, mqadmin's own among them; empty when there are none."""
        if self._headers is None:
            self._headers = _own(self._properties.headers or {})
        return self._headers

    @property
    def received_headers(self) -> Mapping[str, Any]:
        """The same for the runtime, which changes nothing: not copied."""
        return cast(dict[str, Any], self._properties.headers or {})

    # Every message is asked these for its record, and most have no headers.

    @property
    def trace_id(self) -> str:
        """Of the trace that it is handled in, or was published in; "" where nobody says."""
        headers = self._properties.headers
        return self.traced_as or (carried.trace_id(headers) if headers else "")

    @property
    def exchange(self) -> str:
        headers = self._properties.headers
        origin = headers.get(ORIGIN_EXCHANGE) if headers else None
        return origin if isinstance(origin, str) else (self._method.exchange or "")

    @property
    def routing_key(self) -> str:
        headers = self._properties.headers
        origin = headers.get(ORIGIN_ROUTING_KEY) if headers else None
        return origin if isinstance(origin, str) else (self._method.routing_key or "")

    @property
    def attempt(self) -> int:
        headers = self._properties.headers
        value = headers.get(ATTEMPT) if headers else None
        return value if isinstance(value, int) and value > 0 else 1

    @property
    def redelivered(self) -> bool:
        return bool(self._method.redelivered) or bool(self._known_as)

    @property
    def key(self) -> str:
        """What it is recognised by when it comes back: a digest, handed on where it comes back as a copy."""
        return self._known_as or fingerprint(self.message, self.queue)

    @property
    def _known_as(self) -> str:
        headers = self._properties.headers
        value = headers.get(IN_DOUBT) if headers else None
        return value if isinstance(value, str) and len(value) == _KEY_LENGTH else ""

    @property
    def message_id(self) -> str:
        return self._properties.message_id or ""

    @property
    def correlation_id(self) -> str:
        return self._properties.correlation_id or ""

    @property
    def type(self) -> str:
        return self._properties.type or ""

    @property
    def priority(self) -> int:
        return self._properties.priority or 0

    @property
    def timestamp(self) -> datetime | None:
        """When the publisher says it was published (whole seconds), or None."""
        seconds = self.timestamp_seconds
        if seconds is None:
            return None
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (OverflowError, ValueError, OSError):
            return None

    @property
    def timestamp_seconds(self) -> int | None:
        """The same in seconds since 1970, as it came: it may lie past what a calendar holds."""
        seconds = self._properties.timestamp
        return None if seconds is None else int(seconds)

    @property
    def properties(self) -> Properties:
        found = self.message.properties
        return replace(found, headers=_own(found.headers))

    @property
    def text(self) -> str:
        """The body as UTF-8 text. Raises UnicodeDecodeError, which the failure policy then handles."""
        return self.body.decode()

    def json(self) -> Any:
        """The body parsed as JSON. Raises ValueError, which the failure policy then handles."""
        return json.loads(self.body)

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger whose lines are stored with this message's record (as are all others of its thread).

        In a batch, lines of other loggers are kept with the first message.
        """
        return _Adapter(_log, {"mqadmin_delivery": self})

    @property
    def message(self) -> Message:
        """The message as RabbitMQ delivered it: for storing and for publishing it again. Not to be changed."""
        return Message(
            body=self.body,
            properties=Properties.from_pika(self._properties),
            exchange=self._method.exchange or "",
            routing_key=self._method.routing_key or "",
            redelivered=self.redelivered,
            delivery_tag=self.tag,
        )


def _own(value: Any) -> Any:
    """Return a table or array of headers that whoever gets it may change."""
    if isinstance(value, dict):
        return {name: _own(item) for name, item in value.items()}
    return [_own(item) for item in value] if isinstance(value, list) else value


class _Adapter(logging.LoggerAdapter[logging.Logger]):
    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        return msg, {**kwargs, "extra": {**(kwargs.get("extra") or {}), **(self.extra or {})}}
