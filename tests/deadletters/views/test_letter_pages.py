"""One letter's own pages: its body as hex and as a file, the editor's ways to type it, what an edit changed."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.test import Client

from mqadmin.core.acts import operations
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.deadletters.models import DeadLetter, RetryRule
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.config import BrokerConfig
from tests.deadletters.conftest import Place
from tests.deadletters.factories import died, letter
from tests.deadletters.views.test_pages import client_of

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _environment(broker_config: BrokerConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)


@pytest.fixture
def admin(transactional_db: None) -> Client:
    return client_of("admin")


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


def fields(client: Client, one: DeadLetter) -> dict[str, Any]:
    form = client.get(f"/dead-letters/{one.pk}/edit/").context["form"]
    return {name: form[name].value() for name in ("body", "encoding", "headers", "properties", "edits")}


def post(client: Client, one: DeadLetter, **values: Any) -> Any:
    return client.post(f"/dead-letters/{one.pk}/edit/", values)


def test_the_hex_view_ends_at_64_kb_and_links_to_the_whole(admin: Client) -> None:
    body = bytes(range(256)) * 300
    one = letter(body)
    shown = page(admin, f"/dead-letters/{one.pk}/")  # no text in it: hex without being asked
    assert "<s>00000010</s>  10 11 12" in shown
    assert "0000fff0" in shown
    assert "00010000" not in shown
    assert "Download the whole body" in shown
    answer = admin.get(f"/dead-letters/{one.pk}/body/")
    assert answer.content == body
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")


def test_text_is_shown_as_hex_when_asked(admin: Client) -> None:
    one = letter(b'<b>{"a": 1}')
    shown = page(admin, f"/dead-letters/?letter={one.pk}&tab=hex")
    assert "3c 62 3e 7b" in shown
    assert "&lt;b&gt;{&quot;a&quot;: 1}" in shown
    assert "<b>{" not in shown


def test_a_body_with_hidden_values_is_downloaded_by_who_may_see_them(settings: Any, admin: Client) -> None:
    settings.MQADMIN_MASKED = ["payload.card"]
    one = letter(b'{"card": "4111"}')
    other = letter(b'{"n": 1}')
    viewer = client_of("viewer")
    assert viewer.get(f"/dead-letters/{one.pk}/body/").status_code == 403
    assert viewer.get(f"/dead-letters/{other.pk}/body/").content == b'{"n": 1}'
    assert "34 31 31 31" not in page(viewer, f"/dead-letters/{one.pk}/?tab=hex")
    assert not AuditEntry.objects.filter(action="dead_letters.reveal").exists()
    assert admin.get(f"/dead-letters/{one.pk}/body/").content == b'{"card": "4111"}'
    assert AuditEntry.objects.get(action="dead_letters.reveal").detail["to"] == "download"


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


def test_direction_marks_do_not_turn_what_is_read(admin: Client) -> None:
    one = letter('{"a": "\u202etxt.exe"}'.encode(), headers={"name\u2066": "v\u202ev"})
    shown = page(admin, f"/dead-letters/{one.pk}/") + page(admin, f"/dead-letters/{one.pk}/?tab=headers")
    assert "\\u202etxt.exe" in shown
    assert "\u202e" not in shown
    assert "\u2066" not in shown


def test_bodies_that_differ_only_in_bytes_are_compared_as_hex(admin: Client) -> None:
    one = letter(b'{"a":1}')
    assert post(admin, one, **{**fields(admin, one), "encoding": "hex", "body": "7b 22 61 22 3a 20 31 7d"})
    shown = page(admin, f"/dead-letters/{one.pk}/?tab=changes")
    assert "7b 22 61 22 3a 31 7d" in shown
    assert "7b 22 61 22 3a 20 31 7d" in shown


def test_of_two_who_click_the_same_button_the_second_is_told_who_was_first(
    admin: Client, place: Place
) -> None:
    other = client_of("operator")
    one = letter(vhost=place.vhost)
    assert other.post("/dead-letters/requeue/", {"ids": one.pk}).status_code == 302
    operations.execute(Operation.objects.get().pk)
    late = admin.post("/dead-letters/requeue/", {"ids": one.pk})
    assert late.status_code == 409
    said = html.unescape(late.content.decode())
    assert "operator was faster: “Requeue 1 letter to orders”, " in said
    assert "None of these letters is parked." in said
    again = html.unescape(other.post("/dead-letters/discard/", {"ids": one.pk}).content.decode())
    assert "You were there already: “Requeue 1 letter to orders”" in again
    assert Operation.objects.count() == 1
    assert place.depth("orders") == 1


def test_a_count_that_changed_under_the_second_names_the_first(admin: Client, place: Place) -> None:
    other = client_of("operator")
    letter(vhost=place.vhost)
    everything = {"all": "1", "status": "parked", "up_to": DeadLetter.objects.latest("pk").pk, "expect": "1"}
    assert other.post("/dead-letters/discard/", everything).status_code == 302
    operations.execute(Operation.objects.get().pk)
    late = admin.post("/dead-letters/requeue/", everything)
    assert late.status_code == 409
    assert "operator was faster: “Discard" in html.unescape(late.content.decode())


def test_what_a_bulk_edit_would_do_hides_what_is_hidden(settings: Any, admin: Client) -> None:
    settings.MQADMIN_MASKED = ["payload.card", "header.token"]
    one = letter(b'{"card": "4111", "to": "ann"}', headers={**died(), "token": "s3cret"})
    shown = page(admin, f"/dead-letters/edit/?ids={one.pk}&way=replace&find=ann&replace=ben")
    assert "−   &quot;to&quot;: &quot;ann&quot;" in shown
    assert "+   &quot;to&quot;: &quot;ben&quot;" in shown
    patch = '[{"op": "add", "path": "/headers/team", "value": 1}]'
    shown += admin.get(
        "/dead-letters/edit/", {"ids": one.pk, "way": "patch", "patch": patch}
    ).content.decode()
    assert "+   &quot;team&quot;: 1" in shown
    assert not any(secret in shown for secret in ("4111", "s3cret"))


def test_a_rule_is_switched_without_being_typed_again(admin: Client) -> None:
    typed = {
        "source": "orders",
        "vhost": "/",
        "at_most": 2,
        "first_delay": 90,
        "factor": 1.5,
        "max_delay": 900,
    }
    Queue.objects.create(broker=Broker.objects.get_or_create(slug="default")[0], vhost="/", name="orders")
    assert admin.post("/dead-letters/automatic/rules/", typed).status_code == 302
    listed = admin.get("/dead-letters/automatic/")
    fields = dict(listed.context["rules"][0][2])
    assert all(f'name="{name}" value="{value}"' in listed.content.decode() for name, value in fields.items())
    assert admin.post("/dead-letters/automatic/rules/", {**fields, "is_on": "1"}).status_code == 302
    rule = RetryRule.objects.get()
    kept = (rule.is_on, rule.at_most, rule.first_delay, rule.factor, rule.max_delay)
    assert kept == (True, 2, 90.0, 1.5, 900.0)
