"""Requests that nobody means: whatever is in them, they are refused in words and never break anything."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from consumers.models import Consumer
from mqadmin.core.api import tokens
from mqadmin.deadletters.models import DeadLetter
from mqadmin.queues.models import Broker, Queue
from tests.core.conftest import SignIn, make_user
from tests.deadletters.factories import letter
from tests.support.consumers import make_consumer, make_record
from tests.support.length import FULL
from tests.support.several_brokers import TWO_WILL_DO, number_of_brokers  # noqa: F401

pytestmark = [pytest.mark.usefixtures("no_broker"), TWO_WILL_DO]

DEEP = '{"a":' * 5000 + "1" + "}" * 5000
NUL, HALF = "\0", "\ud800"
HUGE = 10**30


@pytest.fixture
def api(db: None) -> Any:
    """A function: (method, path, body as JSON or text) -> response, as somebody who may do everything."""
    make_consumer(name="orders")
    make_record(Consumer.objects.get())
    Queue.objects.create(broker=Broker.objects.create(slug="default"), vhost="/", name="orders")
    headers = {"Authorization": f"Bearer {tokens.create(user=make_user('admin'))}"}
    client = Client(headers=headers, raise_request_exception=False)

    def call(method: str, path: str, body: Any = None) -> Any:
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        return client.generic(method, f"/api/v1{path}", text, content_type="application/json")

    return call


def cursor(order: str, *values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps([order, values]).encode()).decode().rstrip("=")


LISTS = [
    "/operations",
    "/audit",
    "/queues",
    "/consumers",
    "/records",
    "/dead-letters",
    "/dead-letters/groups",
]
WORDS = ["x\0y", "9" * 30, f"-{'9' * 30}", "nan"]
TIMES = ["0001-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
NAMES = [
    "limit",
    "cursor",
    "broker",
    "vhost",
    "name",
    "q",
    "health",
    "type",
    "sort",
    "consumer",
    "message_id",
]
NAMES += ["queue", "source", "reason", "group", "status", "operation", "actor", "action", "since", "until"]

PAGE_NAMES = ["broker", "q", "vhost", "source", "group", "status", "operation", "actor", "since", "at"]


@pytest.mark.parametrize("path", LISTS)
def test_lists_answer_any_question(api: Any, path: str) -> None:
    letter()
    asked = [(name, word) for name in NAMES for word in WORDS]
    asked += [(name, time) for name in ("since", "until") for time in TIMES]
    failed = []
    for name, value in asked:
        response = api("GET", f"{path}?{name}={quote(value)}")
        if response.status_code >= 500 or not response.json():
            failed.append((name, value[:20], response.status_code))
    assert failed == []


@pytest.mark.parametrize(
    "text",
    [
        cursor("-id", None),
        cursor("-id", "x"),
        cursor("-id", HUGE),
        cursor("-id", float("inf")),
        cursor("-id", float("nan")),
        cursor("-id", HALF),
        cursor("-id", []),
        cursor("-id", "9" * 5000),
        base64.urlsafe_b64encode(b"[" * 3000).decode(),
        base64.urlsafe_b64encode(b"null").decode(),
        "é",
    ],
)
def test_a_broken_cursor_is_refused_or_leads_nowhere(api: Any, text: str) -> None:
    response = api("GET", f"/audit?cursor={quote(text)}")
    assert response.status_code in (200, 400)
    assert "items" in response.json() or response.json()["code"] == "bad_cursor"


@pytest.mark.parametrize("value", [NUL, HALF, HUGE, -HUGE, 1.5, "x" * 70_000, [], {}, True], ids=repr)
def test_bodies_are_refused_in_words(api: Any, value: Any) -> None:
    pk = letter().pk
    bodies: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/consumers", {"name": "new", "queue": "orders", "handler": value}),
        ("POST", "/consumers", {"name": value, "queue": value, "handler": "record"}),
        ("POST", "/consumers/orders/scale", {"replicas": value}),
        ("POST", "/dead-letters/discard", {"ids": [value]}),
        ("PATCH", f"/dead-letters/{pk}", {"properties": {"message_id": [value]}}),
        ("PATCH", f"/dead-letters/{pk}", {"headers": [value]}),
        *(("PATCH", "/consumers/orders", {name: [value]}) for name in ("queue", "replicas", "options")),
        *(
            ("POST", "/dead-letters/discard", {"filter": {"broker": "default", name: value}, "expect": 9})
            for name in ("vhost", "q", "operation", "since")
        ),
    ]
    for method, path, body in bodies:
        response = api(method, path, body)
        assert 400 <= response.status_code < 500, (path, body)
        assert response.json()["detail"], (path, body)
    assert DeadLetter.objects.get().status == "parked"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(api: Any, number: str) -> None:
    response = api("PATCH", "/consumers/orders", f'{{"retry_first_delay": {number}}}')
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")
    assert Consumer.objects.get().retry_first_delay == 1.0


def test_a_key_that_is_given_twice_is_refused(api: Any) -> None:
    pk = letter().pk
    response = api("PATCH", f"/dead-letters/{pk}", '{"headers": {"n": 1, "n": 2}}')
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")
    assert DeadLetter.objects.get().edits == 0


@pytest.mark.parametrize("text", ["", "null", "[]", "{", "\0", DEEP, "[" * 20_000, "9" * 6000, '"\\ud800"'])
def test_what_is_no_json_object_is_refused(api: Any, text: str) -> None:
    response = api("POST", "/dead-letters/discard", text)
    assert response.status_code in (400, 422)
    assert response.json()["detail"]


def test_a_body_of_twelve_megabytes_and_one_beyond_all_bounds(api: Any) -> None:
    pk, large = letter().pk, "A" * 12_000_000
    assert api("PATCH", f"/dead-letters/{pk}", {"body": large}).status_code == 200
    assert len(api("GET", f"/dead-letters/{pk}").json()["body"]) == len(large)
    assert api("PATCH", f"/dead-letters/{pk}", {"body": large * 3}).status_code in (400, 413)


class TestPages:
    """The same through a browser."""

    @pytest.fixture
    def client(self, sign_in: SignIn) -> Client:
        return sign_in("admin", raise_request_exception=False)

    @pytest.mark.parametrize("name", ["headers", "properties"])
    @pytest.mark.parametrize("value", [DEEP, "9" * 5000, "[" * 20_000, '{"a": NaN}', '{"a": 1e999}'])
    def test_an_edit_with_impossible_json_comes_back_with_what_was_typed(
        self, client: Client, name: str, value: str
    ) -> None:
        form = {"body": "typed", "encoding": "utf-8", "headers": "{}", "properties": "{}", "edits": "0"}
        response = client.post(f"/dead-letters/{letter().pk}/edit/", {**form, name: value})
        assert response.status_code == 422
        assert "typed" in response.text

    @pytest.mark.parametrize("act", ["discard", "requeue"])
    @pytest.mark.parametrize(
        "unreadable",
        [
            {"all": "1", "since": "yesterday"},
            {"all": "1", "q": "x" * 600},
            {"all": "1", "operation": "x"},
            {"all": "1", "up_to": "9" * 5000},
            {"all": "1", "expect": "many"},
        ],
        ids=lambda given: list(given)[1],
    )
    def test_a_filter_that_cannot_be_read_never_means_everything(
        self, client: Client, act: str, unreadable: dict[str, str]
    ) -> None:
        letter()
        assert client.post(f"/dead-letters/{act}/", unreadable).status_code == 422
        assert DeadLetter.objects.get().status == "parked"

    @pytest.mark.parametrize("address", ["audit_list", "x", "[", "9999:12", "²", "//[", "http:///x", "/\\x"])
    def test_next_is_a_path_or_nothing(self, client: Client, address: str) -> None:
        assert client.post("/theme/", {"theme": "dark", "next": address})["Location"] == "/"

    @pytest.mark.parametrize("address", ["http://[::1", "javascript:alert(1)", "//elsewhere.example/x"])
    def test_a_current_address_that_is_none(self, client: Client, db: None, address: str) -> None:
        headers = {"HX-Request": "true", "HX-Current-URL": address}
        assert client.get("/queues/", headers=headers).status_code == 200
        response = Client().get("/queues/", headers=headers)
        assert response.status_code == 204
        assert response["HX-Redirect"].startswith("/login/?next=")

    @pytest.mark.parametrize(
        "page", ["/queues/", "/find/", "/audit/", "/operations/", "/dead-letters/", "/consumers/"]
    )
    def test_lists_answer_any_address(self, client: Client, page: str) -> None:
        failed, others = [], [TIMES[1], "/(a+)+$/", "²"]
        for at, name in enumerate([*PAGE_NAMES, "page", "per", "show", "hold", "letter", "seen", "tab"]):
            # Another of the others on each page, with each name.
            for word in ["x\0y", "9" * 30, *(others if FULL else others[(at + len(page)) % 3 :][:1])]:
                response = client.get(page, {name: word})
                if response.status_code >= 500:
                    failed.append((name, word[:20], response.status_code))
        assert failed == []
