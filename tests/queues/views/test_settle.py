"""A queue's settings and the rules, on their pages and in the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mqadmin.queues.models import Broker, Queue, Standing
from tests.queues.conftest import Api, make_queue
from tests.support.pages import html


def test_a_form_says_beside_each_field_what_is_wrong_and_keeps_what_was_typed(
    operator: Client, broker: Broker
) -> None:
    queue = make_queue(broker)
    address = reverse("queue_settle", args=[queue.pk])
    form = operator.get(address).context["form"]
    given = {"owner": "x" * 151, "note": "call us", "limit_ready": "-1", "seen": form["seen"].value()}
    response = operator.post(address, given)
    assert response.status_code == 422
    form = response.context["form"]
    assert set(form.errors) == {"owner", "limit_ready"}
    assert "call us" in html(response)
    assert operator.post(address, {**given, "owner": "team-a", "limit_ready": "1000"}).status_code == 302
    queue.refresh_from_db()
    assert (queue.owner, queue.note, queue.thresholds) == ("team-a", "call us", {"ready": 1000})
    again = operator.post(address, {**given, "owner": "other", "limit_ready": ""})
    assert again.status_code == 409 or "meanwhile" in html(again)


def test_a_mute_is_said_on_the_page_with_who_and_until_when(operator: Client, broker: Broker) -> None:
    queue = make_queue(broker, health="broken")
    operator.post(reverse("queue_mute", args=[queue.pk]), {"hours": "1"})
    page = html(operator.get(reverse("queue_detail", args=[queue.pk])))
    assert "by the-operator" in page
    assert "Muted until" in page
    assert "muted" in html(operator.get(reverse("queue_list")))
    operator.post(reverse("queue_mute", args=[queue.pk]), {"hours": "0"})
    assert Queue.objects.get().muted_until is None


def test_a_rule_is_made_changed_and_deleted(operator: Client, broker: Broker) -> None:
    make_queue(broker)
    wrong = operator.post(reverse("standing_new"), {"name": "A", "query": "ready>1", "owner": "a"})
    assert "query" in wrong.context["form"].errors
    operator.post(reverse("standing_new"), {"name": "A", "query": "name:ord*", "owner": "a"})
    assert "1 queue matches now" in html(operator.get(reverse("standing_list")))
    rule = Standing.objects.get()
    operator.post(reverse("standing_edit", args=[rule.pk]), {"name": "A", "query": "x", "limit_ready": "5"})
    assert Queue.objects.get().owner == ""
    operator.post(reverse("standing_edit", args=[rule.pk]), {"name": "A", "query": "ord", "limit_ready": "5"})
    assert Queue.objects.get().thresholds == {"ready": 5}
    operator.post(reverse("standing_delete", args=[rule.pk]))
    assert Queue.objects.get().thresholds == {}


def test_rules_are_ordered_on_the_page(
    operator: Client, broker: Broker, django_assert_max_num_queries: Any
) -> None:
    make_queue(broker)
    for name in "ABC":
        query = "name:ord*" if name == "A" else "name:o*d"
        operator.post(reverse("standing_new"), {"name": name, "query": query, "owner": name})

    def order() -> list[str]:
        return [shown.rule.name for shown in operator.get(reverse("standing_list")).context["rules"]]

    assert (order(), Queue.objects.get().owner) == (["C", "B", "A"], "A")  # of the others it is neither
    Standing.objects.update(query="name:ord*")
    move = lambda name, to: operator.post(  # noqa: E731
        reverse("standing_move", args=[Standing.objects.get(name=name).pk]), {"to": to}
    )
    move("A", "up")
    assert order() == ["C", "A", "B"]
    move("C", "down")
    assert (order(), Queue.objects.get().owner) == (["A", "C", "B"], "A")
    refused = move("A", "up")
    assert refused.status_code == 409
    assert "decides first already" in html(refused)
    assert order() == ["A", "C", "B"]
    with django_assert_max_num_queries(16):  # with the session, the user and the frame
        few = html(operator.get(reverse("standing_list")))
    assert few.count("1 queue matches now") == 3
    for number in range(60):
        Standing.objects.create(name=f"n{number}", query=f"name:*{number}* ready>1", owner="x", by="ann")
    Standing.objects.create(name="bad", query="helth:x", owner="x", by="ann")
    with django_assert_max_num_queries(16):
        many = html(operator.get(reverse("standing_list")))
    assert many.count("0 queues match now") == 60
    assert "helth" in many


def test_the_api_does_the_same(api: Api, broker: Broker) -> None:
    queue = make_queue(broker)
    until = (timezone.now() + timedelta(hours=2)).replace(microsecond=0)
    made = api.patch(f"/queues/{queue.pk}", {"owner": "a", "muted_until": until.isoformat()}).json()
    assert (made["owner"], made["own"], made["muted_by"]) == ("a", ["owner", "mute"], "the-operator")
    refused = api.patch(f"/queues/{queue.pk}", {"thresholds": {"redy": 1}})
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["thresholds.redy"])
    assert api.patch(f"/queues/{queue.pk}", {"muted_until": None, "follow": ["owner"]}).json()["own"] == []
    done = api.post("/queue-rules", {"name": "r", "query": "name:o*", "thresholds": {"ready": 7}}).json()
    assert done["changed"] == 1
    other = api.post("/queue-rules", {"name": "s", "query": "name:*", "thresholds": {"ready": 9}}).json()
    moved = api.post(f"/queue-rules/{other['rule']['id']}/move", {"to": "down"}).json()
    assert (moved["changed"], moved["rule"]["rank"]) == (1, 1)
    assert [rule["name"] for rule in api.get("/queue-rules").json()["items"]] == ["r", "s"]
    last = api.post(f"/queue-rules/{other['rule']['id']}/move", {"to": "down"})
    assert (last.status_code, last.json()["code"]) == (409, "at_the_end")
    assert api.get("/queues", filter="-is:owned name:orders").json()["items"][0]["thresholds"] == {"ready": 7}
    bad = api.get("/queues", filter="helth:ok")
    assert (bad.status_code, bad.json()["code"]) == (400, "bad_query")
    assert "at character 1" in bad.json()["detail"]
