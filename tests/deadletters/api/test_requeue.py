"""Requeueing letters over HTTP: told first, carefully, to a given place."""

from __future__ import annotations

from typing import Any

import pytest

from mqadmin.core.acts import operations
from mqadmin.core.models import Operation
from mqadmin.deadletters.models import DeadLetter
from tests.deadletters.api.conftest import Api
from tests.deadletters.conftest import Place
from tests.deadletters.factories import died, letter
from tests.deadletters.listeners import holding

pytestmark = [
    pytest.mark.broker,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_environment"),
]


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


def test_headers_that_go_are_told_and_can_be_kept(place: Place, api: Api) -> None:
    rebus = {"rbs2-error-details": "late", "rbs2-source-queue": "orders"}
    one = letter(b"x", vhost=place.vhost, headers={**died(), **rebus, "retry-count": 3})
    told = api("POST", "/dead-letters/requeue", {"ids": [one.pk], "dry_run": True})
    assert told["headers_read"] == 1
    assert told["headers"][1:] == [
        {"framework": "rebus", "names": sorted(rebus), "letters": 1, "can_stay": True}
    ]
    kept = {"ids": [one.pk], "keep_headers": True}
    told = api("POST", "/dead-letters/requeue", {**kept, "dry_run": True})
    assert [item["framework"] for item in told["headers"]] == ["rabbitmq"]
    operation = api("POST", "/dead-letters/requeue", kept, expect=202)
    operations.execute(operation["id"])
    headers = place.take("orders").headers
    assert {name: headers[name] for name in (*rebus, "retry-count")} == {**rebus, "retry-count": 3}
    assert "x-death" not in headers
    api("POST", "/dead-letters/requeue", {**kept, "keep_headers": "yes"}, expect=422)
