"""The API's calls for dead letters, over HTTP as a script makes them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from mqadmin.core.api import tokens
from mqadmin.core.models import AuditEntry
from tests.deadletters.api.conftest import Api
from tests.deadletters.conftest import Place
from tests.deadletters.factories import died, letter

pytestmark = [
    pytest.mark.broker,
    pytest.mark.any_version,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_environment"),
]


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
        ({"properties": {"priority": True}}, "priority: true and false are no value of it"),
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


def test_masked_fields_are_revealed_through_the_api_and_that_is_written_down(settings: Any) -> None:
    settings.MQADMIN_MASKED = ["header.authorization"]
    one = letter(headers={**died(), "authorization": "top-secret"})
    user = User.objects.create_user("olga")
    user.groups.add(Group.objects.get(name="operator"))
    client = Client(headers={"Authorization": f"Bearer {tokens.create(user=user)}"})
    path = f"/api/v1/dead-letters/{one.pk}"
    assert "top-secret" not in client.get(path).text
    assert client.post(f"{path}/reveal").json()["headers"]["authorization"] == "top-secret"
    assert "top-secret" not in client.get(path).text
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.via, entry.action) == ("olga", "api", "dead_letters.reveal")
    assert (entry.outcome, entry.detail) == ("done", {"letter": one.pk})
