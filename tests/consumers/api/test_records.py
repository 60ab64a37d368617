"""Records of handled messages through the API: shapes, filters, refusals."""

from __future__ import annotations

import base64

import pytest

from mqadmin.core.models import AuditEntry
from tests.consumers.api.conftest import Api
from tests.support.consumers import make_consumer, make_record

pytestmark = pytest.mark.django_db

RECORD_FIELDS = {
    "id", "consumer", "process", "queue", "exchange", "routing_key", "message_id", "redelivered", "attempt",
    "outcome", "ack_lost", "detail", "error_type", "error", "started_at", "duration_ms", "waited_ms", "size",
    "trace_id", "requeueable",
}  # fmt: skip


def test_records_have_every_field_and_filters(api_of: Api) -> None:
    consumer = make_consumer(name="orders")
    make_record(consumer, message_id="m-a")
    failed = make_record(consumer, outcome="dead_lettered", error="boom", body=b"x", properties={})
    make_record(make_consumer(name="other"))
    viewer = api_of("viewer")

    _status, body = viewer.call("GET", "/records", consumer="orders")
    assert set(body["items"][0]) == RECORD_FIELDS
    assert (body["total"], body["items"][0]["id"], body["items"][0]["requeueable"]) == (2, failed.pk, True)
    assert body["items"][1]["requeueable"] is False
    for query in ({"outcome": "dead_lettered"}, {"q": "boo"}, {"message_id": failed.message_id}):
        assert [item["id"] for item in viewer.call("GET", "/records", **query)[1]["items"]] == [failed.pk]
    assert viewer.call("GET", "/records", since="2099-01-01T00:00:00Z")[1]["items"] == []
    assert viewer.call("GET", "/records", until="2099-01-01T00:00:00")[1]["total"] == 3
    uncounted = viewer.call("GET", "/records", count="false", limit=1)[1]
    assert (uncounted["total"], len(uncounted["items"]), bool(uncounted["next"])) == (None, 1, True)
    assert viewer.call("GET", "/records", outcome="no-such")[0] == 422
    assert viewer.call("GET", "/records", consumer="nobody")[0] == 404


def test_record_pages_follow_the_cursor(api_of: Api) -> None:
    consumer = make_consumer()
    made = [make_record(consumer).pk for _n in range(5)]
    viewer, seen, cursor = api_of("viewer"), [], None
    for _step in range(3):
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        _status, body = viewer.call("GET", "/records", **query)
        seen += [item["id"] for item in body["items"]]
        cursor = body["next"]
    assert (seen, cursor) == (made[::-1], None)


def test_record_with_body_headers_and_log(api_of: Api) -> None:
    record = make_record(
        make_consumer(),
        body=b"\xff\x00",
        properties={"priority": 3},
        headers={"n": {"$float": "1.0"}},
        log=[[1.5, "INFO", "hello"]],
        traceback="tb",
    )
    status, body = api_of("viewer").call("GET", f"/records/{record.pk}")
    assert status == 200
    assert set(body) >= RECORD_FIELDS | {"properties", "headers", "traceback", "dead_letter"}
    assert (base64.b64decode(body["body"]), body["encoding"]) == (b"\xff\x00", "base64")
    assert body["log"] == [{"offset_ms": 1.5, "level": "INFO", "text": "hello"}]
    assert body["headers"] == {"n": {"$float": "1.0"}}
    plain = make_record(make_consumer(), body="grüße".encode())
    assert api_of("operator").call("GET", f"/records/{plain.pk}")[1]["body"] == "grüße"


def test_requeue_refuses_what_is_not_stored(api_of: Api) -> None:
    record = make_record(make_consumer())
    status, body = api_of("operator").call("POST", f"/records/{record.pk}/requeue")
    assert (status, body["code"]) == (409, "not_stored")


def test_requeue_without_a_broker_is_the_brokers_trouble(api_of: Api, no_broker: None) -> None:
    record = make_record(make_consumer(), body=b"x", properties={})
    status, body = api_of("operator").call("POST", f"/records/{record.pk}/requeue")
    assert (status, body["code"]) == (503, "connection_lost")
    entry = AuditEntry.objects.get()
    assert (entry.outcome, entry.reason) == ("failed", body["detail"])  # nobody said no
