"""Whatever a message, its error or its log line holds: the record is written and reads back."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pika
import pytest
from django.db import OperationalError, ProgrammingError, connection
from django.utils import timezone
from pika.spec import Basic

from consumers.models import ConsumerMinute, ConsumerProcess, HandledKey, Record, Suspect
from consumers.process.record_sink import RecordSink
from consumers.process.suspects import SuspectNotes
from consumers.records import replaying
from consumers.records.claims import HandledClaims
from consumers.records.inserting import Moments
from consumers.runtime.api import Delivery
from consumers.runtime.outcome import Handled
from consumers.runtime.sink import SinkUnavailable
from mqadmin.rabbit.codec import decode_value
from mqadmin.rabbit.message import from_json
from tests.consumers.handlers.deliveries import delivery
from tests.support.consumers import make_consumer, make_process
from tests.support.wire import table

pytestmark = pytest.mark.django_db

NOW = 1_790_000_000.0

HOSTILE = [
    "\0",
    "a\\u0000b",
    "\\\0",
    "\\\\u0000",
    "\ud800",
    "\\ud800",
    '"}]',
    "\u202e\u2028",
    "%s %(x)s {0}",
    "🐇",
]


def handled(text: str, headers: dict[str, Any]) -> Handled:
    plain = text.encode("utf-8", "replace").decode()  # what AMQP can carry
    delivery = Delivery(
        Basic.Deliver("tag", 1, False, plain, plain),
        pika.BasicProperties(headers=headers, message_id=plain, app_id=plain),
        text.encode("utf-8", "surrogatepass"),
        queue="orders",
        consumer="orders",
        generation=1,
    )
    delivery.log_lines = [(0.5, "INFO", text)]
    return Handled(
        delivery, "dead_lettered", time.time(), 0.1, detail=text, error_type=text, error=text, traceback=text
    )


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_nothing_in_a_message_keeps_its_record_from_being_written(text: str) -> None:
    plain = text.encode("utf-8", "replace").decode()
    headers = {plain: [plain, {"deep": plain}], "large": 2**63 - 1, "bytes": b"\0\xff"}
    consumer = make_consumer(body_capture="all")
    RecordSink(consumer, make_process(consumer).pk).commit([handled(text, headers)])

    record = Record.objects.get()
    assert bytes(record.body or b"") == text.encode("utf-8", "surrogatepass")
    assert from_json(record.headers) == headers
    assert record.properties == {"message_id": plain, "app_id": plain}
    assert record.log is not None
    ((offset, level, line),) = record.log
    assert (offset, level) == (0.5, "INFO")
    assert line == text.replace("\0", "").encode("utf-8", "replace").decode()
    copy = replaying.copy_of(record, requeue_id="1", username="guest")
    assert copy.properties.message_id == plain
    assert (copy.properties.headers or {})[plain] == headers[plain]


def of(
    outcome: Any, *, claim: str = "", started_at: float = NOW, headers: Any = None, **properties: Any
) -> Handled:
    delivery = Delivery(
        Basic.Deliver("tag", 1, False, "shop", "order.created"),
        pika.BasicProperties(headers=headers, **properties),
        b"body",
        queue="orders",
        consumer="orders",
        generation=1,
    )
    delivery.claim = claim
    return Handled(delivery, outcome, started_at, 0.25)


def commit(*outcomes: Handled, **fields: Any) -> ConsumerProcess:
    consumer = make_consumer(**fields)
    process = make_process(consumer)
    RecordSink(consumer, process.pk).commit(outcomes)
    return process


@pytest.mark.parametrize(
    ("mode", "kept"),
    [
        ("durable", ["acked", "acked", "dead_lettered"]),
        ("best_effort", ["acked", "acked", "dead_lettered"]),
        ("failures", ["dead_lettered"]),
        ("off", []),
    ],
)
def test_each_mode_keeps_its_records_and_all_count_exactly(mode: str, kept: list[str]) -> None:
    process = commit(of("acked"), of("dead_lettered"), of("acked"), of("released"), records=mode)
    stored = sorted(Record.objects.exclude(outcome="released").values_list("outcome", flat=True))
    assert stored == kept
    minute = ConsumerMinute.objects.get(process=process)
    assert (minute.handled, minute.failed, sum(minute.durations)) == (3, 1, 3)


def test_the_record_of_an_acked_message_reads_as_any_other() -> None:
    process = commit(of("acked", message_id="m-1"), of("retried", message_id="m-2"), body_capture="failures")
    acked, retried = Record.objects.order_by("message_id")
    fields = [field.attname for field in Record._meta.concrete_fields]
    differing = {name for name in fields if getattr(acked, name) != getattr(retried, name)}
    assert differing == {"id", "message_id", "outcome", "properties", "headers", "body"}
    assert acked.process_id == process.pk
    assert acked.started_at == datetime.fromtimestamp(NOW, UTC)
    assert (acked.outcome, acked.properties, acked.headers, acked.body) == ("acked", None, None, None)
    assert (acked.duration_ms, acked.size, acked.attempt, acked.body_truncated) == (250, 4, 1, False)


@pytest.mark.parametrize("epoch", [0.0, 1.0, NOW, NOW + 0.000001, NOW + 0.9999999, 1_700_000_000.123456])
def test_moments_are_those_that_django_writes(epoch: float) -> None:
    expected = connection.ops.adapt_datetimefield_value(datetime.fromtimestamp(epoch, UTC))
    moments = Moments()
    found = [moments.of(epoch), moments.of(epoch)]
    if connection.vendor == "sqlite":
        assert found == [expected, expected]
    else:
        assert [datetime.fromisoformat(text) for text in found] == [expected, expected]


@pytest.mark.parametrize(
    ("headers", "timestamp", "waited"),
    [
        (None, None, None),
        (None, int(NOW) - 3, 3000),
        (None, int(NOW) + 60, 0),
        ({"timestamp_in_ms": int(NOW) * 1000 - 1500}, int(NOW) - 9, 1500),
        # As RabbitMQ's message interceptor writes it.
        (decode_value(b"F" + table([(b"timestamp_in_ms", ("l", int(NOW) * 1000 - 1500))]), 0)[0], None, 1500),
        ({"timestamp_in_ms": "soon"}, int(NOW) - 9, 9000),
        ({"timestamp_in_ms": True}, None, None),
        (None, 2**63, None),
    ],
)
def test_how_long_a_message_waited(headers: Any, timestamp: int | None, waited: float | None) -> None:
    commit(of("acked", headers=headers, timestamp=timestamp))
    assert Record.objects.get().waited_ms == waited


@pytest.mark.django_db(transaction=True)
def test_records_that_are_written_at_once_read_back_whole() -> None:
    """Outside a transaction: what is plain needs but one statement on PostgreSQL, which is one of its own."""
    consumer = make_consumer()
    process = make_process(consumer)
    sink = RecordSink(consumer, process.pk)
    logged = of("acked", message_id='m"\\1', started_at=NOW + 60)
    logged.delivery.log_lines = [(0.5, "INFO", 'a "b" \\ {c}')]
    sink.commit([of("acked", message_id="\u00e9\0"), logged])
    assert connection.in_atomic_block is False
    first, second = Record.objects.order_by("id")
    assert (first.message_id, first.log, first.started_at) == (
        "\u00e9",
        None,
        datetime.fromtimestamp(NOW, UTC),
    )
    assert (second.message_id, second.log) == ('m"\\1', [[0.5, "INFO", 'a "b" \\ {c}']])
    assert ConsumerMinute.objects.filter(process=process).count() == 2
    for count in (1, 3):  # all that they have in common goes once: here all of it
        alike = of("acked", message_id="%s %(x)s '\\")
        alike.delivery.log_lines = logged.delivery.log_lines
        sink.commit([alike] * count)
    found = Record.objects.order_by("id")[2:]
    assert [(one.message_id, one.log) for one in found] == [("%s %(x)s '\\", second.log)] * 4


def test_claims_end_with_the_record_of_their_message() -> None:
    consumer = make_consumer(records="off")
    process = make_process(consumer)
    names = {outcome: outcome.ljust(64, "x") for outcome in ("acked", "retried", "dead_lettered", "released")}
    claims = HandledClaims(consumer_id=consumer.pk, process_id=process.pk, window=60)
    claims.claim([*names.values(), "i" * 64])
    before = timezone.now()
    RecordSink(consumer, process.pk).commit([of(outcome, claim=name) for outcome, name in names.items()])

    rows = {row.key: row for row in HandledKey.objects.all()}
    assert set(rows) == {names["acked"], "i" * 64}
    assert rows[names["acked"]].done
    assert rows[names["acked"]].at >= before
    assert not rows["i" * 64].done


@pytest.mark.django_db(transaction=True)
def test_a_commit_that_fails_leaves_nothing_and_counts_once() -> None:
    """With a table missing half way through, the records before it are not there either."""
    consumer = make_consumer()
    process = make_process(consumer)
    sink = RecordSink(consumer, process.pk)
    HandledClaims(consumer_id=consumer.pk, process_id=process.pk, window=60).claim(["k" * 64])
    group = [of("acked", claim="k" * 64), of("dead_lettered")]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE consumers_handledkey RENAME TO elsewhere")
        try:
            with pytest.raises((SinkUnavailable, ProgrammingError)):
                sink.commit(group)
        finally:
            with connection.cursor() as again:  # the first one's connection may be gone
                again.execute("ALTER TABLE elsewhere RENAME TO consumers_handledkey")
    assert not Record.objects.exists()
    assert not ConsumerMinute.objects.exists()
    sink.commit(group)
    assert Record.objects.count() == 2
    assert ConsumerMinute.objects.get().handled == 2
    assert HandledKey.objects.get().done


@pytest.mark.django_db(transaction=True)
def test_one_in_n_is_exact_where_a_commit_had_to_be_tried_again() -> None:
    def locked(*_: Any) -> None:
        raise OperationalError("database is locked")

    consumer = make_consumer(record_one_in=4)
    sink = RecordSink(consumer, make_process(consumer).pk)
    for number in range(8):
        group = [of("acked") for _ in range(3)]
        for _try in range(number % 3):
            with connection.execute_wrapper(locked), pytest.raises(SinkUnavailable):
                sink.commit(group)
        sink.commit(group)
    assert Record.objects.count() == 24 // 4


@pytest.mark.parametrize(("begun", "left"), [(True, 0), (False, 1)])
def test_a_note_goes_with_its_message_once_that_was_begun(begun: bool, left: int) -> None:
    consumer = make_consumer()
    process = make_process(consumer)
    back = delivery(b"{}", redelivered=True)
    SuspectNotes(consumer_id=consumer.pk, process_id=process.pk).begin(back, 2)
    RecordSink(consumer, process.pk).commit([Handled(back, "released", NOW, 0.0, begun=begun)])
    assert Suspect.objects.count() == left


def test_a_message_whose_header_has_a_name_of_bytes_can_be_replayed() -> None:
    commit(of("dead_lettered", headers={b"\xff": 1, "x-death": []}))
    copy = replaying.copy_of(Record.objects.get(), requeue_id="1", username="guest")
    assert (copy.properties.headers or {})[b"\xff"] == 1  # type: ignore[index]


@pytest.mark.parametrize("mode", ["durable", "failures"])
def test_an_ack_that_never_arrived_is_kept_and_counted_apart(mode: str) -> None:
    lost = of("acked", message_id="lost")
    lost.ack_lost = "The channel was closed."
    process = commit(of("acked", message_id="fine"), lost, records=mode)

    kept = {row.message_id: row.ack_lost for row in Record.objects.all()}
    assert kept == {"lost": "The channel was closed.", **({"fine": None} if mode == "durable" else {})}
    minute = ConsumerMinute.objects.get(process=process)
    assert (minute.handled, minute.failed, minute.unacked) == (2, 0, 1)


def test_a_loss_that_is_known_after_the_commit_marks_the_record_that_is_there() -> None:
    consumer = make_consumer()
    process = make_process(consumer)
    sink = RecordSink(consumer, process.pk)
    same = {"message_id": "a", "started_at": NOW + 0.123456}
    lost, twin, fine = of("acked", **same), of("retried", **same), of("acked", message_id="b")
    sink.commit([lost, twin, fine])
    lost.recorded, lost.ack_lost = True, "The connection was lost."
    sink.commit([lost])

    marked = [(row.message_id, row.outcome) for row in Record.objects.exclude(ack_lost=None)]
    assert marked == [("a", "acked")]
    minute = ConsumerMinute.objects.get(process=process)
    assert (minute.handled, minute.unacked) == (3, 1)
