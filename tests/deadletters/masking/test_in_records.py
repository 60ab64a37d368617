"""Masked fields in the records of consumers: hidden from who may not operate, wherever a record shows them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from consumers.models import Consumer, Record
from consumers.records import finding
from consumers.records.finding import RecordSearch
from mqadmin.core.api import tokens
from mqadmin.deadletters.masking import masking
from tests.support.consumers import make_consumer, make_record

pytestmark = [
    pytest.mark.broker,
    pytest.mark.any_version,
    pytest.mark.usefixtures("_broker"),
    pytest.mark.django_db(transaction=True),
]

MESSAGE: dict[str, Any] = {
    "body": json.dumps({"card": {"number": "4111-secret"}, "total": 5}).encode(),
    "headers": {"authorization": "Bearer top-secret", "tenant": "acme"},
    "properties": {},
}
TOLD: dict[str, Any] = {
    "outcome": "dead_lettered",
    "error_type": "shop.Declined",
    "error": "card 4111-secret declined",
    "detail": "4111-secret went to dlx.orders",
    "traceback": "raise Declined('4111-secret')",
    "log": [[1, "INFO", "charging card 4111-secret"]],
}


@pytest.fixture(autouse=True)
def _rules(settings: Any) -> None:
    settings.MQADMIN_MASKED = ["header.Authorization", "payload.card.number"]


@pytest.fixture
def consumer() -> Consumer:
    return make_consumer(name="work")


def asked(role: str, *paths: str) -> list[str]:
    """Return what the pages, and the API's calls, answer somebody with this role."""
    user = User.objects.create_user(role, password="x")
    user.groups.add(Group.objects.get(name=role))
    client, token = Client(), {"Authorization": f"Bearer {tokens.create(user=user)}"}
    client.force_login(user)
    asks = [(Client(), token) if path.startswith("/api/") else (client, {}) for path in paths]
    answers = [who.get(path, headers=more) for (who, more), path in zip(asks, paths, strict=True)]
    assert [answer.status_code for answer in answers] == [200] * len(paths)
    return [answer.content.decode() for answer in answers]


def test_a_viewer_sees_none_and_an_operator_all(consumer: Consumer) -> None:
    one = make_record(consumer, **MESSAGE, **TOLD)
    places = [
        f"/consumers/records/{one.pk}/",
        f"/api/v1/records/{one.pk}",
        "/consumers/work/",
        "/api/v1/records",
    ]
    for content in asked("viewer", *places):
        assert "secret" not in content
        assert "•••" in content or "\\u2022" in content
        assert "declined" in content
    for content in asked("operator", *places):
        assert "card 4111-secret declined" in content
    stored = Record.objects.get()
    assert (stored.headers, bytes(stored.body)) == (MESSAGE["headers"], MESSAGE["body"])


@pytest.mark.parametrize("left_out", ["body", "headers"])
def test_where_a_part_of_the_message_was_not_kept_its_texts_are_hidden(
    consumer: Consumer, left_out: str
) -> None:
    one = make_record(consumer, **{**MESSAGE, left_out: None}, **TOLD)
    detail, listed = asked("viewer", f"/api/v1/records/{one.pk}", "/api/v1/records")
    shown = json.loads(detail)
    assert [shown[name] for name in ("error", "detail", "traceback")] == ["•••"] * 3
    assert [line["text"] for line in shown["log"]] == ["•••"]
    assert json.loads(listed)["items"][0]["error"] == "•••"


def test_errors_of_large_bodies_are_hidden_in_lists(consumer: Consumer) -> None:
    make_record(consumer, **MESSAGE, **{**TOLD, "error_type": ""}, size=2_000_000)
    (listed,) = asked("viewer", "/api/v1/records")
    item = json.loads(listed)["items"][0]
    assert (item["error"], item["detail"]) == ("•••", "•••")


def test_a_viewers_search_does_not_look_where_they_are(consumer: Consumer) -> None:
    make_record(consumer, **MESSAGE, **TOLD, message_id="m-1")
    for text, found in (("4111", 0), ("went", 0), ("Declined", 1), ("m-1", 1), ("order.created", 1)):
        assert finding.search(RecordSearch(q=text)).count() == found, text
        with masking.revealing(True):
            assert finding.search(RecordSearch(q=text)).count() == 1


def test_nothing_is_hidden_without_rules(consumer: Consumer, settings: Any) -> None:
    settings.MQADMIN_MASKED = []
    one = make_record(consumer, **{**MESSAGE, "body": None}, **TOLD)
    (content,) = asked("viewer", f"/consumers/records/{one.pk}/")
    assert "card 4111-secret declined" in content
