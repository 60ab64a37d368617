"""What holds for every call of the API: who may is asked first, misspelt names are refused, errors are JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from ninja import Schema

from mqadmin.core.api import tokens
from mqadmin.core.models import AuditEntry
from mqadmin.queues.models import Broker, Queue
from tests.core.conftest import make_user
from tests.deadletters.factories import letter
from tests.support import described
from tests.support.consumers import make_consumer, make_process
from tests.support.several_brokers import TWO_WILL_DO

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_broker"), TWO_WILL_DO]


def caller(role: str) -> Client:
    """Return a client of nobody (""), of who has no role ("none") or has one."""
    client = Client(raise_request_exception=False)
    if role:
        client.defaults["HTTP_AUTHORIZATION"] = (
            f"Bearer {tokens.create(user=make_user(role.removeprefix('none')))}"
        )
    return client


def send(by: str | Client, method: str, path: str, body: Any = None, **query: str) -> Any:
    """Return the answer to one call of a `caller`, or of who has the role."""
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    client = caller(by) if isinstance(by, str) else by
    return client.generic(method, f"/api/v1{path}", text, content_type="application/json", query_params=query)


def queue() -> int:
    broker = Broker.objects.create(slug="default")
    return Queue.objects.create(broker=broker, vhost="/", name="orders").pk


def changing() -> list[tuple[str, str]]:
    """Return (method, path) of every call that changes something; ids in it are those of nothing."""
    found = []
    for path, methods in described.paths().items():
        for method in methods:
            if method != "get":
                address = "/".join("1" if part.startswith("{") else part for part in path.split("/"))
                found.append((method.upper(), address))
    return found


def test_who_may_not_is_told_so_whatever_else_is_wrong() -> None:
    calls = changing()
    assert len(calls) > 30
    who = {"": caller(""), "viewer": caller("viewer")}
    # Whoever sees a list may keep searches of it, and who has a token may end it.
    own = {call for call in calls if "/views" in call[1] or call == ("DELETE", "/tokens/1")}
    assert len(own) == 5
    for body in ("", "no JSON", "[]", '{"nonsense": 1}'):
        for role, status in (("", 401), ("viewer", 403)):
            wrong = [
                (call, found)
                for call in calls
                if not (role and call in own)
                and (found := send(who[role], *call, body).status_code) != status
            ]
            assert wrong == [], (role, body)
    refused = send("operator", "POST", "/consumers", {})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert "admin" in refused.json()["detail"]


def test_who_has_no_role_is_told_so_before_what_is_wrong_with_the_question() -> None:
    assert send("none", "GET", "/operations", limit="many").status_code == 403
    assert send("none", "GET", "/queues/999").status_code == 403


def test_an_answer_without_a_token_names_the_scheme() -> None:
    assert send("", "GET", "/queues")["WWW-Authenticate"] == "Bearer"


def test_a_misspelt_filter_does_not_mean_everything() -> None:
    kept = letter()
    for act in ("discard", "restore", "requeue", "export", "edit"):
        answer = send("operator", "POST", f"/dead-letters/{act}", {"filter": {"sorce": "nothing"}})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), act
        assert "sorce" in answer.json()["detail"]
    kept.refresh_from_db()
    assert kept.status == "parked"
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/queues/{queue}/purge", {"expected": 3}),
        ("/queues/{queue}/move", {"to_queue": "b", "cnt": 1}),
        ("/queues/{queue}/peek", {"n": 1}),
        ("/queues/{queue}/publish", {"body": "x", "exchange": "shop"}),
        ("/consumers/orders/kill", {"proces": 1}),
        ("/consumers/orders/restart", {"roling": False}),
        ("/consumers/orders/start", {"proces": 1}),
        ("/consumers/orders/scale", {"replicas": 1, "replica": 2}),
        ("/consumers/orders/breaker", {"on": True}),
        ("/retry-rules", {"source": "orders", "on": True}),
        ("/dead-letters/requeue", {"ids": [1], "to": {"exchange": "", "routingkey": "b"}}),
    ],
)
def test_a_misspelt_name_is_refused_and_nothing_is_done(path: str, body: dict[str, Any]) -> None:
    make_process(make_consumer(name="orders", desired="running"))
    answer = send("admin", "POST", path.format(queue=queue()), body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert not AuditEntry.objects.exists()


def test_a_body_that_may_be_empty_may_be_left_out() -> None:
    pk = queue()
    for act in ("purge", "peek"):  # it gets as far as the broker, which is not there
        assert send("operator", "POST", f"/queues/{pk}/{act}").status_code == 503, act


@pytest.mark.parametrize("method", ["DELETE", "PUT", "OPTIONS", "PATCH"])
def test_a_method_that_is_not_taken_is_told_in_json(method: str) -> None:
    answer = send("admin", method, "/consumers", {})
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/json")
    assert answer["Allow"] == "GET, POST"
    assert answer.json()["code"] == "method_not_allowed"
    assert "GET, POST" in answer.json()["detail"]


def test_a_page_says_so_too() -> None:
    client = Client()
    client.force_login(make_user("admin"), backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get("/theme/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "This address takes POST, not GET." in answer.text


def test_no_two_schemas_share_a_name() -> None:
    """The description knows a schema by its name: of two, one would stand for both."""
    left, found = list(Schema.__subclasses__()), set()
    while left:
        schema = left.pop()
        left += schema.__subclasses__()
        if schema.__module__.startswith(("mqadmin.", "consumers.")):
            found.add((schema.__name__, schema.__module__))
    assert len(found) > 100
    names = [name for name, _module in sorted(found)]
    assert [pair for pair in sorted(found) if names.count(pair[0]) > 1] == []


def test_the_description_tells_the_errors_of_every_call() -> None:
    told = send("viewer", "GET", "/openapi.json").json()
    error = told["components"]["schemas"]["ErrorOut"]
    assert error["required"] == ["detail", "code"]
    for path, methods in told["paths"].items():
        for method, call in methods.items():
            answers = call["responses"]
            assert {"400", "401", "403", "404", "409", "422", "503"} <= set(answers), (method, path)
            good = [answers[status] for status in answers if status < "300"]
            assert good, (method, path)
            nothing = {"201", "202", "204"} & set(answers)  # done, and nothing more to say
            assert all("content" in answer for answer in good) or nothing, (method, path)


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/dead-letters/requeue", {"ids": ["x"]}, "ids.0: Input should be a valid integer"),
        (
            "/dead-letters/requeue",
            {"ids": [1], "to": "nowhere"},
            "to: Input should be 'source' or 'exchange'",
        ),
        ("/dead-letters/requeue", {"ids": [1], "to": {"routing_key": "x"}}, "to.exchange: Field required"),
        ("/consumers", {}, "queue: Field required"),
        ("/consumers/orders/scale", [], "The body: Input should be a valid dictionary"),
    ],
)
def test_what_is_wrong_is_named_as_the_caller_wrote_it(path: str, body: Any, told: str) -> None:
    answer = send("admin", "POST", path, body)
    assert answer.status_code == 422
    assert told in answer.json()["detail"]
    for ours in ("wanted", "payload", "function-wrap", "literal["):
        assert ours not in answer.text
    assert answer.json()["errors"][0]["loc"][0] == "body"
