"""Trying a handler on one message: the service, the page, the API."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, expect

from consumers.forms.trying import SampleForm
from consumers.models import Consumer, ConsumerMinute, Record
from consumers.trying import trial_message, trying
from consumers.trying.trying import Trial
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.rabbit.message import Message, to_json
from tests.consumers.conftest import BY
from tests.support.consumers import make_consumer, make_record
from tests.support.waiting import patient, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


@pytest.fixture(autouse=True)
def handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MQADMIN_HANDLERS", "tests.support.trial_handlers")


def consumer_of(handler: str = "tests.trial", **fields: Any) -> Consumer:
    return make_consumer(handler=handler, **fields)


def attempt(body: str, consumer: Consumer | None = None, **message: Any) -> Trial:
    sample = trial_message.typed(body=body, **message)
    return trying.run(consumer=consumer or consumer_of(), by=BY, message=sample)


# --- the service ----------------------------------------------------------------------------------------


def test_a_message_that_is_handled_would_be_acked() -> None:
    consumer = consumer_of(options={"word": "hello"}, vhost="shop", queue="orders")
    began = time.monotonic()
    found = attempt("ok:this", consumer, headers={"mqadmin-attempt": 2}, properties={"message_id": "m-7"})
    took_ms = (time.monotonic() - began) * 1000
    assert (found.outcome, found.error_type, found.traceback) == ("acked", "", "")
    assert found.printed == "printed this\n"
    [line] = found.log
    place = f"Place(consumer='{consumer.name}', broker='default', vhost='shop', queue='orders')"
    assert (line.level, line.text) == ("INFO", f"attempt 2 of m-7, ('hello', {place})")
    assert found.duration_ms is not None
    assert 0 <= found.duration_ms < took_ms, "a part of what the whole took"


def test_nothing_is_recorded_but_the_act_itself() -> None:
    consumer = consumer_of()
    attempt("ok", consumer, properties={"message_id": "m-7"})
    assert not Record.objects.exists()
    assert not ConsumerMinute.objects.exists()
    [entry] = AuditEntry.objects.all()
    assert (entry.actor, entry.action, entry.target) == ("anna", "consumer.try", consumer.name)
    assert entry.outcome == AuditEntry.Outcome.DONE
    assert entry.detail == {"handler": "tests.trial", "message_id": "m-7", "size": 2, "outcome": "acked"}


def test_an_error_follows_the_retry_policy_of_the_consumer() -> None:
    found = attempt("fail:no luck", consumer_of(retry_attempts=3, retry_first_delay=7))
    assert (found.outcome, found.error_type, found.error) == ("retried", "RuntimeError", "no luck")
    assert "7 s" in found.detail
    assert "attempt 2" in found.detail
    assert "in _fail" in found.traceback
    assert found.log

    found = attempt("fail:no luck")
    assert (found.outcome, found.error) == ("dead_lettered", "no luck")


@pytest.mark.parametrize(
    ("body", "outcome", "words"),
    [("reject:too large", "dead_lettered", "too large"), ("retry:90", "retried", "1 min 30 s")],
)
def test_what_the_handler_asks_for_is_told(body: str, outcome: str, words: str) -> None:
    found = attempt(body)
    assert found.outcome == outcome
    assert words in found.detail


@pytest.mark.parametrize("body", ["hang", "swallow", "flood"])
def test_a_handler_that_does_not_end_is_ended(body: str) -> None:
    found = attempt(body, consumer_of(timeout_seconds=1))  # it would go on for ever
    assert found.outcome == "timed_out"
    assert "1.0 s" in found.detail or "1 s" in found.detail
    assert found.duration_ms is None
    assert "trial_handlers.py" in found.traceback  # where it was
    assert len(found.printed) <= trying.MOST_PRINTED


@pytest.mark.parametrize(
    ("body", "words"), [("exit:0", "ended its process"), ("exit:7", "exit 7"), ("segfault", "SIGSEGV")]
)
def test_a_handler_that_kills_its_process_kills_nothing_else(body: str, words: str) -> None:
    found = attempt(body)
    assert found.outcome == "crashed"
    assert words in found.detail
    if body == "segfault":
        assert "string_at" in found.traceback


def test_sys_exit_is_a_failed_message() -> None:
    found = attempt("sys.exit:bye")
    assert (found.outcome, found.error_type) == ("dead_lettered", "SystemExit")


def test_a_handler_may_close_every_stream() -> None:
    assert attempt("close", consumer_of(timeout_seconds=1)).outcome in ("crashed", "timed_out", "not_run")


def test_what_a_handler_leaves_behind_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    assert attempt(f"leave:{path}").outcome == "acked"
    pid = int(path.read_text())
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie", 5)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"handler": "nobody.knows"}, "nobody.knows"),
        ({"handler": "collect"}, "windows"),
        ({"options": {"word": "missing"}}, "something on this host is missing"),
        ({"options": {"other": 1}}, "no such option"),
    ],
)
def test_a_handler_that_cannot_start_says_why(fields: dict[str, Any], words: str) -> None:
    found = attempt("ok", consumer_of(**fields))
    assert found.outcome == "not_run"
    assert words in found.detail


def test_an_import_that_fails_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken_handlers.py").write_text("raise OSError('no licence file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("MQADMIN_HANDLERS", "broken_handlers")
    found = attempt("ok", consumer_of("mine"))
    assert found.outcome == "not_run"
    assert "no licence file" in found.detail


def test_a_collector_is_refused() -> None:
    with pytest.raises(Refusal, match="nothing to try"):
        attempt("ok", consumer_of(is_collector=True))
    assert AuditEntry.objects.get().outcome == AuditEntry.Outcome.REFUSED


def test_so_many_at_once_and_no_more() -> None:
    with trying._place(), trying._place(), pytest.raises(Refusal, match="Others") as raised:
        attempt("ok")
    assert raised.value.status == 429
    assert attempt("ok").outcome == "acked"


# --- samples --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"body": "\ud800"}, "body"),
        ({"encoding": "base64", "body": "!"}, "body"),
        ({"encoding": "rot13"}, "encoding"),
        ({"exchange": "é" * 128}, "exchange"),
        ({"routing_key": "k" * 256}, "routing_key"),
        ({"properties": {"message_id": 5}}, "properties"),
        ({"properties": {"priority": 256}}, "properties"),
        ({"properties": {"delivery_mode": True}}, "properties"),
        ({"properties": {"timestamp": "now"}}, "properties"),
        ({"properties": {"no-such": 1}}, "properties"),
        ({"properties": {"headers": {}}}, "properties"),
        ({"headers": {"when": {"$time": "soon"}, "$x": 1}}, "headers"),
        ({"headers": {"$float": "1.0"}}, "headers"),
        ({"headers": {"h" * 256: 1}}, "headers"),
    ],
)
def test_a_sample_that_no_broker_would_deliver_is_refused(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Refusal) as raised:
        trial_message.typed(**{"body": "", **fields})
    assert raised.value.status == 422
    assert list(raised.value.fields) == [field]


@pytest.mark.parametrize("typed", ['{"n": 1, "n": 2}', '{"n": 12345678901234567.89}', '{"n": NaN}'])
def test_a_sample_that_would_be_read_otherwise_than_typed_is_refused(typed: str) -> None:
    form = SampleForm({"encoding": "utf-8", "headers": typed, "properties": typed})
    assert set(form.errors) == {"headers", "properties"}


def stored(consumer: Consumer, body: bytes, /, **fields: Any) -> Record:
    values: dict[str, Any] = {
        "body": body,
        "size": len(body),
        "properties": {"message_id": "m-9", "priority": 3},
        "headers": to_json({"raw": b"\xff", "mqadmin-attempt": 2}),
        "exchange": "shop",
        "routing_key": "order.created",
        "redelivered": True,
    }
    return make_record(consumer, **{**values, **fields})


def test_a_record_gives_its_message_as_it_was() -> None:
    found = trial_message.recorded(stored(consumer_of(), b"\x00\r\n"))
    assert isinstance(found, Message)
    assert (found.body, found.exchange, found.routing_key) == (b"\x00\r\n", "shop", "order.created")
    assert (found.properties.message_id, found.properties.priority) == ("m-9", 3)
    assert found.headers == {"raw": b"\xff", "mqadmin-attempt": 2}
    assert found.redelivered


@pytest.mark.parametrize("fields", [{"body": None}, {"body_truncated": True}, {"properties": None}])
def test_a_record_that_is_not_whole_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="cannot be tried"):
        trial_message.recorded(stored(consumer_of(), b"x", **fields))


# --- the page -------------------------------------------------------------------------------------------


def page(consumer: Consumer, query: str = "") -> str:
    return reverse("consumer_try", args=[consumer.name]) + query


def test_the_page_runs_what_is_typed_and_shows_how_it_went(operator: Client) -> None:
    consumer = consumer_of()
    form = {
        "body": "fail:<script>alert(1)</script>",
        "encoding": "utf-8",
        "routing_key": "k",
        "headers": '{"mqadmin-attempt": 4}',
        "properties": '{"message_id": "<b>m</b>"}',
    }
    response = operator.post(page(consumer), form)
    assert response.status_code == 200
    text = response.text
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    assert "attempt 4 of &lt;b&gt;m&lt;/b&gt;" in text
    assert "RuntimeError" in text
    assert "dead-letter it" in text
    assert "Content-Security-Policy" in response.headers
    assert "style=" not in text


def test_line_breaks_are_as_they_were_typed(operator: Client) -> None:
    form = {"body": "fail:a\r\nb", "encoding": "utf-8"}
    response = operator.post(page(consumer_of()), form)
    assert response.context["trial"].error == "a\nb"
    form = {"body": base64.b64encode(b"fail:a\r\nb").decode(), "encoding": "base64"}
    response = operator.post(page(consumer_of()), form)
    assert response.context["trial"].error == "a\r\nb"


@pytest.mark.parametrize("body", [b"reject:\xc3\xa9 plain\n", b"reject:windows\r\nline", b"reject:\x00nul"])
def test_a_records_message_goes_through_the_form_unchanged(operator: Client, body: bytes) -> None:
    consumer = consumer_of()
    record = stored(consumer, body)
    response = operator.get(page(consumer, f"?record={record.pk}"))
    form = response.context["form"]
    sent = {name: form[name].value() for name in form.fields if name != "redelivered"}
    response = operator.post(page(consumer), {**sent, "redelivered": "on"})
    trial = response.context["trial"]
    assert trial.outcome == "dead_lettered"
    assert trial.error == body.decode().removeprefix("reject:")
    assert "attempt 2 of m-9" in trial.log[0].text


def test_what_is_wrong_stands_beside_its_field_and_nothing_runs(operator: Client) -> None:
    consumer = consumer_of()
    bad: list[tuple[str, str]] = [
        ("headers", "[1]"),
        ("headers", "{"),
        ("headers", "[" * 20_000),
        ("properties", '{"priority": 999}'),
        ("encoding", "rot13"),
    ]
    for field, value in bad:
        response = operator.post(page(consumer), {"body": "ok", "encoding": "utf-8", field: value})
        assert response.status_code == 422
        assert response.context["form"].errors[field]
    assert not AuditEntry.objects.exists()


def test_a_record_that_cannot_be_tried_says_why(operator: Client) -> None:
    consumer = consumer_of()
    record = make_record(consumer)
    response = operator.get(page(consumer, f"?record={record.pk}"))
    assert response.status_code == 409
    assert "Its body was not kept" in response.text
    other = stored(consumer_of(), b"x")
    assert operator.get(page(consumer, f"?record={other.pk}")).status_code == 404
    assert operator.get(page(consumer, "?record=x")).status_code == 200


def test_the_pages_lead_here_or_say_why_not(operator: Client, viewer: Client) -> None:
    consumer = consumer_of()
    whole, cut = stored(consumer, b"x"), make_record(consumer)
    detail = reverse("consumer_detail", args=[consumer.name])
    assert f'href="{page(consumer)}"' in operator.get(detail).text
    assert (
        f'href="{page(consumer, f"?record={whole.pk}")}"'
        in operator.get(f"/consumers/records/{whole.pk}/").text
    )
    assert page(consumer) not in operator.get(f"/consumers/records/{cut.pk}/").text
    assert page(consumer) not in viewer.get(detail).text
    assert viewer.get(page(consumer)).status_code == 403
    assert viewer.post(page(consumer), {"body": "ok", "encoding": "utf-8"}).status_code == 403


@pytest.mark.browser
def test_in_a_browser_from_a_record_to_the_outcome(chromium: Browser, live_server: Any) -> None:
    client = Client()
    client.force_login(
        User.objects.create_superuser("root"), backend="django.contrib.auth.backends.ModelBackend"
    )
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    context = chromium.new_context(base_url=live_server.url)
    context.add_cookies([cookie])
    record = stored(consumer_of(), b"fail:no\nluck")
    tab = context.new_page()
    tab.goto(f"/consumers/records/{record.pk}/")
    tab.get_by_role("link", name="Try with this message").click()
    tab.get_by_role("button", name="Run the handler").click()
    expect(tab.locator("#trial")).to_contain_text("RuntimeError", timeout=patient(20) * 1000)
    expect(tab.locator("#trial pre").first).to_have_text("no\nluck")
    expect(tab.locator("#trial .log")).to_contain_text("attempt 2 of m-9")
    assert tab.locator("#id_body").input_value() == "fail:no\nluck"


# --- the API --------------------------------------------------------------------------------------------


def test_the_api_tries_what_is_sent(api_of: Any) -> None:
    consumer = consumer_of()
    path = f"/consumers/{consumer.name}/try"
    status, found = api_of("operator").call(
        "POST", path, {"body": base64.b64encode(b"retry:90").decode(), "encoding": "base64"}
    )
    assert status == 200
    assert found["outcome"] == "retried"
    assert found["error_type"] == "Retry"
    assert found["log"][0]["level"] == "INFO"
    assert set(found) == {
        "outcome", "detail", "duration_ms", "error_type", "error", "traceback", "log", "printed"
    }  # fmt: skip
    assert AuditEntry.objects.get().via == "api"


def test_the_api_tries_a_record(api_of: Any) -> None:
    consumer = consumer_of()
    record = stored(consumer, b"reject:from the record")
    path = f"/consumers/{consumer.name}/try"
    status, found = api_of("operator").call("POST", path, {"record": record.pk})
    assert (status, found["error"]) == (200, "from the record")


def test_the_api_refuses_in_words(api_of: Any) -> None:
    consumer = consumer_of()
    path = f"/consumers/{consumer.name}/try"
    client = api_of("operator")
    assert client.call("POST", path, {"headers": {"$float": "1"}})[0] == 422
    assert client.call("POST", path, {"boddy": "x"})[0] == 422
    assert client.call("POST", path, {"record": 0})[0] == 404
    assert client.call("POST", path, {"record": stored(consumer_of(), b"ok").pk})[0] == 404
    assert client.call("POST", path, {"record": make_record(consumer).pk})[0] == 409
    assert client.call("POST", "/consumers/nobody/try", {})[0] == 404
    assert api_of("viewer").call("POST", path, {})[0] == 403
