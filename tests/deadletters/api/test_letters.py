"""The API's calls for dead letters, over HTTP as a script makes them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from mqadmin.core.acts import operations
from mqadmin.core.api import tokens
from mqadmin.core.models import Operation
from mqadmin.deadletters.models import DeadLetter
from mqadmin.rabbit.config import BrokerConfig
from tests.deadletters.conftest import Place
from tests.deadletters.factories import died, letter
from tests.deadletters.listeners import holding

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


class Api:
    def __init__(self, role: str) -> None:
        user = User.objects.create_user(f"api-{role}")
        user.groups.add(Group.objects.get(name=role))
        self.token = make_token(user)
        self.client = Client()

    def __call__(self, method: str, path: str, body: Any = None, *, expect: int = 200) -> Any:
        answer = self.client.generic(
            method,
            f"/api/v1{path}",
            data="" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        assert answer.status_code == expect, answer.content
        return answer.json()


def make_token(user: User) -> str:
    return tokens.create(user=user)


@pytest.fixture(autouse=True)
def _environment(broker_config: BrokerConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)


@pytest.fixture
def api(transactional_db: None) -> Api:
    return Api("admin")


def test_list_detail_and_groups(place: Place, api: Api) -> None:
    one = letter(
        b'{"a": 1}',
        vhost=place.vhost,
        headers={**died(type="ValueError", message="no 17", trace="Traceback"), "weight": 1.0},
        message_id="ord-1",
    )
    letter(b"\xff", vhost=place.vhost, headers=died(type="ValueError", message="no 18"))
    letter(vhost=place.vhost, broker="other")

    found = api("GET", f"/dead-letters?broker=default&source=orders&q=ord-1&vhost={place.vhost}")
    assert found["total"] == 1
    assert found["next"] is None
    item = found["items"][0]
    assert (
        item.items()
        >= {
            "id": one.pk,
            "broker": "default",
            "vhost": place.vhost,
            "dead_letter_queue": "dlx.orders",
            "source_queue": "orders",
            "source_exchange": "shop",
            "routing_keys": ["order.created"],
            "reason": "error",
            "death_count": 1,
            "message_id": "ord-1",
            "error_type": "ValueError",
            "error": "no 17",
            "group": one.group,
            "status": "parked",
            "size": 8,
        }.items()
    )
    assert item["captured_at"].endswith("Z")
    assert item["first_death_at"] == "2026-11-21T13:42:11Z"

    page = api("GET", "/dead-letters?broker=default&limit=1")
    assert (page["total"], len(page["items"])) == (2, 1)
    rest = api("GET", f"/dead-letters?broker=default&limit=1&cursor={page['next']}")
    assert rest["items"][0]["id"] == one.pk
    assert rest["next"] is None

    whole = api("GET", f"/dead-letters/{one.pk}")
    assert (whole["encoding"], whole["body"], whole["trace"]) == ("utf-8", '{"a": 1}', "Traceback")
    assert whole["headers"]["weight"] == {"$float": "1.0"}
    assert whole["properties"] == {"message_id": "ord-1"}
    assert whole["deaths"][0]["queue"] == "orders"
    assert whole["history"] == []
    assert api("GET", f"/dead-letters/{page['items'][0]['id']}")["encoding"] == "base64"
    assert api("GET", "/dead-letters/999999", expect=404)["code"] == "not_found"

    groups = api("GET", "/dead-letters/groups?broker=default")
    assert groups["total"] == 1
    assert (
        groups["items"][0].items()
        >= {
            "group": one.group,
            "count": 2,
            "error_type": "ValueError",
            "source_queue": "orders",
            "reason": "error",
            "came_back": 0,
            "note": "",
        }.items()
    )


def test_requeue_with_dry_run_first(place: Place, api: Api) -> None:
    fine = letter(b"x", vhost=place.vhost)
    lost = letter(b"y", vhost=place.vhost, headers=died("gone"))
    body = {"ids": [fine.pk, lost.pk], "to": "source"}
    told = api("POST", "/dead-letters/requeue", {**body, "dry_run": True})
    assert (told["total"], told["requeueable"]) == (2, 1)
    assert {(place_["routing_key"], place_["count"]) for place_ in told["destinations"]} == {
        ("orders", 1),
        ("gone", 1),
    }
    assert told["problems"] == ["There is no queue “gone”."]
    assert not DeadLetter.objects.exclude(status="parked").exists()

    operation = api("POST", "/dead-letters/requeue", body, expect=202)
    assert (operation["kind"], operation["total"], operation["status"]) == (
        "dead_letters.requeue",
        2,
        "pending",
    )
    operations.execute(operation["id"])
    operation = api("GET", f"/operations/{operation['id']}")
    assert (operation["done"], operation["failed"]) == (1, 1)
    assert operation["problems"][0]["target"] == str(lost.pk)
    assert api("GET", f"/dead-letters/{fine.pk}")["history"][0]["kind"] == "requeued"
    assert place.take("orders").body == b"x"


def test_a_careful_requeue_says_what_it_waits_for(place: Place, api: Api) -> None:
    ids = [letter(b"x", vhost=place.vhost).pk for _ in range(3)]
    care = {"rate": 500, "hold_seconds": 30, "canary": {"seconds": 5, "steps": [1]}}
    told = api("POST", "/dead-letters/requeue", {"ids": ids, **care}, expect=202)
    assert (told["phase"], told["rate_limit"], told["status"]) == ("held", 500, "pending")
    assert told["not_before"] > told["created_at"]
    assert not operations.execute(told["id"])
    Operation.objects.filter(pk=told["id"]).update(not_before=None)
    with holding(place):
        operations.execute(told["id"])
    told = api("GET", f"/operations/{told['id']}")
    assert (told["phase"], told["done"]) == ("watching", 1)
    assert "1 letter was requeued" in told["words"]
    assert api("POST", f"/operations/{told['id']}/cancel")["phase"] == ""
    usual = api("POST", "/dead-letters/requeue", {"ids": ids[1:], "canary": True}, expect=202)
    assert Operation.objects.get(pk=usual["id"]).canary["steps"] == [1, 5, 50]
    api("POST", f"/operations/{usual['id']}/cancel")
    plain = api("POST", "/dead-letters/requeue", {"ids": ids[1:], "canary": False}, expect=202)
    assert Operation.objects.get(pk=plain["id"]).canary == {}


def test_requeue_by_filter_to_a_given_place(place: Place, api: Api) -> None:
    place.channel.queue_declare("elsewhere")
    for _ in range(3):
        letter(b"x", vhost=place.vhost)
    letter(b"x", vhost=place.vhost, headers=died("other"))
    wanted = {
        "filter": {"broker": "default", "source": "orders"},
        "to": {"exchange": "", "routing_key": "elsewhere"},
    }
    refused = api("POST", "/dead-letters/requeue", {**wanted, "expect": 4}, expect=409)
    assert refused["code"] == "count_changed"
    operations.execute(api("POST", "/dead-letters/requeue", {**wanted, "expect": 3}, expect=202)["id"])
    assert place.depth("elsewhere") == 3


def test_discard_and_restore(place: Place, api: Api) -> None:
    ids = [letter().pk for _ in range(2)]
    operations.execute(api("POST", "/dead-letters/discard", {"ids": ids}, expect=202)["id"])
    assert api("GET", "/dead-letters?status=discarded")["total"] == 2
    operations.execute(
        api("POST", "/dead-letters/restore", {"filter": {"status": "discarded"}}, expect=202)["id"]
    )
    assert api("GET", "/dead-letters?status=parked")["total"] == 2


def test_edit_note_and_revert(place: Place, api: Api) -> None:
    one = letter(b"old", headers={**died(), "n": 1}, content_type="text/plain")
    path = f"/dead-letters/{one.pk}"
    new = api(
        "PATCH",
        path,
        {
            "body": "bmV3",
            "encoding": "base64",
            "headers": {"n": 2},
            "properties": {"priority": 4},
            "note": "looked at",
        },
    )
    assert (new["body"], new["headers"], new["properties"]) == ("new", {"n": 2}, {"priority": 4})
    assert (new["note"], new["edited"], new["size"]) == ("looked at", True, 3)
    assert [event["kind"] for event in new["history"]] == ["edited", "noted"]
    assert api("GET", "/dead-letters?q=new")["total"] == 1
    old = api("POST", f"{path}/revert")
    assert (old["body"], old["headers"]["n"], old["edited"]) == ("old", 1, False)
    assert old["properties"] == {"content_type": "text/plain"}
    assert api("POST", f"{path}/revert", expect=409)["code"] == "not_edited"


@pytest.mark.parametrize(
    "changes",
    [
        {"body": "%%%", "encoding": "base64"},
        {"headers": {"x": {"$bytes": "%"}}},
        {"headers": {"x": 2**70}},
        {"properties": {"nonsense": 1}},
        {"properties": {"priority": 4000}},
        {"properties": {"message_id": "x" * 300}},
        {"properties": {"headers": {}}},
        {"body": "half \ud83d"},
        {"surprise": 1},
    ],
)
def test_what_amqp_cannot_hold_is_refused(place: Place, api: Api, changes: dict[str, Any]) -> None:
    one = letter(b"old")
    answer = api("PATCH", f"/dead-letters/{one.pk}", changes, expect=422)
    assert answer["detail"]
    one.refresh_from_db()
    assert bytes(one.body) == b"old"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"properties": {"priority": 4000, "app_id": "a"}},
            "priority: ubyte format requires 0 <= number <= 255",
        ),
        ({"properties": {"message_id": "x" * 300}}, "message_id: AMQP takes at most 255 bytes here"),
        ({"properties": {"expiration": 5}}, "expiration: A non-string value was supplied"),
        ({"headers": {"fine": 1, "odd": {"k" * 256: 1}}}, "header odd: AMQP takes at most 255 bytes here"),
        ({"headers": {"k" * 256: 1}}, f"header {'k' * 60}: AMQP takes at most 255 bytes here"),
    ],
)
def test_what_amqp_cannot_hold_is_named(place: Place, api: Api, changes: dict[str, Any], told: str) -> None:
    answer = api("PATCH", f"/dead-letters/{letter().pk}", changes, expect=422)
    assert (answer["detail"], answer["fields"]) == (told, dict.fromkeys(changes, told))


def test_only_parked_letters_are_edited(place: Place, api: Api) -> None:
    one = letter(b"old", status="requeueing")
    assert api("PATCH", f"/dead-letters/{one.pk}", {"body": "x"}, expect=409)["code"] == "changed_meanwhile"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"ids": [1], "filter": {}}, 422),
        ({"ids": []}, 422),
        ({"ids": [999_999]}, 404),
        ({"ids": [1], "to": "nowhere"}, 422),
        ({"ids": [1], "rate": 0}, 422),
        ({"ids": [1], "hold_seconds": -1}, 422),
        ({"ids": [1], "canary": {"steps": []}}, 422),
        ({"ids": [1], "canary": {"every": 5}}, 422),
        ({"ids": [1], "speed": 5}, 422),
    ],
)
def test_what_a_requeue_does_not_take(place: Place, api: Api, body: dict[str, Any], status: int) -> None:
    api("POST", "/dead-letters/requeue", body, expect=status)


def test_many_are_edited_after_a_preview(place: Place, api: Api) -> None:
    ids = [letter(b'{"n":%d}' % number, vhost=place.vhost).pk for number in range(3)]
    step = {"op": "replace", "path": "/body/n", "value": 7}
    shown = api("POST", "/dead-letters/edit", {"ids": ids, "patch": [step], "preview": True})
    assert (shown["total"], shown["items"][1]) == (
        3,
        {"id": ids[1], "before": '{"n":1}', "after": '{"n":7}', "error": ""},
    )
    told = api("POST", "/dead-letters/edit", {"ids": ids, "patch": [step], "expect": 3}, expect=202)
    operations.execute(told["id"])
    assert api("GET", f"/dead-letters/{ids[2]}")["body"] == '{"n":7}'
    assert api("GET", f"/dead-letters/{ids[2]}")["edited"] is True
    api("POST", "/dead-letters/edit", {"ids": ids}, expect=422)
    api("POST", "/dead-letters/edit", {"filter": {}, "find": "7", "replace": "8"}, expect=202)


def test_export_and_import(place: Place, api: Api) -> None:
    rows = [letter(b"x", vhost=place.vhost, source_queue=queue) for queue in ("orders", "orders", "other")]
    client, headers = api.client, {"Authorization": f"Bearer {api.token}"}
    answer = client.get("/api/v1/dead-letters/export?source=orders", headers=headers)
    lines = b"".join(answer.streaming_content)
    assert (answer["Content-Type"], lines.count(b"\n")) == ("application/x-ndjson", 2)
    by_id = client.post(
        "/api/v1/dead-letters/export",
        json.dumps({"ids": [rows[2].pk]}),
        content_type="application/json",
        headers=headers,
    )
    lines += b"".join(by_id.streaming_content)

    def send(content: bytes, query: str = "") -> Any:
        return client.post(
            f"/api/v1/dead-letters/import{query}",
            content,
            content_type="application/x-ndjson",
            headers=headers,
        )

    assert send(lines).json()["duplicates"] == 3
    rows[0].delete()
    wrong = send(lines + b"{}\n")
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["faults"][0]["line"]) == (422, "invalid", 4)
    assert send(lines, "?dry_run=true").json()["imported"] == 1
    assert DeadLetter.objects.count() == 2
    done = send(lines)
    assert (done.status_code, done.json()["imported"], done.json()["total"]) == (200, 1, 3)
    assert DeadLetter.objects.count() == 3
    large = send(lines + b"\n" * 3_000_000)  # beyond what Django keeps of a form in memory
    assert large.json()["duplicates"] == 3


def test_track_and_untrack(place: Place, api: Api) -> None:
    queue = place.row()
    tracked = api("POST", f"/queues/{queue.pk}/track")
    assert tracked == {"queue": queue.pk, "tracked": True, "consumer": "collect-dlx-orders"}
    assert api("POST", f"/queues/{queue.pk}/track", expect=409)["code"] == "already_tracked"
    assert api("POST", f"/queues/{queue.pk}/untrack")["tracked"] is False
    assert api("POST", f"/queues/{queue.pk}/untrack", expect=409)["code"] == "not_tracked"
    assert api("POST", "/queues/999999/track", expect=404)


def test_who_may_not(place: Place) -> None:
    viewer, operator = Api("viewer"), Api("operator")
    one = letter()
    queue = place.row()
    assert viewer("GET", f"/dead-letters/{one.pk}")["id"] == one.pk
    for path in ("requeue", "discard", "restore"):
        assert viewer("POST", f"/dead-letters/{path}", {"ids": [one.pk]}, expect=403)["code"] == "forbidden"
    viewer("PATCH", f"/dead-letters/{one.pk}", {"note": "x"}, expect=403)
    operator("POST", f"/queues/{queue.pk}/track", expect=403)
    operator("PATCH", f"/dead-letters/{one.pk}", {"note": "x"})
