"""The API of consumers: shapes, permissions, refusals."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from consumers.models import Consumer, ConsumerProcess
from mqadmin.queues.models import Broker, Queue
from tests.consumers.api.conftest import Api
from tests.support.consumers import count, make_consumer, make_process, make_supervisor

pytestmark = pytest.mark.django_db

NEW = {"name": "orders", "broker": "default", "queue": "order.processing", "handler": "record"}


def test_create_show_change_delete(api_of: Api) -> None:
    admin = api_of("admin")

    status, body = admin.call("POST", "/consumers", {**NEW, "concurrency": 4, "retry_attempts": 2})
    assert status == 201
    assert (body["name"], body["desired"], body["concurrency"], body["broker"]) == (
        "orders",
        "stopped",
        4,
        "default",
    )
    assert body["status"]["state"] == "stopped"

    assert admin.call("GET", "/consumers/orders")[1]["retry_attempts"] == 2
    status, body = admin.call("PATCH", "/consumers/orders", {"prefetch": 77})
    assert (status, body["prefetch"], body["revision"], body["concurrency"]) == (200, 77, 2, 4)
    assert admin.call("DELETE", "/consumers/orders") == (204, None)
    status, body = admin.call("GET", "/consumers/orders")
    assert (status, body["code"]) == (404, "not_found")


def test_the_broker_is_named_where_there_are_several(api_of: Api, number_of_brokers: int) -> None:
    admin = api_of("admin")
    make_consumer(name="idle")
    unnamed = {name: value for name, value in NEW.items() if name != "broker"}
    for body in (unnamed, {**unnamed, "broker": None}):
        status, answer = admin.call("POST", "/consumers", body)
        if number_of_brokers == 1:
            assert (status, answer["broker"]) == (201, "default")
            assert admin.call("DELETE", "/consumers/orders")[0] == 204
        else:
            assert (status, answer["code"]) == (422, "broker_needed")
    assert admin.call("POST", "/consumers", NEW)[1]["broker"] == "default"
    status, answer = admin.call("POST", "/consumers", {**NEW, "name": "other", "broker": "nope"})
    assert (status, set(answer["fields"])) == (422, {"broker"})
    status, answer = admin.call("POST", "/consumers/start-all", {"expect": 2})
    assert (status, answer.get("code")) == ((202, None) if number_of_brokers == 1 else (422, "broker_needed"))
    assert admin.call("POST", "/consumers/stop-all", {"expect": 2, "broker": "default"})[0] in (202, 409)


@pytest.mark.parametrize(
    "option",
    [{"timeout_s": "5"}, {"timeout_s": True}, {"timeout_s": None}, {"allow_private": "on"}, {"method": 1}],
)
def test_options_are_of_the_types_that_the_handler_says(api_of: Api, option: dict[str, Any]) -> None:
    admin = api_of("admin")
    hook = {**NEW, "handler": "webhook"}
    sound = {"url": "https://example.com/", "timeout_s": 5, "allow_private": False}
    assert admin.call("POST", "/consumers", {**hook, "options": sound})[0] == 201
    for answer in (
        admin.call("POST", "/consumers", {**hook, "name": "b", "options": {**sound, **option}}),
        admin.call("PATCH", "/consumers/orders", {"options": {**sound, **option}}),
    ):
        assert (answer[0], set(answer[1]["fields"])) == (422, {f"options.{name}" for name in option})
    assert Consumer.objects.get().options == sound


def test_create_refuses_what_is_not_sound(api_of: Api) -> None:
    admin = api_of("admin")
    status, body = admin.call("POST", "/consumers", {**NEW, "prefetch": 0, "handler": "no.such"})
    assert (status, body["code"]) == (422, "invalid")
    assert set(body["fields"]) == {"prefetch", "handler"}
    assert admin.call("POST", "/consumers", {**NEW, "no_such_field": 1})[0] == 422
    assert admin.call("POST", "/consumers", {"name": "x"})[0] == 422
    assert admin.call("POST", "/consumers", {**NEW, "mode": "peek"})[0] == 422
    status, body = admin.call("POST", "/consumers", {**NEW, "mode": "pull", "exclusive": True})
    assert (status, set(body["fields"])) == (422, {"exclusive"})
    assert not Consumer.objects.exists()


NEW_FIELDS = {
    "mode": "pull",
    "pull_interval": 0.5,
    "batch_size": 1,
    "batch_seconds": 2.5,
    "connection_retries": 20,
    "connection_delay": 9.0,
    "connect_attempts": 7,
    "dedupe_key": "header",
    "dedupe_path": "x-order",
    "dedupe_seconds": 600.0,
    "records": "failures",
}


def test_the_newer_fields_go_in_and_come_out(api_of: Api) -> None:
    admin = api_of("admin")
    status, body = admin.call("POST", "/consumers", {**NEW, **NEW_FIELDS})
    assert status == 201, body
    assert {name: body[name] for name in NEW_FIELDS} == NEW_FIELDS


def test_null_connection_retries_treat_them_like_all_errors_again(api_of: Api) -> None:
    make_consumer(name="orders", connection_retries=3, prefetch=20)
    admin = api_of("admin")
    assert admin.call("PATCH", "/consumers/orders", {"prefetch": None})[1]["connection_retries"] == 3
    status, body = admin.call("PATCH", "/consumers/orders", {"connection_retries": None, "prefetch": None})
    assert (status, body["connection_retries"], body["prefetch"]) == (200, None, 20)


def test_redeliver(api_of: Api) -> None:
    make_consumer(name="orders", desired="running")
    assert api_of("viewer").call("POST", "/consumers/orders/redeliver")[0] == 403
    operator = api_of("operator")
    assert operator.call("POST", "/consumers/orders/redeliver")[0] == 202
    assert Consumer.objects.get().redelivers == 1
    make_consumer(name="idle")
    status, body = operator.call("POST", "/consumers/idle/redeliver")
    assert (status, body["code"]) == (409, "stopped")
    assert operator.call("POST", "/consumers/nobody/redeliver")[0] == 404


@pytest.mark.parametrize("records", ["best_effort", "best-effort"])
def test_best_effort_is_written_either_way(api_of: Api, records: str) -> None:
    status, body = api_of("admin").call("POST", "/consumers", {**NEW, "records": records})
    assert (status, body["records"]) == (201, "best_effort")


def test_create_may_start_at_once(api_of: Api) -> None:
    assert (
        api_of("admin").call("POST", "/consumers", {**NEW, "desired": "running"})[1]["desired"] == "running"
    )


def test_list_is_paged_by_name(api_of: Api) -> None:
    make_supervisor()
    for name in ("b", "a", "c"):
        make_consumer(name=name)
    viewer = api_of("viewer")
    _status, first = viewer.call("GET", "/consumers", limit=2)
    assert ([item["name"] for item in first["items"]], first["total"]) == (["a", "b"], 3)
    _status, second = viewer.call("GET", "/consumers", limit=2, cursor=first["next"])
    assert ([item["name"] for item in second["items"]], second["next"]) == (["c"], None)
    assert viewer.call("GET", "/consumers", broker="other")[1]["items"] == []


@pytest.mark.parametrize(
    ("before", "act", "after"),
    [
        ("stopped", "start", "running"),
        ("running", "pause", "paused"),
        ("paused", "resume", "running"),
        ("running", "stop", "stopped"),
        ("running", "restart", "running"),
    ],
)
def test_acts_answer_202_with_the_definition(api_of: Api, before: str, act: str, after: str) -> None:
    make_consumer(name="orders", desired=before)
    status, body = api_of("operator").call("POST", f"/consumers/orders/{act}")
    assert (status, body["desired"]) == (202, after)


def test_acts_in_the_wrong_state_are_409(api_of: Api) -> None:
    make_consumer(name="orders")
    status, body = api_of("operator").call("POST", "/consumers/orders/pause")
    assert status == 409
    assert body["code"] == "wrong_state"


def test_scale_and_kill(api_of: Api) -> None:
    consumer = make_consumer(name="orders", desired="running")
    one, other = make_process(consumer), make_process(consumer)
    stranger = make_process(make_consumer())
    operator = api_of("operator")

    assert operator.call("POST", "/consumers/orders/scale", {"replicas": 3})[1]["replicas"] == 3
    assert operator.call("POST", "/consumers/orders/scale", {"replicas": 0})[0] == 422
    assert operator.call("POST", "/consumers/orders/kill", {"process": stranger.pk})[0] == 404
    assert operator.call("POST", "/consumers/orders/kill", {"process": one.pk})[0] == 202
    assert ConsumerProcess.objects.get(pk=other.pk).kill_requested_at is None
    assert operator.call("POST", "/consumers/orders/kill")[0] == 202
    assert ConsumerProcess.objects.get(pk=other.pk).kill_requested_at is not None
    assert operator.call("POST", "/consumers/orders/kill")[0] == 409


@pytest.mark.parametrize(
    ("role", "method", "path", "body"),
    [
        ("viewer", "POST", "/consumers/orders/start", None),
        ("viewer", "POST", "/consumers/orders/scale", {"replicas": 2}),
        ("viewer", "POST", "/records/1/requeue", None),
        ("operator", "POST", "/consumers", NEW),
        ("operator", "PATCH", "/consumers/orders", {"prefetch": 5}),
        ("operator", "DELETE", "/consumers/orders", None),
    ],
)
def test_permissions(api_of: Api, role: str, method: str, path: str, body: Any) -> None:
    make_consumer(name="orders")
    status, answer = api_of(role).call(method, path, body)
    assert (status, answer["code"]) == (403, "forbidden")


def test_a_collector_is_not_deleted_here(api_of: Api) -> None:
    make_consumer(name="collector", is_collector=True)
    assert api_of("admin").call("DELETE", "/consumers/collector")[1]["code"] == "is_collector"


def test_counters_are_in_the_definition(api_of: Api) -> None:
    make_supervisor()
    consumer = make_consumer(name="orders", desired="running")
    count(make_process(consumer, rate=2.0), (1, "acked", 100), (1, "dead_lettered", 100))
    body = api_of("viewer").call("GET", "/consumers/orders")[1]
    assert (body["status"]["state"], body["rate"]) == ("running", 2.0)
    assert (body["handled_last_hour"], body["failed_last_hour"], body["success_percent"]) == (2, 1, 50.0)


def test_where_when_and_how_many_through_the_api(api_of: Api) -> None:
    admin = api_of("admin")
    make_consumer(name="orders")
    change = {
        "autoscale_max": 6,
        "autoscale_min": 2,
        "placement": "gpu",
        "schedule": "mon-fri 08:00-18:00 UTC",
    }
    status, body = admin.call("PATCH", "/consumers/orders", change)
    assert status == 200
    assert change.items() <= body.items()
    assert (body["revision"], body["status"]["wanted"], body["autoscaled"]) == (1, 2, None)
    assert admin.call("PATCH", "/consumers/orders", {"single": True})[0] == 422
    status, body = admin.call("PATCH", "/consumers/orders", {"schedule": "08:00"})
    assert (status, list(body["fields"])) == (422, ["schedule"])
    assert admin.call("POST", "/consumers/orders/scale", {"replicas": 3})[0] == 409


def test_a_list_reads_the_queues_that_are_forwarded_to_at_once(api_of: Api) -> None:
    broker = Broker.objects.create(slug="default")
    viewer = api_of("viewer")
    asked = []
    for number in range(6):
        Queue.objects.create(broker=broker, vhost="/", name=f"to-{number}", durable=False)
        make_consumer(name=f"mover-{number}", handler="forward", options={"routing_key": f"to-{number}"})
        with CaptureQueriesContext(connection) as queries:
            _status, found = viewer.call("GET", "/consumers")
        asked.append(len(queries))
    assert all(len(item["outlook"]) == 1 for item in found["items"])
    assert asked[1] == asked[-1]
