"""One letter: its tabs, its body as text and as hex, its note."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from consumers.models import Consumer, Record
from mqadmin.deadletters.models import CauseNote
from tests.deadletters.conftest import Place
from tests.deadletters.factories import died, letter
from tests.deadletters.views.conftest import LIST, page, text

pytestmark = [pytest.mark.broker, pytest.mark.any_version, pytest.mark.django_db(transaction=True)]


def test_tabs_show_headers_properties_log_lines_and_history(admin: Client) -> None:
    one = letter(headers={**died(), "customer": "Ada", "weight": 1.5}, message_id="m", app_id="shop")
    consumer = Consumer.objects.create(name="orders", broker="default", queue="orders", handler="record")
    record = Record.objects.create(
        consumer=consumer,
        queue="orders",
        message_id="m",
        attempt=2,
        outcome="dead_lettered",
        started_at=one.captured_at - timedelta(seconds=1),
        log=[[250, "WARNING", "stock is low"]],
    )
    path = f"{LIST}{one.pk}/"
    assert "Ada" in text(admin, path + "?tab=headers")
    assert "app_id" in text(admin, path + "?tab=properties")
    log = text(admin, path + "?tab=log")
    assert "stock is low" in log
    assert "Attempt 2" in log
    history = text(admin, path + "?tab=history")
    order = [history.index(word) for word in ("Published", "Attempt 2 failed, dead-lettered", "Captured")]
    assert order == sorted(order)
    assert reverse("record_detail", args=[record.pk]) in history
    assert f"letter #{one.pk}, parked" in text(admin, reverse("record_detail", args=[record.pk]))


def test_notes(admin: Client) -> None:
    one = letter()
    admin.post(f"{LIST}{one.pk}/note/", {"note": "ask the stock team"})
    admin.post(f"/dead-letters/causes/{one.group}/note/", {"cause_note": "fixed in 2.14"})
    page = text(admin, LIST)
    assert "ask the stock team" in page
    assert "note: fixed in 2.14" in page
    admin.post(f"/dead-letters/causes/{one.group}/note/", {"cause_note": ""})
    assert not CauseNote.objects.exists()


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


def test_direction_marks_do_not_turn_what_is_read(admin: Client) -> None:
    one = letter('{"a": "\u202etxt.exe"}'.encode(), headers={"name\u2066": "v\u202ev"})
    shown = page(admin, f"/dead-letters/{one.pk}/") + page(admin, f"/dead-letters/{one.pk}/?tab=headers")
    assert "\\u202etxt.exe" in shown
    assert "\u202e" not in shown
    assert "\u2066" not in shown


def test_a_letter_says_which_headers_a_requeue_leaves_behind(admin: Client) -> None:
    rebus = {"rbs2-error-details": "late", "rbs2-source-queue": "orders"}
    one = letter(headers={**died(), **rebus, "retry-count": 3})
    plain = text(admin, f"{LIST}{one.pk}/")
    assert "A requeue goes without what Rebus wrote into the headers:" in plain
    assert "rbs2-error-details, rbs2-source-queue" in plain
    assert "what RabbitMQ wrote" not in plain
    assert "x-death, x-first-death-exchange" in text(admin, f"{LIST}{one.pk}/?tab=headers")
    own = letter(headers={**died(), "retry-count": 3, "MT-Reason": "own"})
    assert "A requeue goes without" not in text(admin, f"{LIST}{own.pk}/")


def test_a_letter_without_any_death_is_no_failed_handler(admin: Client, place: Place) -> None:
    place.channel.basic_publish("", "dlx.orders", b"x")
    message = place.take("dlx.orders")
    one = letter(vhost=place.vhost, headers=message.properties.headers or {}, message_id="m-1")
    assert (one.reason, one.death_count, one.deaths) == ("unknown", 0, [])
    listed = text(admin, LIST)
    assert "cause not known" in listed
    assert "0×" in listed
    assert "handler failed" not in listed.replace("handler failed</option>", "")
    shown = text(admin, f"{LIST}{one.pk}/?tab=history")
    assert "How it died is not known" in shown
    assert "Failed" not in shown
    assert "m-1" in text(admin, f"{LIST}?reason=unknown")
    assert "m-1" in text(admin, f"{LIST}?q=reason:unknown")
    assert "m-1" not in text(admin, f"{LIST}?reason=error")
