"""A masked field is masked in what a decoder makes of a body, wherever it is shown; the bytes stay as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import cbor2
import pytest
import zstandard

from consumers.models import Record
from mqadmin.deadletters.inbox import presenting
from mqadmin.deadletters.masking import in_records, masking
from mqadmin.deadletters.models import DeadLetter
from mqadmin.rabbit.reading import avro, decoders
from mqadmin.rabbit.reading.decoders import Decoder, Rule
from tests.deadletters.factories import letter

SCHEMA = {"type": "record", "name": "O", "fields": [{"name": "card", "type": "string"}]}
AVRO = b"\x1esecret-card-471"
PRINTABLE = b"4" + b"secret-card-471".ljust(26, b"x")  # Avro, and text to whoever does not know that
CBOR = cbor2.dumps({"order": {"card": "secret-card-471"}})


@pytest.fixture(autouse=True)
def rules(settings: Any) -> Iterator[None]:
    """`card` is masked; Avro by a type, and by the queue `orders`."""
    settings.MQADMIN_MASKED = ["payload.*.card"]
    decoder = Decoder("avro", "Avro", avro.Schema(json.dumps(SCHEMA)).decode)
    before = decoders._load
    decoders.use(lambda: [Rule("application/avro", "", decoder), Rule("", "orders", decoder)])
    yield
    decoders.use(before)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "is_read"),
    [
        (AVRO, "application/avro", None, True),
        (AVRO, None, None, True),  # by the queue that it died in
        (PRINTABLE, None, None, True),
        (CBOR, "application/cbor", None, True),
        (zstandard.compress(CBOR), "application/cbor", "zstd", True),
        (AVRO + b"more, so it cannot be read", "application/avro", None, False),
        (CBOR[:-2], "application/cbor", None, False),
        (zstandard.compress(CBOR * 2), "application/cbor", "zstd", False),
    ],
)
def test_a_masked_field_shows_nowhere(
    body: bytes, content_type: str | None, encoding: str | None, is_read: bool
) -> None:
    stored = letter(body, content_type=content_type, content_encoding=encoding)
    assert stored.source_queue == "orders"
    shown = presenting.show(DeadLetter.objects.get(pk=stored.pk))
    assert "secret-card" not in shown.body
    assert masking.SHOWN in shown.body
    assert ('"card"' in shown.body) == is_read  # the rest of what can be read is shown
    revealed = presenting.show(DeadLetter.objects.get(pk=stored.pk), reveal=True)
    assert "secret-card" in revealed.body.replace("\n", "")[:20_000] or "hex" in revealed.body_kind
    assert bytes(DeadLetter.objects.get(pk=stored.pk).body) == body

    record = Record(
        queue="orders", body=body, headers={}, error="no card secret-card-471xxxxxxxxxxx is known"
    )
    record.properties = {"content_type": content_type, "content_encoding": encoding}
    in_records.hide(record)
    assert b"secret-card" not in bytes(record.body or b"")
    assert "secret-card" not in record.error
