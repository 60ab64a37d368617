"""The file that is the truth: drift, the command with its exit codes, the pages and the API."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from consumers.files import truth
from consumers.models import Consumer
from mqadmin.core import brokers
from tests.consumers.api.conftest import Api
from tests.consumers.views.conftest import get, text_of
from tests.support.consumers import make_consumer

pytestmark = pytest.mark.django_db
ORDERS = '[consumers.orders]\nbroker = "default"\nqueue = "orders"\nhandler = "record"\n'
IMPORT = "/consumers/files/import/"
Write = Callable[[str], None]


@pytest.fixture
def write(tmp_path: Path, settings: Any) -> Write:
    """Have a consumers.toml configured, and write it."""
    path = tmp_path / "consumers.toml"
    settings.MQADMIN_CONSUMERS_FILE = str(path)
    turn = iter(range(1, 100))

    def written(text: str) -> None:
        path.write_text(text)
        os.utime(path, (0, next(turn)))  # a file that was written within the clock's step is another one

    return written


def run(*given: str) -> tuple[int, str]:
    """Return the exit code and what was said."""
    out = StringIO()
    try:
        call_command("consumers", *given, stdout=out, stderr=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


def test_without_a_file_there_is_nothing_to_differ_from(api_of: Api) -> None:
    row = make_consumer()
    assert (truth.drift(), truth.of(row)) == (None, None)
    assert api_of("operator").call("GET", "/consumer-files/drift")[0] == 404
    assert run("diff")[0] == 2


def test_what_differs_is_shown_where_people_look(
    write: Write, viewer: Client, admin: Client, api_of: Api
) -> None:
    write(ORDERS + "prefetch = 50\n" + ORDERS.replace("orders]", "lacking]") + "prefech = 1\n")
    make_consumer(name="orders", prefetch=20)
    make_consumer(name="extra")
    make_consumer(name="collector", is_collector=True)

    page = text_of(get(viewer, "consumer_list"))
    assert "The consumers differ from consumers.toml" in page
    assert "prefetch: 20 → 50" in page
    assert "In the file alone: lacking" in page
    assert 'Not in the file: <a href="/consumers/extra/">' in page
    assert "prefech</code> There is no such setting." in page
    assert "Differs from consumers.toml: <code" in text_of(get(viewer, "consumer_detail", "orders"))
    assert "It is not in consumers.toml" in text_of(get(viewer, "consumer_detail", "extra"))
    assert "consumers.toml" not in text_of(get(viewer, "consumer_detail", "collector"))
    assert "consumers.toml describes this consumer" in text_of(get(admin, "consumer_edit", "orders"))
    assert "describes" not in text_of(get(admin, "consumer_edit", "extra"))
    _status, told = api_of("operator").call("GET", "/consumer-files/drift")
    assert told == {
        "file": "consumers.toml",
        "problem": "",
        "same": False,
        "changed": {"orders": [{"field": "prefetch", "before": 20, "after": 50, "hidden": False}]},
        "lacking": ["lacking"],
        "extra": ["extra"],
        "wrong": {"lacking": {"prefech": "There is no such setting."}},
    }

    Consumer.objects.exclude(name="orders").delete()
    write(ORDERS + "prefetch = 20\n")
    assert "consumers.toml" not in text_of(get(viewer, "consumer_list"))
    assert "consumers.toml" not in text_of(get(viewer, "consumer_detail", "orders"))


def test_a_file_that_cannot_be_read_is_no_empty_one(write: Write, viewer: Client, settings: Any) -> None:
    row = make_consumer(name="orders")
    write("[consumers")
    page = text_of(get(viewer, "consumer_list"))
    assert "is not usable" in page
    assert "no TOML" in page
    assert "Not in the file" not in page
    settings.MQADMIN_CONSUMERS_FILE += ".gone"
    found = truth.of(row)
    assert found is not None
    assert (found.state, found.problem) == ("unreadable", "It cannot be read: No such file or directory.")


def test_the_command_for_ci(write: Write, settings: Any) -> None:
    write(ORDERS)
    assert run("diff") == (1, "create: orders\n0 the same.\n")
    assert run("apply", "--dry-run")[0] == 1
    assert not Consumer.objects.exists()
    code, said = run("apply")
    assert (code, said.splitlines()[-1]) == (0, "1 created, 0 changed, 0 started.")
    assert Consumer.objects.get().desired == "stopped"
    assert run("diff") == (0, "1 the same.\n")

    write(ORDERS + "prefetch = 50\n")
    assert run("diff") == (1, "change: orders\n    prefetch: 10 → 50\n0 the same.\n")
    told = json.loads(run("diff", "--json")[1])
    assert told["steps"][0]["changes"] == [{"field": "prefetch", "before": 10, "after": 50, "hidden": False}]
    write(ORDERS + "prefetch = 0\n")
    code, said = run("diff")
    assert (code, "    prefetch: From 1 to 65,535." in said) == (2, True)
    assert run("apply")[0] == 2
    assert Consumer.objects.get().prefetch == 10

    make_consumer(name="extra")
    write(ORDERS)
    assert run("diff") == (1, "extra, left: extra\n1 the same.\n")
    assert run("apply")[0] == 1
    assert Consumer.objects.count() == 2


def test_what_was_exported_is_the_same(write: Write, tmp_path: Path) -> None:
    make_consumer(name="hook", handler="webhook", options={"url": "https://example.org/in?key=hunter2"})
    for name in ("consumers.toml", "other.yaml"):
        file = tmp_path / name
        assert run("export", "--file", str(file))[0] == 0
        assert "hunter2" not in file.read_text()
        assert run("diff", "--file", str(file))[0] == 0


def test_production_is_named(write: Write, monkeypatch: pytest.MonkeyPatch, admin: Client) -> None:
    monkeypatch.setattr(brokers, "environment", lambda _slug: "production")
    write(ORDERS)
    assert run("apply") == (2, 'These are brokers in production: add --confirm "default".')
    shown = admin.get(IMPORT, {"own": "1"}).context
    sent = {"own": "1", "mark": shown["plan"].mark}
    assert "Type the name of the broker" in text_of(admin.post(IMPORT, {**sent, "typed": "defau"}))
    assert not Consumer.objects.exists()
    assert admin.post(IMPORT, {**sent, "typed": "default"}).status_code == 302
    Consumer.objects.all().delete()
    assert run("apply", "--confirm", "default")[0] == 0


def test_the_page_shows_first_and_does_what_was_shown(admin: Client) -> None:
    make_consumer(name="orders", prefetch=20)
    text = "consumers:\n  orders: {queue: orders, handler: record, broker: default, prefetch: 50}\n"
    text += "  fresh: {queue: orders, handler: record, broker: default}\n"
    sent = SimpleUploadedFile("x.yaml", text.encode())
    shown = admin.post(IMPORT, {"file": sent})
    page = text_of(shown)
    assert "1 new, 1 changed, 0 the same" in page
    assert "prefetch: 20 → 50" in page
    assert "fresh: {queue: orders" in page  # goes along until it is decided
    assert Consumer.objects.get().prefetch == 20

    mark = shown.context["plan"].mark
    refused = admin.post(IMPORT, {"text": text.replace("50", "51"), "mark": mark})
    assert refused.status_code == 409
    assert "Look again" in text_of(refused)
    assert admin.post(IMPORT, {"text": text, "mark": mark, "start": "1"})["Location"] == "/consumers/"
    assert Consumer.objects.get(name="orders").prefetch == 50
    assert Consumer.objects.get(name="fresh").desired == "running"


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({}, "Paste the definitions"),
        ({"text": "consumers: ["}, "Line 1, column"),
        ({"text": "consumers: {a: {queue: 5}}"}, '<code class="plain">queue</code> Enter text.'),
        ({"text": "consumers: {<script>: {queue: q}}"}, "&lt;script&gt;"),
    ],
)
def test_what_is_wrong_stands_beside_it(admin: Client, sent: dict[str, str], says: str) -> None:
    page = text_of(admin.post(IMPORT, sent))
    assert says in page
    assert "<script>:" not in page
    assert "Do it" not in page


def test_twelve_megabytes_are_refused_and_not_shown_again(admin: Client) -> None:
    for sent in ({"text": "x" * 12_000_000}, {"file": SimpleUploadedFile("x", b"x" * 12_000_000)}):
        answer = admin.post(IMPORT, sent)
        assert answer.status_code == 422
        assert len(answer.content) < 100_000
        assert "larger than 512 kB" in answer.content.decode()


def test_a_file_to_take_along(viewer: Client) -> None:
    make_consumer(name="hook", handler="webhook", options={"url": "https://example.org/in?key=hunter2"})
    answer = get(viewer, "consumer_export", format="toml")
    assert answer["Content-Disposition"] == 'attachment; filename="consumers.toml"'
    assert "[consumers.hook]" in answer.content.decode()
    assert "hunter2" not in get(viewer, "consumer_export").content.decode()


def test_the_api_imports_all_or_nothing(api_of: Api) -> None:
    admin = api_of("admin")
    text = "consumers: {fresh: {queue: orders, handler: record, broker: default}}"
    status, told = admin.call("POST", "/consumer-files/import", {"text": text, "dry_run": True})
    assert (status, told["done"], [step["act"] for step in told["steps"]]) == (200, False, ["create"])
    assert not Consumer.objects.exists()
    sent = {"text": text, "mark": told["mark"]}
    status, done = admin.call("POST", "/consumer-files/import", sent)
    assert (status, done["created"], done["started"]) == (200, ["fresh"], [])
    assert admin.call("POST", "/consumer-files/import", sent)[0] == 409
    status, told = admin.call("POST", "/consumer-files/import", {"text": "consumers: {a: {queue: 5}}"})
    assert status == 422
    assert admin.call("POST", "/consumer-files/import", {})[0] == 404
