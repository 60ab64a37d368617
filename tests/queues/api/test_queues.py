"""The API's calls for queues: every field that API.md names, names verbatim, errors as told."""

from __future__ import annotations

import pytest
from django.test import Client

from mqadmin.core import brokers
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.config import BrokerConfig
from tests.queues.conftest import ODD_NAMES, Api, make_queue
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
    reasons = [{"code": "never_consumed", "level": "watch", "params": {"waiting": 3}, "since": 1_800_000_000}]
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
    assert watched["health"]["reasons"][0] == {
        **reasons[0],
        "text": "3 messages wait and nobody consumes.",
        "since": "2027-01-15T08:00:00Z",
        "evidence": "3 ready, 0 consumers.",
        "advice": "Define a consumer; if nobody needs it, purge it and remove its bindings.",
    }
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
