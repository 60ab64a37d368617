"""Letters go into a file and come out of it the same: every property, nothing twice, nothing half."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from mqadmin.core.acts.audit import Actor
from mqadmin.core.models import AuditEntry
from mqadmin.deadletters.acts import editing, exporting, importing
from mqadmin.deadletters.letter import letters
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import selection
from mqadmin.rabbit.message import LongString, Message, Properties
from tests.deadletters.factories import died, letter
from tests.support.length import examples

BY = Actor("ann")
AT = datetime(2026, 11, 21, 13, 42, 11, 123456, tzinfo=UTC)


def file_of(*rows: DeadLetter) -> io.BytesIO:
    chosen = selection.some("default", [row.pk for row in rows])
    return io.BytesIO(b"".join(exporting.export(selection=chosen, by=BY)))


def everything(row: DeadLetter) -> dict[str, Any]:
    skip = {"id", "broker", "search_text", "edits", "operation_id", "claimed_at", "decided_at"}
    values = {name: value for name, value in vars(row).items() if name not in skip and name[0] != "_"}
    return {**values, "body": bytes(row.body)}


@pytest.mark.django_db(transaction=True)
def test_a_letter_comes_back_with_everything() -> None:
    headers = {
        **died(type="shop.Missing", message="no customer", trace="File x"),
        "raw": b"\x00\xff",
        "long": LongString(b"\xff"),
        "exact": Decimal("1.50"),
        "whole": 1.0,
        "at": AT,
        "deep": {"list": [1, None, True, {"$bytes": "no tag"}]},
        "mqadmin-requeue-id": "earlier",
    }
    one = letter(
        b"\x00\xffbody", headers=headers, message_id="ord-1", priority=3, expiration="5", timestamp=1
    )
    editing.note(letter=one, text="looked at", by=BY)
    one.refresh_from_db()
    editing.edit(letter=one, by=BY, body=b"new")
    one.refresh_from_db()
    file = file_of(one)
    DeadLetter.objects.all().delete()
    outcome = importing.take(file=file, broker="other", by=BY)
    assert (outcome.total, outcome.imported, outcome.duplicates) == (1, 1, 0)
    again = DeadLetter.objects.get()
    assert everything(again) == everything(one)
    assert (again.broker, again.events.get().kind) == ("other", "imported")
    assert letters.message_of(again) == letters.message_of(one)
    assert again.note == "looked at"
    restored = editing.revert(letter=again, by=BY)
    assert bytes(restored.body) == b"\x00\xffbody"
    assert [entry.count for entry in AuditEntry.objects.filter(action="dead_letters.import")] == [1]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)  # RabbitMQ has none
    | st.text(max_size=20)
    | st.binary(max_size=20)
    | st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(
        lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=examples(150))
@given(st.dictionaries(st.text(max_size=12), values, max_size=5), st.binary(max_size=200))
def test_a_line_holds_every_header_and_body(headers: dict[str, Any], body: bytes) -> None:
    message = Message(body, Properties(headers=headers, message_id="m"), "dlx", "k")
    described = message.properties.to_json()
    row = DeadLetter(
        broker="default",
        vhost="/",
        dead_letter_queue="dlx.orders",
        reason="rejected",
        captured_at=AT,
        fingerprint="0" * 32,
        headers=described.pop("headers", {}),
        properties=described,
        body=body,
    )
    content = exporting.line(row)
    assert content.isascii()
    assert content.count(b"\n") == 1
    again = importing.read(content, "default")
    assert bytes(again.body) == body
    assert letters.message_of(again).properties.to_json() == letters.message_of(row).properties.to_json()


@pytest.mark.django_db(transaction=True)
def test_what_is_here_already_is_recognised_also_twins() -> None:
    twins = [letter(b"same", received_at=AT) for _ in range(3)]
    other = letter(b"other", received_at=AT)
    file = file_of(*twins, other)
    outcome = importing.take(file=file, broker="default", by=BY)
    assert (outcome.total, outcome.imported, outcome.duplicates) == (4, 0, 4)
    twins[0].delete()
    other.delete()
    told = importing.take(file=file, broker="default", by=BY, only_check=True)
    assert (told.imported, told.duplicates, DeadLetter.objects.count()) == (2, 2, 2)
    assert importing.take(file=file, broker="default", by=BY).imported == 2
    assert DeadLetter.objects.count() == 4


def broken(good: dict[str, Any], **changes: Any) -> bytes:
    values = {name: value for name, value in {**good, **changes}.items() if value is not ...}
    return json.dumps(values).encode()


@pytest.mark.django_db(transaction=True)
def test_one_wrong_line_and_nothing_is_imported() -> None:
    one = letter(b"x")
    good = json.loads(exporting.line(one))
    one.delete()
    lines = [
        json.dumps(good).encode(),
        b"{not json",
        b"[1]",
        broken(good, body="***"),
        broken(good, captured_at="yesterday"),
        broken(good, captured_at=...),
        broken(good, headers={"a": {"$decimal": "no number"}}),
        broken(good, properties={"colour": "red"}),
        broken(good, properties={"priority": 1000}),
        broken(good, reason="bored"),
        broken(good, surplus=1),
        broken(good, vhost=7),
        broken(good, death_count=-1),
        broken(good, note="a\0b"),
        broken(good, source_queue="q" * 300),
        broken(good, original={"body": "x"}),
    ]
    outcome = importing.take(file=io.BytesIO(b"\n".join(lines)), broker="default", by=BY)
    assert [fault.line for fault in outcome.faults] == list(range(2, len(lines) + 1))
    assert all(fault.error for fault in outcome.faults)
    assert outcome.imported == 0
    assert not DeadLetter.objects.exists()
    entry = AuditEntry.objects.get(action="dead_letters.import")
    assert (entry.outcome, entry.count, entry.detail) == ("refused", None, {"faults": len(lines) - 1})
    assert entry.reason.startswith("Line 2: ")
    assert entry.reason.endswith("Nothing was imported.")


DEATH = {"queue": "q", "reason": "rejected", "count": 1, "time": None, "exchange": "", "routing_keys": ["k"]}
TABLES = "deaths must hold tables with count, exchange, queue, reason, routing_keys, time."
ORIGINAL = {"properties": {}, "headers": {}, "body": "YQ=="}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vhost": ..., "body": ...}, "It lacks vhost, body."),
        ({"zeal": 1, "surplus": 1, "vhost": 7}, "It has fields that are not known: surplus, zeal."),
        ({"vhost": 7}, "vhost must be text, without NUL."),
        ({"note": "a\0"}, "note must be text, without NUL."),
        ({"error": "\ud800"}, "error must be text, without NUL."),
        ({"death_count": True}, "death_count must be a whole number."),
        ({"requeue_count": 1.0}, "requeue_count must be a whole number."),
        ({"routing_keys": "k"}, "routing_keys must be a list."),
        ({"routing_keys": ["k", "a\0"]}, "routing_keys must be a list of texts, without NUL."),
        ({"deaths": {}}, "deaths must be a list."),
        ({"deaths": [DEATH, 5]}, TABLES),
        ({"deaths": [{**DEATH, "queue": 5, "count": 5.5}]}, TABLES),
        ({"deaths": [{**DEATH, "count": -1, "surplus": 1}]}, TABLES),
        ({"deaths": [{**DEATH, "count": 2**31}]}, "deaths.count must be a whole number."),
        ({"deaths": [{**DEATH, "routing_keys": [5]}]}, "deaths.routing_keys must be a list of texts."),
        ({"deaths": [{**DEATH, "time": 5}]}, "deaths.time must be a time."),
        ({"headers": []}, "headers must be a table."),
        ({"first_death_at": "soon"}, "first_death_at must be a time."),
        ({"captured_at": None}, "captured_at must be a time."),
        ({"body": "é"}, "body must be base64."),
        ({"original": []}, "original must hold properties, headers and body."),
        (
            {"original": {**ORIGINAL, "headers": 5, "body": 5}},
            "original must hold properties, headers and body.",
        ),
        ({"original": {**ORIGINAL, "body": "*"}}, "body must be base64."),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_fault_is_told_with_its_field(changes: dict[str, Any], words: str) -> None:
    good = {
        "mqadmin_letter": 1,
        "vhost": "/",
        "dead_letter_queue": "dlx",
        "reason": "rejected",
        "captured_at": AT.isoformat(),
        "fingerprint": "0" * 32,
        "body": "YQ==",
        "properties": {},
        "headers": {},
    }
    assert importing.read(broken(good), "default").body == b"a"
    with pytest.raises(importing.Unusable) as caught:
        importing.read(broken(good, **changes), "default")
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ('{"n": 1, "n": 2}', "the key “n” is given twice"),
        ('{"n": NaN}', "JSON has no NaN"),
        ('{"n": 12345678901234567.89}', "has more digits than a float"),
    ],
)
def test_a_line_that_would_be_stored_otherwise_than_it_is_written_is_refused(
    headers: str, words: str
) -> None:
    line = f'{{"mqadmin_letter": 1, "headers": {headers}}}'.encode()
    with pytest.raises(importing.Unusable, match=words):
        importing.read(line, "default")


@pytest.mark.django_db(transaction=True)
def test_a_letter_that_was_being_requeued_is_parked_here() -> None:
    one = letter(b"x", status="requeueing")
    file = file_of(one)
    one.delete()
    importing.take(file=file, broker="default", by=BY)
    assert DeadLetter.objects.get().status == "parked"


@pytest.mark.django_db(transaction=True)
def test_many_are_exported_bit_by_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "BATCH", 4)
    rows = [letter(b"%d" % number) for number in range(11)]
    assert len(file_of(*rows).readlines()) == 11


@pytest.mark.django_db(transaction=True)
def test_the_pages_export_and_import(client: Client) -> None:
    user = User.objects.create_user("olga", password="x")
    user.groups.add(Group.objects.get(name="operator"))
    client.force_login(user)
    one, other = letter(b"x", source_queue="orders"), letter(b"y", source_queue="other")
    page = client.get("/dead-letters/").content.decode()
    assert "Export all 2" in page
    answer = client.get("/dead-letters/export/?all=1&source=orders&status=parked")
    content = b"".join(answer.streaming_content)
    assert [json.loads(line)["id"] for line in content.splitlines()] == [one.pk]
    assert 'attachment; filename="dead-letters-' in answer["Content-Disposition"]
    ticked = client.get(f"/dead-letters/export/?ids={other.pk}")
    content += b"".join(ticked.streaming_content)

    def send(lines: bytes, **more: str) -> str:
        file = SimpleUploadedFile("letters.jsonl", lines)
        return client.post("/dead-letters/import/", {"file": file, **more}, follow=True).content.decode()

    one.delete()
    assert "1 letters are new, 1 are here already" in send(content, check="1")
    assert "1 line is wrong. Nothing was imported." in send(content + b"{}")
    assert DeadLetter.objects.count() == 1
    assert "1 letter imported, 1 was here already." in send(content)
    assert DeadLetter.objects.count() == 2
    assert "Choose a file." in client.post("/dead-letters/import/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_forged_count_of_deaths_comes_back_too() -> None:
    headers = died()
    headers["x-death"][0]["count"] = 2**62
    one = letter(headers=headers)
    file = file_of(one)
    DeadLetter.objects.all().delete()
    assert importing.take(file=file, broker="default", by=BY).imported == 1
    again = DeadLetter.objects.get()
    assert again.headers == one.headers
    assert again.deaths[0]["count"] == again.death_count == 2**31 - 1
