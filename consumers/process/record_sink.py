"""The records of handled messages, written in groups: the runtime's `Sink` over Django's database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from json.encoder import encode_basestring_ascii

from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction

from consumers.models import Consumer
from consumers.process import suspects
from consumers.records import claims, inserting, minutes, parts
from consumers.records.database_faults import unavailable
from consumers.records.inserting import Moments, Row, clean
from consumers.records.minutes import MinuteCounter
from consumers.runtime.outcome import Handled

_EXACT_TIMESTAMP = "timestamp_in_ms"  # of RabbitMQ's message interceptor: milliseconds since 1970
_LAST_MOMENT = 253_402_300_799  # the end of the year 9999 in seconds since 1970: more is no time in seconds
_MOST_KNOWN = 1_000


class RecordSink:
    """Writes `Record` rows for one process of `consumer`. Used by one thread, over its own connection.

    The mode "best effort" has the rows of "durable": what differs is when the runtime calls.
    """

    def __init__(self, consumer: Consumer, process_id: int) -> None:
        self._consumer_id = consumer.pk
        self._process_id = process_id
        self._minutes = MinuteCounter(consumer_id=consumer.pk, process_id=process_id)
        self._mode = consumer.records
        self._capture = consumer.body_capture
        self._whole = consumer.body_capture == Consumer.BodyCapture.ALL
        self._cap = consumer.body_cap
        self._one_in = max(1, consumer.record_one_in)
        self._acked = 0
        self._is_postgres = connection.vendor == "postgresql"  # asked once: the connection is a slow proxy
        self._moments = Moments()
        self._clean_names: dict[str, str] = {}  # exchanges and routing keys: few, and in every record

    def commit(self, outcomes: Sequence[Handled]) -> None:
        """Commit the records of `outcomes`, and the exact counters, in one transaction. Raises SinkUnavailable.

        The same transaction ends their dedupe claims and the notes of messages that came back.
        """
        acked_before = self._acked
        late = [handled for handled in outcomes if handled.recorded]
        unacked = [h.started_at for h in outcomes if h.ack_lost and h.outcome in minutes.WELL]
        if late:
            outcomes = [handled for handled in outcomes if not handled.recorded]
        plain, others = self._rows(outcomes)
        totals = self._minutes.count(
            [(handled.started_at, handled.outcome, handled.duration * 1000) for handled in outcomes], unacked
        )
        # What was not begun keeps its note.
        returned = [h.delivery for h in outcomes if h.delivery.redelivered and h.begun]
        claimed = [
            (handled.delivery.claim, handled.outcome == "acked")
            for handled in outcomes
            if handled.delivery.claim
        ]
        try:
            # One statement is a transaction of its own.
            if not (plain or others or returned or claimed or late):
                self._minutes.write(totals)
            elif plain and totals and not (others or returned or claimed or late) and self._is_postgres:
                inserting.insert_at_once(plain, self._minutes.rows(totals))
            else:
                with transaction.atomic():
                    inserting.insert_plain(plain)
                    inserting.insert(others)
                    inserting.mark_unacked(self._process_id, [self._late(handled) for handled in late])
                    self._minutes.write(totals)
                    if returned:
                        suspects.forget(self._consumer_id, returned)
                    if claimed:
                        claims.settle(self._consumer_id, self._process_id, claimed)
        except (OperationalError, InterfaceError) as error:
            self._acked = acked_before  # the same group is to come again
            raise unavailable(error) from error
        except IntegrityError as error:
            if not parts.mend(error):
                raise
            self._acked = acked_before
            raise unavailable(error) from error
        self._minutes.keep(totals)

    def _rows(self, outcomes: Sequence[Handled]) -> tuple[list[Row], list[Row]]:
        """Return the rows of messages that were simply acked, and those of all others."""
        plain: list[Row] = []
        others: list[Row] = []
        if self._mode == Consumer.Records.OFF:
            return plain, others
        for handled in outcomes:
            if handled.outcome != "acked" or handled.ack_lost:
                others.append((*self._always(handled), *self._rest(handled)))
            elif self._is_kept():
                if self._whole or handled.detail:
                    others.append((*self._always(handled), *self._rest(handled)))
                else:
                    plain.append(self._always(handled))
        return plain, others

    def _is_kept(self) -> bool:
        """Whether the next acked message gets a record."""
        if self._mode == Consumer.Records.FAILURES:
            return False
        self._acked += 1
        return self._acked % self._one_in == 0

    def _always(self, handled: Handled) -> Row:
        delivery = handled.delivery
        lines = delivery.log_lines
        return (
            self._consumer_id,
            self._process_id,
            delivery.queue,
            self._name(delivery.exchange),
            self._name(delivery.routing_key),
            clean(delivery.message_id, 255),
            delivery.redelivered,
            min(delivery.attempt, 32_767),
            self._moments.of(handled.started_at),
            handled.duration * 1000,
            _waited_ms(handled),
            len(delivery.body),
            _log(lines) if lines else None,
            delivery.trace_id or None,
        )

    def _rest(self, handled: Handled) -> Row:
        properties = headers = None
        if handled.outcome != "acked" or self._whole:
            fields = handled.delivery.message.properties.to_json()
            headers = json.dumps(fields.pop("headers", {}))
            properties = json.dumps(fields)
        whole = handled.delivery.body
        body = whole[: self._cap] if self._keeps_body(handled) else None
        return (
            handled.outcome,
            clean(handled.detail, 500),
            clean(handled.error_type, 200),
            clean(handled.error),
            clean(handled.traceback),
            properties,
            headers,
            body,
            body is not None and len(body) < len(whole),
            clean(handled.ack_lost, 300) or None,
        )

    def _late(self, handled: Handled) -> tuple[str, str, str, str]:
        """Return what `mark_unacked` takes."""
        at = self._moments.of(handled.started_at)
        message_id = clean(handled.delivery.message_id, 255)
        return at, handled.outcome, message_id, clean(handled.ack_lost, 300)

    def _keeps_body(self, handled: Handled) -> bool:
        if handled.outcome == "acked":
            return self._capture == Consumer.BodyCapture.ALL
        return self._capture != Consumer.BodyCapture.NONE

    def _name(self, text: str) -> str:
        known = self._clean_names.get(text)
        if known is None:
            if len(self._clean_names) >= _MOST_KNOWN:  # routing keys may be as many as messages
                self._clean_names.clear()
            known = self._clean_names[text] = clean(text, 255)
        return known


def _waited_ms(handled: Handled) -> float | None:
    """Return the milliseconds from the message's timestamp to its handling, None without one.

    RabbitMQ's interceptor may have stamped it to the millisecond; the property counts whole seconds. Clocks of
    two hosts differ: a message from the future did not wait.
    """
    headers = handled.delivery.received_headers
    exact = headers.get(_EXACT_TIMESTAMP) if headers else None
    if type(exact) is int:  # not bool
        published_ms: float = exact
    else:
        published = handled.delivery.timestamp_seconds
        if published is None or published > _LAST_MOMENT:
            return None
        published_ms = published * 1000
    return max(0.0, round(handled.started_at * 1000 - published_ms, 3))


def _log(lines: Sequence[tuple[float, str, str]]) -> str:
    """Cleaned before it is encoded: in JSON an escaped NUL and a backslash before "u0000" look alike."""
    encode = encode_basestring_ascii
    pieces = [f"[{offset!r}, {encode(clean(level))}, {encode(clean(text))}]" for offset, level, text in lines]
    return f"[{', '.join(pieces)}]"
