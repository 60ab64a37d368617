"""The records of handled messages, written in groups: the runtime's `Sink` over Django's database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction

from consumers import suspects
from consumers.faults import unavailable
from consumers.minutes import MinuteCounter
from consumers.models import Consumer, Record
from consumers.runtime.outcome import Handled
from mqadmin.core import bulk

_COLUMNS = (
    "consumer_id",
    "process_id",
    "queue",
    "exchange",
    "routing_key",
    "message_id",
    "redelivered",
    "attempt",
    "outcome",
    "detail",
    "error_type",
    "error",
    "traceback",
    "started_at",
    "duration_ms",
    "size",
    "log",
    "properties",
    "headers",
    "body",
    "body_truncated",
)


class RecordSink:
    """Writes `Record` rows for one process of `consumer`. Used by one thread, over its own connection.

    Plain SQL, since the ORM's bulk_create costs more than handling the message did.
    """

    def __init__(self, consumer: Consumer, process_id: int) -> None:
        self._consumer_id = consumer.pk
        self._process_id = process_id
        self._minutes = MinuteCounter(consumer_id=consumer.pk, process_id=process_id)
        self._mode = consumer.records
        self._capture = consumer.body_capture
        self._cap = consumer.body_cap
        self._one_in = max(1, consumer.record_one_in)
        self._acked = 0

    def commit(self, outcomes: Sequence[Handled]) -> None:
        """Commit the records of `outcomes`, and the exact counters, in one transaction. Raises SinkUnavailable."""
        rows = [self._row(handled) for handled in outcomes if self._kept(handled)]
        counted = [(handled.started_at, handled.outcome, handled.duration * 1000) for handled in outcomes]
        try:
            with transaction.atomic():
                bulk.insert(Record._meta.db_table, _COLUMNS, rows)
                totals = self._minutes.write(counted)
                suspects.forget(self._consumer_id, (handled.delivery for handled in outcomes))
        except (OperationalError, InterfaceError) as error:
            raise unavailable(error) from error
        self._minutes.keep(totals)

    def _kept(self, handled: Handled) -> bool:
        if self._mode == Consumer.Records.OFF:
            return False
        if handled.outcome != "acked":
            return True
        if self._mode == Consumer.Records.FAILURES:
            return False
        self._acked += 1
        return self._acked % self._one_in == 0

    def _row(self, handled: Handled) -> tuple[Any, ...]:
        delivery = handled.delivery
        whole = self._capture == Consumer.BodyCapture.ALL
        keep = whole or (handled.outcome != "acked" and self._capture == Consumer.BodyCapture.FAILURES)
        properties = headers = body = None
        if keep or handled.outcome != "acked":
            message = delivery.message
            fields = message.properties.to_json()
            headers = json.dumps(fields.pop("headers", {}))
            properties = json.dumps(fields)
        if keep:
            body = delivery.body[: self._cap]
        return (
            self._consumer_id,
            self._process_id,
            delivery.queue,
            _clean(delivery.exchange, 255),
            _clean(delivery.routing_key, 255),
            _clean(delivery.message_id, 255),
            delivery.redelivered,
            min(delivery.attempt, 32_767),
            handled.outcome,
            _clean(handled.detail, 500),
            _clean(handled.error_type, 200),
            _clean(handled.error),
            _clean(handled.traceback),
            _moment(handled.started_at),
            handled.duration * 1000,
            len(delivery.body),
            _log(delivery.log_lines),
            properties,
            headers,
            body,
            body is not None and len(body) < len(delivery.body),
        )


def _log(lines: Sequence[tuple[float, str, str]] | None) -> str | None:
    """Cleaned before it is encoded: in JSON an escaped NUL and a backslash before "u0000" look alike."""
    return json.dumps([(offset, level, _clean(text)) for offset, level, text in lines]) if lines else None


def _moment(epoch: float) -> Any:
    return connection.ops.adapt_datetimefield_value(datetime.fromtimestamp(epoch, UTC))


def _clean(text: str, most: int | None = None) -> str:
    """Text as every database takes it: PostgreSQL refuses NUL characters and lone surrogates."""
    if "\0" in text:
        text = text.replace("\0", "")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text[:most]
