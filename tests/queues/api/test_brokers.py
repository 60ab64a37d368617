"""The API's call for brokers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mqadmin.queues.models import Broker
from tests.queues.conftest import Api


def test_brokers(api: Api, broker: Broker, number_of_brokers: int) -> None:
    answer = api.get("/brokers").json()
    *others, item = answer["items"]
    assert [(other["slug"], other["status"]) for other in others] == [("another", "never")][
        : number_of_brokers - 1
    ]
    contract = {"slug", "status", "reachable", "error", "rabbitmq_version", "sampled_at", "totals"}
    assert item.keys() >= contract | {"error_code", "unseen"}
    assert item["status"] == "ok"
    assert item["totals"] == {
        "ready": 12,
        "unacked": 3,
        "publish_rate": 4.5,
        "deliver_rate": 4.0,
        "ack_rate": 4.0,
    }
    assert (answer["total"], answer["next"]) == (number_of_brokers, None)


def test_a_broker_that_was_never_sampled_is_listed_as_unknown(api: Api) -> None:
    item = api.get("/brokers").json()["items"][-1]
    assert (item["reachable"], item["sampled_at"], item["totals"]["ready"]) == (None, None, None)
    assert item["status"] == "never"


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"reachable": False, "error": "refused"}, "down"),
        ({"sampled_at": datetime(2026, 1, 1, tzinfo=UTC)}, "stale"),
    ],
)
def test_old_numbers_and_a_broker_that_is_down_are_told_apart(
    api: Api, broker: Broker, values: dict[str, Any], status: str
) -> None:
    Broker.objects.filter(pk=broker.pk).update(**values)
    item = api.get("/brokers").json()["items"][-1]
    assert item["status"] == status
    assert item["totals"]["ready"] == 12


def test_what_is_wrong_is_told_in_a_code_and_in_words(api: Api, broker: Broker) -> None:
    numbers = {"node": "rabbit@a", "used": 90, "limit": 100, "percent": 90}
    near = {"code": "descriptors_near", "level": "watch", "params": numbers, "since": 1_700_000_000}
    unknown = {"code": "connections_unknown", "level": "unknown", "params": {"why": "no_answer"}, "since": 1}
    Broker.objects.filter(pk=broker.pk).update(reasons=[near, unknown])
    item = api.get("/brokers").json()["items"][-1]
    told = item["reasons"][0]
    assert (told["code"], told["params"], told["since"]) == (near["code"], numbers, "2023-11-14T22:13:20Z")
    assert told["title"] == "rabbit@a runs out of file descriptors"
    assert "90 of 100: 90 %." in told["text"]
    assert [(note["code"], note["cure"]) for note in item["unseen"]] == [("connections_unknown", "")]
