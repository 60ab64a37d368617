"""The API's calls for the messages of a queue, on a real broker."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from mqadmin.core.acts import operations
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.config import BrokerConfig
from tests.queues.conftest import HOSTILE, Api, make_queue
from tests.support import amqp
from tests.support.management import Management
from tests.support.returns import bodies, need_counted_nacks, return_often


@pytest.mark.broker
class TestOnTheBroker:
    """Calls that speak to RabbitMQ."""

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

    def test_peek_at_a_message_that_bears_no_more_returns(
        self, api: Api, broker: Broker, management: Management, vhost: str, broker_config: BrokerConfig
    ) -> None:
        need_counted_nacks(management)
        arguments = {"x-queue-type": "quorum", "x-delivery-limit": 20}
        management.declare_queue(vhost, "orders", arguments=arguments)
        amqp.publish(broker_config, vhost, "orders", [b"near", b"far"])
        return_often(broker_config, vhost, "orders", b"near", 20)
        queue = make_queue(broker, "orders", vhost, type="quorum")
        answer = api.post(f"/queues/{queue.pk}/peek", {"count": 5}).json()
        found = [(item["body"], item["put_back"]) for item in answer["items"]]
        assert found == [("near", "copied"), ("far", "returned")]
        assert "1 message could not bear another return" in answer["said"]
        entry = AuditEntry.objects.get(action="queue.peek")
        assert (entry.outcome, entry.count, entry.detail) == ("done", 2, {"copied": 1})
        assert bodies(broker_config, vhost, "orders", 2) == [b"far", b"near"]

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
