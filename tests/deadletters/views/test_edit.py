"""The page where one letter is changed: the ways to type it, what an edit changed, saving."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from mqadmin.core.acts import operations
from mqadmin.core.models import Operation
from mqadmin.deadletters.models import DeadLetter
from mqadmin.rabbit.wire_numbers import Float32, Int64
from tests.deadletters.conftest import Place
from tests.deadletters.factories import died, letter
from tests.deadletters.views.conftest import LIST, fields, page

pytestmark = [pytest.mark.broker, pytest.mark.any_version, pytest.mark.django_db(transaction=True)]


def test_edit_save_and_requeue(admin: Client, place: Place) -> None:
    one = letter(
        b"a\nb", vhost=place.vhost, headers={**died(), "weight": 1.0, "n": Int64(5), "f": Float32(0.5)}
    )
    path = f"{LIST}{one.pk}/edit/"
    form = admin.get(path).context["form"]
    fields = {name: form[name].value() for name in ("body", "encoding", "headers", "properties", "edits")}
    changed = {**fields, "body": "a\r\nc"}
    assert admin.post(path, {**changed, "headers": "[]"}).status_code == 422
    assert admin.post(path, {**changed, "properties": '{"priority": 999}'}).status_code == 422
    assert admin.post(path, {**changed, "requeue": "1"}).status_code == 302
    one.refresh_from_db()
    assert bytes(one.body) == b"a\nc"
    assert one.headers["weight"] == {"$float": "1.0"}
    assert (one.headers["n"], one.headers["f"]) == ({"$int64": 5}, {"$float32": 0.5})
    operations.execute(Operation.objects.get().pk)
    message = place.take("orders")
    assert message.body == b"a\nc"
    assert message.headers["weight"] == 1.0
    assert [type(message.headers[name]) for name in ("n", "f")] == [Int64, Float32]
    stale = admin.post(path, {**fields, "body": "other"})
    assert stale.status_code == 422
    assert "meanwhile" in stale.content.decode()


def post(client: Client, one: DeadLetter, **values: Any) -> Any:
    return client.post(f"/dead-letters/{one.pk}/edit/", values)


def test_hex_is_stored_exactly_as_typed(admin: Client) -> None:
    one = letter(b"\xff\x00\r\n\x01")
    given = fields(admin, one)
    assert (given["encoding"], given["body"]) == ("hex", "ff 00 0d 0a 01")
    wrong = post(admin, one, **{**given, "body": "ff 00\r\n0d 0x"})
    assert wrong.status_code == 422
    said = wrong.content.decode()
    assert "Line 2, column 5: “x” is no hex digit." in said
    assert 'data-fault-at="10"' in said
    assert '<code class="query-text">0d 0<mark>x</mark></code>' in said
    assert post(admin, one, **{**given, "body": "FF00 0d\r\n0a0d 7f"}).status_code == 302
    one.refresh_from_db()
    assert bytes(one.body) == b"\xff\x00\r\n\r\x7f"


@pytest.mark.parametrize("body", [b'{\r\n"a": 1}\n', b"a\rb", b"\nlead", b"tail\n\n", "żółć\r\n".encode()])
def test_saving_what_nobody_touched_changes_no_byte(admin: Client, body: bytes) -> None:
    one = letter(body)
    given = fields(admin, one)
    as_sent = given["body"].replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    assert post(admin, one, **{**given, "body": as_sent}).status_code == 302
    one.refresh_from_db()
    assert (bytes(one.body), one.edits) == (body, 0)


def test_json_is_checked_before_it_is_saved(admin: Client) -> None:
    one = letter(b'{"a": 1}')
    given = fields(admin, one)
    assert given["encoding"] == "json"
    wrong = post(admin, one, **{**given, "body": '{"a": 1\r\n "b": 2}'})
    assert wrong.status_code == 422
    assert "Not JSON. Line 2, column 2" in wrong.content.decode()
    assert post(admin, one, **{**given, "encoding": "utf-8", "body": '{"a": '}).status_code == 302
    one.refresh_from_db()
    assert bytes(one.body) == b'{"a": '


def test_what_was_typed_is_kept_when_it_is_shown_in_another_way(admin: Client) -> None:
    one = letter(b"abc")
    given = {**fields(admin, one), "headers": '{"kept": 1}'}
    answer = post(admin, one, **{**given, "body": "abd\r\n", "show": "hex"})
    form = answer.context["form"]
    assert answer.status_code == 200
    assert (form["body"].value(), form["encoding"].value()) == ("61 62 64 0a", "hex")
    assert form["headers"].value() == '{\n  "kept": 1\n}'
    back = post(admin, one, **{**given, "encoding": "hex", "body": "ff", "show": "utf-8"})
    assert back.status_code == 422
    assert "It is not UTF-8 text" in back.content.decode()
    one.refresh_from_db()
    assert (bytes(one.body), one.edits) == (b"abc", 0)


def test_the_changes_are_shown_before_and_after_they_are_saved(admin: Client) -> None:
    one = letter(b'{"amount": 5, "to": "ann"}', headers={**died(), "tenant": "acme"})
    given = fields(admin, one)
    changed = {**given, "body": '{"amount": 6, "to": "ann"}', "properties": '{"priority": 3}'}
    before = post(admin, one, **changed, show="changes").content.decode()
    assert "− " in before
    for text in (before, None):
        if text is None:
            assert post(admin, one, **changed).status_code == 302
            text = page(admin, f"/dead-letters/{one.pk}/?tab=changes")
        assert "−   &quot;amount&quot;: 5," in text
        assert "+   &quot;amount&quot;: 6," in text
        assert "+   &quot;priority&quot;: 3" in text
        assert (
            "Headers" not in text[text.index('class="diff-title"') :].split("letter-side")[0].split("<p ")[0]
        )
    assert (
        "nothing is changed"
        in post(
            admin, letter(b"x"), **{**fields(admin, DeadLetter.objects.latest("pk")), "show": "changes"}
        ).content.decode()
    )


def test_hidden_values_stay_hidden_in_the_changes(settings: Any, admin: Client) -> None:
    settings.MQADMIN_MASKED = ["payload.card", "header.token"]
    one = letter(b'{"card": "4111", "n": 1}', headers={**died(), "token": "s3cret"})
    given = fields(admin, one)
    assert post(admin, one, **{**given, "body": '{"card": "4222", "n": 2}'}).status_code == 302
    shown = page(admin, f"/dead-letters/{one.pk}/?tab=changes")
    assert "+   &quot;n&quot;: 2" in shown
    assert not any(secret in shown for secret in ("4111", "4222", "s3cret"))
    revealed = admin.post(f"/dead-letters/{one.pk}/reveal/?tab=changes").content.decode()
    assert "4111" in revealed
    assert "4222" in revealed


def test_bodies_that_differ_only_in_bytes_are_compared_as_hex(admin: Client) -> None:
    one = letter(b'{"a":1}')
    assert post(admin, one, **{**fields(admin, one), "encoding": "hex", "body": "7b 22 61 22 3a 20 31 7d"})
    shown = page(admin, f"/dead-letters/{one.pk}/?tab=changes")
    assert "7b 22 61 22 3a 31 7d" in shown
    assert "7b 22 61 22 3a 20 31 7d" in shown
