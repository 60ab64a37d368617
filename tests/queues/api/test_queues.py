"""The API's calls for brokers and queues: every field that API.md names, names verbatim, errors as told."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.config import BrokerConfig
from tests.queues.conftest import HOSTILE, ODD_NAMES, Api, make_queue
from tests.support import amqp
from tests.support.management import Management
from tests.support.waiting import wait_until

QUEUE_FIELDS = {
    "id",
    "broker",
    "vhost",
    "name",
    "type",
    "state",
    "ready",
    "unacked",
    "total",
    "consumers",
    "publish_rate",
    "deliver_rate",
    "ack_rate",
    "health",
    "dead_letters_to",
    "dead_letters_from",
    "tracked",
    "sampled_at",
}


@pytest.fixture(autouse=True)
def _own_brokers() -> Iterator[None]:
    brokers.forget()
    yield
    brokers.forget()


def test_brokers(api: Api, broker: Broker) -> None:
    answer = api.get("/brokers").json()
    (item,) = answer["items"]
    assert item.keys() == {"slug", "status", "reachable", "error", "rabbitmq_version", "sampled_at", "totals"}
    assert item["status"] == "ok"
    assert item["totals"] == {
        "ready": 12,
        "unacked": 3,
        "publish_rate": 4.5,
        "deliver_rate": 4.0,
        "ack_rate": 4.0,
    }
    assert (answer["total"], answer["next"]) == (1, None)


def test_a_broker_that_was_never_sampled_is_listed_as_unknown(api: Api) -> None:
    (item,) = api.get("/brokers").json()["items"]
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
    (item,) = api.get("/brokers").json()["items"]
    assert item["status"] == status
    assert item["totals"]["ready"] == 12


def test_queues_have_every_field_and_names_verbatim(api: Api, broker: Broker) -> None:
    for name in ODD_NAMES:
        make_queue(broker, name, "/")
    answer = api.get("/queues", limit=100).json()
    assert {item["name"] for item in answer["items"]} == set(ODD_NAMES)
    assert {item["vhost"] for item in answer["items"]} == {"/"}
    assert answer["items"][0].keys() >= QUEUE_FIELDS
    for name in ODD_NAMES:
        found = api.get("/queues", name=name, vhost="/", broker="default").json()
        assert [item["name"] for item in found["items"]] == [name]


def test_queues_filter_sort_and_cursor(api: Api, broker: Broker) -> None:
    reasons = [{"code": "never_consumed", "level": "watch", "params": {"waiting": 3}}]
    for n in range(5):
        make_queue(broker, f"q{n}", ready=None if n == 4 else n, type="quorum" if n else "classic")
    Queue.objects.filter(name="q3").update(health="watch", health_reasons=reasons)
    first = api.get("/queues", sort="-ready", limit=2).json()
    assert ([item["name"] for item in first["items"]], first["total"]) == (["q3", "q2"], 5)
    second = api.get("/queues", sort="-ready", limit=2, cursor=first["next"]).json()
    third = api.get("/queues", sort="-ready", limit=2, cursor=second["next"]).json()
    assert [item["name"] for item in second["items"] + third["items"]] == ["q1", "q0", "q4"]
    assert third["next"] is None
    (watched,) = api.get("/queues", health="watch").json()["items"]
    assert watched["health"]["level"] == "watch"
    assert watched["health"]["reasons"][0] == {**reasons[0], "text": "3 messages wait and nobody consumes."}
    assert api.get("/queues", type="classic").json()["total"] == 1
    assert api.get("/queues", q="/q[12]/").json()["total"] == 2
    assert api.get("/queues", q="Q1").json()["total"] == 1


@pytest.mark.parametrize(
    ("query", "code"),
    [({"sort": "nonsense"}, "bad_sort"), ({"q": "/(?=a)b/"}, "bad_pattern"), ({"cursor": "x"}, "bad_cursor")],
)
def test_questions_that_make_no_sense(api: Api, broker: Broker, query: dict[str, str], code: str) -> None:
    response = api.get("/queues", **query)
    assert (response.status_code, response.json()["code"]) == (400, code)


def test_a_viewer_may_look_but_not_act(viewer_api: Api, broker: Broker) -> None:
    queue = make_queue(broker)
    assert viewer_api.get("/queues").status_code == 200
    for act in ("publish", "peek", "purge"):
        response = viewer_api.post(f"/queues/{queue.pk}/{act}", {})
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")


def test_without_a_token_nothing(broker: Broker) -> None:
    assert Client().get("/api/v1/queues").status_code == 401
    assert Client().post("/api/v1/queues/1/purge", {}, content_type="application/json").status_code == 401


@pytest.mark.usefixtures("db")
def test_an_unknown_queue(api: Api) -> None:
    assert api.get("/queues/99").status_code == 404
    assert api.post("/queues/99/peek", {}).status_code == 404


@pytest.mark.broker
class TestOnTheBroker:
    """Calls that speak to RabbitMQ."""

    @pytest.fixture
    def work(self, broker: Broker, management: Management, vhost: str) -> Queue:
        management.declare_queue(vhost, "work", arguments={"x-max-priority": 5})
        return make_queue(broker, "work", vhost)

    def test_detail_is_live(self, api: Api, work: Queue, broker_config: BrokerConfig) -> None:
        amqp.publish(broker_config, work.vhost, "work", [b"x"] * 3)
        wait_until(lambda: api.get(f"/queues/{work.pk}").json()["ready"] == 3, 15, what="three ready")
        answer = api.get(f"/queues/{work.pk}").json()
        assert answer.keys() >= QUEUE_FIELDS | {"arguments", "policy", "effective_policy"}
        assert answer["arguments"].items() >= {"x-max-priority": 5}.items()  # RabbitMQ 4 adds the type

    def test_a_queue_that_is_gone(self, api: Api, work: Queue, management: Management) -> None:
        management.delete_queue(work.vhost, "work")
        assert api.get(f"/queues/{work.pk}").status_code == 404

    def test_a_broker_that_is_down(self, api: Api, work: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", "http://127.0.0.1:1")
        monkeypatch.setenv("RABBITMQ_URL", "amqp://127.0.0.1:1/")
        brokers.forget()
        for response in (
            api.get(f"/queues/{work.pk}"),
            api.post(f"/queues/{work.pk}/peek", {}),
            api.post(f"/queues/{work.pk}/publish", {"body": "x"}),
            api.post(f"/queues/{work.pk}/purge", {}),
        ):
            assert response.status_code == 503
            assert response.json()["detail"]

    def test_publish_and_peek(self, api: Api, work: Queue) -> None:
        message = {
            "body": base64.b64encode(b"\xff\x00").decode(),
            "encoding": "base64",
            "properties": {"content_type": "x/y", "priority": 2, "message_id": "m1"},
            "headers": {"k": [1, {"v": "é"}], HOSTILE: "x"},
        }
        assert api.post(f"/queues/{work.pk}/publish", message).json() == {"routed": True}
        peeked = api.post(f"/queues/{work.pk}/peek", {"count": 5}).json()
        assert (peeked["total"], peeked["next"]) == (1, None)
        (item,) = peeked["items"]
        assert (item["encoding"], item["body"]) == ("base64", message["body"])
        assert item["headers"] == message["headers"]
        assert (
            item["properties"].items() >= {"content_type": "x/y", "priority": 2, "message_id": "m1"}.items()
        )
        assert (item["size"], item["truncated"], item["routing_key"]) == (2, False, "work")

    @pytest.mark.parametrize(
        "message", [{"properties": {"user_id": "somebody"}}, {"headers": {"CC": "text"}}]
    )
    def test_what_rabbitmq_refuses_is_no_outage(self, api: Api, work: Queue, message: dict[str, Any]) -> None:
        response = api.post(f"/queues/{work.pk}/publish", message)
        assert (response.status_code, response.json()["code"]) == (409, "refused")
        assert "PRECONDITION_FAILED" in response.json()["detail"]
        assert AuditEntry.objects.get().outcome == "refused"

    def test_not_routed(self, api: Api, work: Queue) -> None:
        assert api.post(f"/queues/{work.pk}/publish", {"routing_key": "nobody"}).json() == {"routed": False}

    def test_what_cannot_be_published(self, api: Api, work: Queue) -> None:
        response = api.post(f"/queues/{work.pk}/publish", {"properties": {"colour": "red"}})
        assert response.status_code == 422
        assert response.json()["fields"].keys() == {"properties"}
        assert api.post(f"/queues/{work.pk}/publish", {"encoding": "rot13"}).status_code == 422

    def test_peek_that_would_harm(self, api: Api, broker: Broker, management: Management, vhost: str) -> None:
        management.declare_queue(vhost, "log", arguments={"x-queue-type": "stream"})
        queue = make_queue(broker, "log", vhost, type="stream")
        response = api.post(f"/queues/{queue.pk}/peek", {"count": 1})
        assert (response.status_code, response.json()["code"]) == (409, "unsafe_peek")
        assert "stream" in response.json()["detail"]

    def test_purge(self, api: Api, work: Queue, broker_config: BrokerConfig) -> None:
        amqp.publish(broker_config, work.vhost, "work", [b"x"] * 4)
        refused = api.post(f"/queues/{work.pk}/purge", {"expect": 1})
        assert (refused.status_code, refused.json()["code"]) == (409, "changed")
        amqp.publish(broker_config, work.vhost, "work", [b"x"] * 116)
        near = api.post(f"/queues/{work.pk}/purge", {"expect": 121})  # a script says what it knows, not about
        assert (near.status_code, near.json()["code"]) == (409, "changed")
        answer = api.post(f"/queues/{work.pk}/purge", {"expect": 120})
        assert (
            answer.json().items()
            >= {"kind": "queues.purge", "total": 120, "created_by": "the-operator"}.items()
        )
        assert Operation.objects.get().pk == answer.json()["id"]

    def test_a_purge_that_keeps_and_is_put_back(
        self, api: Api, work: Queue, broker_config: BrokerConfig
    ) -> None:
        amqp.publish(broker_config, work.vhost, "work", [b"x"] * 3)
        purge = api.post(f"/queues/{work.pk}/purge", {"snapshot": True, "hold_seconds": 30}).json()
        assert (purge["phase"], purge["total"]) == ("held", 3)
        assert api.post(f"/operations/{purge['id']}/restore", {}).status_code == 409
        Operation.objects.filter(pk=purge["id"]).update(not_before=None)
        assert operations.execute(purge["id"])
        assert amqp.depth(broker_config, work.vhost, "work") == 0
        restored = api.post(f"/operations/{purge['id']}/restore", {})
        assert (restored.status_code, restored.json()["total"]) == (202, 3)
        assert operations.execute(restored.json()["id"])
        assert amqp.depth(broker_config, work.vhost, "work") == 3
        assert api.post("/operations/999999/restore", {}).status_code == 404

    def test_move(self, api: Api, work: Queue, broker_config: BrokerConfig) -> None:
        amqp.publish(broker_config, work.vhost, "work", [b"x"] * 3)
        path = f"/queues/{work.pk}/move"
        assert api.post(path, {}).status_code == 422
        assert api.post(path, {"to_queue": "gone"}).json()["code"] == "no_destination"
        assert api.post(path, {"to_queue": "work", "count": 1}).json()["code"] == "same_queue"
        assert api.post(path, {"to_queue": "work", "count": 0}).status_code == 422
