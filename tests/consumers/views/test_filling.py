"""The form while it is filled in: what exists is offered, presets, and the sentence that stays true."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client

from consumers.definitions import presets
from mqadmin.queues.models import Broker, Queue
from tests.consumers.views.conftest import EVIL, get, text_of
from tests.consumers.views.test_edit import GOOD, NEW
from tests.support.consumers import make_consumer

pytestmark = pytest.mark.django_db


@pytest.fixture
def queues() -> None:
    broker = Broker.objects.create(slug="default")
    names = [f"team.work.{n:02d}" for n in range(30)] + [" orders ", "old.orders", "a\u202eb", EVIL]
    rows = [Queue(broker=broker, vhost="/", name=name, type="quorum", ready=1204) for name in names]
    rows += [
        Queue(broker=broker, vhost="shop", name="orders.eu", type="quorum"),
        Queue(broker=broker, vhost="/", name="orders.stream", type="stream"),
    ]
    Queue.objects.bulk_create(rows)


def offers(client: Client, kind: str = "queues", **asked: str) -> list[str]:
    response = get(client, f"consumer_{kind}", **{"broker": "default", "vhost": "/", **asked})
    assert response.status_code == 200
    return [html.unescape(found) for found in re.findall(r'data-whole="([^"]*)"', response.content.decode())]


def test_queues_are_offered_that_have_what_is_typed(admin: Client, queues: None) -> None:
    assert offers(admin, q="ORDERS") == [" orders ", "old.orders"]
    assert offers(admin, q="old") == ["old.orders"]
    assert offers(admin, q="orders", vhost="shop") == ["orders.eu"]
    assert offers(admin, q="evil") == []
    assert offers(admin, q="<script>") == [EVIL]
    assert len(offers(admin, q="team")) == 12
    assert offers(admin, q="%") == []
    assert offers(admin, "vhosts", q="") == ["/", "shop"]
    assert offers(admin, "vhosts", q="SH") == ["shop"]


def test_a_name_is_offered_with_what_the_eye_does_not_see(admin: Client, queues: None) -> None:
    page = text_of(get(admin, "consumer_queues", broker="default", vhost="/", q="a\u202e"))
    assert 'data-whole="a\u202eb"' in page
    assert "<b>a\u202eb</b>" not in page
    assert "<script>" not in text_of(get(admin, "consumer_queues", broker="default", vhost="/", q="<scr"))


def test_the_sentence_is_that_of_what_stands_in_the_form(admin: Client) -> None:
    page = text_of(admin.post("/consumers/new/summary/", GOOD))
    assert "with 2 processes of 5 threads, up to 20 messages each in hand" in page
    assert "The monitor sees no queue" in page

    page = text_of(admin.post("/consumers/new/summary/", {**GOOD, "prefetch": "2", "concurrency": "many"}))
    assert "This would be refused:" in page
    assert "<b>Threads per process</b>: Enter a whole number." in page
    assert "Reads" not in page

    page = text_of(admin.post("/consumers/new/summary/", {**GOOD, "handler": ""}))
    assert "Choose a queue and a handler" in page


def test_who_reads_the_queue_already_is_said(admin: Client, queues: None) -> None:
    make_consumer(name="first", queue="old.orders")
    page = text_of(admin.post("/consumers/new/summary/", {**GOOD, "queue": "old.orders"}))
    assert "The queue: quorum, 1 204 ready" in page
    assert "Already defined for it: first." in page
    page = text_of(admin.post("/consumers/new/summary/?of=first", {**GOOD, "queue": "old.orders"}))
    assert "Already defined" not in page


@pytest.mark.parametrize("address", ["/consumers/new/fill/", NEW])  # by script, and without
def test_a_preset_fills_the_settings_and_leaves_the_rest(admin: Client, address: str) -> None:
    sent = {**GOOD, "preset": "once", "fill": "1", "placement": "zone=a", "replicas": "7"}
    response = admin.post(address, sent)
    page = response.content.decode()

    assert response.status_code == 200
    assert value(page, "prefetch") == "1"
    assert value(page, "replicas") == "1"
    assert value(page, "placement") == "zone=a"
    assert re.search(r'value="once"\s+checked', page)
    assert "1 process of 1 thread, never two at once" in page
    opened = re.findall(r'<details class="card section" open>.*?<h2>\s*(\w+)', page, re.S)
    assert opened == ["Duplicates", "Records", "Where"]


def test_without_script_a_preset_keeps_options_and_what_was_seen(admin: Client) -> None:
    make_consumer(name="hook", handler="webhook", exclusive=True)
    sent = {**GOOD, "handler": "webhook", "option-url": "https://a.example/x", "option-allow_private": "on"}
    sent |= {"preset": "fast", "fill": "1", "seen": "of-before"}
    page = admin.post("/consumers/hook/edit/", sent).content.decode()

    assert value(page, "option-url") == "https://a.example/x"
    assert value(page, "prefetch") == "500"
    assert value(page, "seen") == "of-before"
    assert not re.search(r'name="exclusive"[^>]*checked', page)
    assert re.search(r'name="option-allow_private"[^>]*checked', page)


def value(page: str, name: str) -> str:
    found = re.search(rf'<input[^>]*name="{name}"[^>]*>', page)
    assert found, name
    text = re.search(r'value="([^"]*)"', found[0])
    return text[1] if text else ""


def test_a_folded_section_is_open_where_something_is_set(admin: Client) -> None:
    make_consumer(name="own", memory_limit_mb=512)
    page = get(admin, "consumer_edit", "own").content.decode()
    assert re.findall(r'<details class="card section" open>.*?<h2>\s*(\w+)', page, re.S) == ["Where"]


def test_its_page_says_the_same_sentence(viewer: Client) -> None:
    make_consumer(name="own", prefetch=50)
    assert "1 process of 1 thread, up to 50 messages in hand" in text_of(
        get(viewer, "consumer_detail", "own")
    )


def test_presets_are_offered_with_their_words(admin: Client) -> None:
    page = text_of(get(admin, "consumer_new"))
    assert [str(item.title) in page for item in presets.ALL] == [True] * len(presets.ALL)
