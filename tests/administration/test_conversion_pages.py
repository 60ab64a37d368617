"""The pages and the calls of a conversion: the plan, how far it is, going on and undoing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.administration.upkeep import findings, upgrade_words
from mqadmin.core import brokers
from mqadmin.core.models import Operation
from mqadmin.rabbit.upkeep.finding import BREAKS, an_object, found
from tests.support.conversions import (
    COUNT,
    WAS,
    carry_out,
    check,
    classic,
    dies_after,
)
from tests.support.management import Management
from tests.support.pages import html

pytestmark = [
    pytest.mark.broker,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("by_hand", "fresh"),
]


def test_the_pages_say_what_is_done_and_how_far_it_is(
    admin: Client, management: Management, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = classic(management, shop)
    address = reverse("queue_convert", args=[queue.pk])
    assert address in html(admin.get(reverse("queue_detail", args=[queue.pk])))
    page = html(admin.get(address))
    for words in ("150 messages", "x-max-priority goes", "orders.#", "Declare a temporary quorum queue"):
        assert words in page, words
    unsaid = admin.post(address, {})
    assert (unsaid.status_code, Operation.objects.count()) == (409, 0)
    monkeypatch.setenv("RABBITMQ_ENVIRONMENT", "production")
    brokers.forget()
    assert "Type the name exactly" in html(admin.post(address, {"publishers_stopped": "1", "typed": "order"}))
    begun = admin.post(address, {"publishers_stopped": "1", "typed": "orders"})
    operation = Operation.objects.get()
    there = reverse("conversion_detail", args=[operation.pk])
    assert (begun.status_code, begun["Location"]) == (302, there)
    dies_after(3, operation)
    Operation.objects.filter(pk=operation.pk).update(
        status="failed", error="Somebody <b>came</b>.", lease_until=None, lease_owner=""
    )
    page, undo = html(admin.get(there)), reverse("conversion_undo", args=[operation.pk])
    assert page.count('class="is-done"') == 2  # nothing was to be finished, and the last was not noted
    for words in (
        "failed here",
        "Somebody &lt;b&gt;came",
        "<b>150</b>",
        reverse("conversion_undo", args=[operation.pk]),
    ):
        assert words in page, words
    undo = reverse("conversion_undo", args=[operation.pk])
    assert "classic queue" in html(admin.get(undo))
    assert admin.post(undo, {"typed": "orders"}).status_code == 409
    onward = admin.post(reverse("conversion_go_on", args=[operation.pk]))
    again = Operation.objects.latest("pk")
    assert onward["Location"] == reverse("conversion_detail", args=[again.pk])
    assert onward["Location"] in html(admin.get(there))
    carry_out(again)
    undone = admin.post(
        reverse("conversion_undo", args=[again.pk]), {"publishers_stopped": "1", "typed": "orders"}
    )
    assert undone.status_code == 302, html(undone)
    carry_out(Operation.objects.latest("pk"))
    check(management, shop, "orders", "classic", WAS)


def test_the_same_through_the_api(management: Management, shop: str, token: dict[str, str]) -> None:
    queue = classic(management, shop)

    def call(method: str, path: str, **body: Any) -> Any:
        return Client().generic(
            method,
            f"/api/v1{path}",
            json.dumps(body) if method == "POST" else "",
            "application/json",
            headers=token,
        )

    begin = f"/queues/{queue.pk}/convert"
    plan = call("POST", begin, dry_run=True)
    assert plan.status_code == 200
    assert (plan.json()["ready"], plan.json()["stops"], plan.json()["consumers"]) == (COUNT, [], [])
    assert {item["routing_key"] for item in plan.json()["bindings"]} == {"orders.#", "all"}
    assert not Operation.objects.exists()
    assert call("POST", begin, publishers_stoped=True).status_code == 422
    assert call("POST", begin, publishers_stopped="yes").status_code == 422
    unsaid = call("POST", begin)
    assert (unsaid.status_code, unsaid.json()["code"]) == (409, "publishers")
    begun = call("POST", begin, publishers_stopped=True)
    assert begun.status_code == 202
    there = f"/conversions/{begun.json()['id']}"
    assert call("POST", f"{there}/undo", publishers_stopped=True).json()["code"] == "under_way"
    carry_out(Operation.objects.get())
    seen = call("GET", there).json()
    assert {step["state"] for step in seen["steps"]} == {"done"}
    assert [(item["is_there"], item["ready"]) for item in seen["places"]] == [(True, COUNT), (False, None)]
    assert (seen["to"], seen["go_on"], bool(seen["undo"])) == ("quorum", "", True)
    assert call("POST", f"{there}/go-on").json()["code"] == "wrong_state"
    assert call("GET", "/conversions/999").status_code == 404
    undone = call("POST", f"{there}/undo", publishers_stopped=True)
    assert undone.status_code == 202
    assert call("GET", there).json()["newer"] == undone.json()["id"]
    carry_out(Operation.objects.latest("pk"))
    check(management, shop, "orders", "classic", WAS)


def test_what_an_upgrade_breaks_leads_there(admin: Client, management: Management, shop: str) -> None:
    queue = classic(management, shop, "a/b <c>")
    objects = [an_object("queue", queue.name, shop), an_object("policy", "ha", shop)]
    shown = findings.shown(
        "default", found("mirrored", BREAKS, objects, policies=1, queues=1), upgrade_words.words
    )
    [there, nowhere] = [item.convert for item in shown.examples]
    led = admin.get(there)
    assert (led.status_code, led["Location"]) == (302, reverse("queue_convert", args=[queue.pk]))
    assert nowhere == ""
    assert admin.get(there.replace("name=a", "name=other")).status_code == 404
