"""Whatever a message, its error or its log line holds: the record is written and reads back."""

from __future__ import annotations

import time
from typing import Any

import pika
import pytest
from pika.spec import Basic

from consumers import records
from consumers.models import Record
from consumers.recording import RecordSink
from consumers.runtime.api import Delivery
from consumers.runtime.outcome import Handled
from mqadmin.rabbit.message import from_json
from tests.support.consumers import make_consumer, make_process

pytestmark = pytest.mark.django_db

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
    ((offset, level, line),) = record.log
    assert (offset, level) == (0.5, "INFO")
    assert line == text.replace("\0", "").encode("utf-8", "replace").decode()
    copy = records.copy_of(record, requeue_id="1")
    assert copy.properties.message_id == plain
    assert (copy.properties.headers or {})[plain] == headers[plain]
