"""Marks: posted by tools, shown on charts and in the list of what happened, beside acts and events."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consumers.models import Consumer, ConsumerEvent
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.models import AuditEntry
from mqadmin.history.models import Mark
from mqadmin.queues.models import Broker
from tests.queues.conftest import Api, make_queue

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_deployment_is_on_the_charts_and_in_the_list(api: Api, viewer: Client, broker: Broker) -> None:
    queue = make_queue(broker, "work")
    at = (timezone.now() - timedelta(minutes=4)).isoformat()
    mark = {"title": "shop 4.2 <b>", "at": at, "link": "https://ci.example.com/run/7"}
    answer = api.post("/marks", mark)
    assert answer.status_code == 201
    assert answer.json()["actor"] == "the-operator"
    assert AuditEntry.objects.get(action="mark.post").target == "shop 4.2 <b>"
    for name, args in (("queue_lengths", [queue.pk]), ("overview_rates", [])):
        chart = viewer.get(reverse(name, args=args), {"span": "1h", "against": "1d"}).json()
        assert [item["text"] for item in chart["marks"]] == ["shop 4.2 <b>"]
    for address in (reverse("overview"), reverse("queue_detail", args=[queue.pk])):
        page = viewer.get(address).content.decode()
        assert 'href="https://ci.example.com/run/7"' in page
        assert "shop 4.2 &lt;b&gt;" in page
    assert [item["title"] for item in api.get("/marks", broker=broker.slug).json()["items"]] == [
        "shop 4.2 <b>"
    ]
    page = viewer.get(reverse("overview"), {"span": "5m"}).content.decode()
    assert "shop 4.2" in page
    Mark.objects.update(at=timezone.now() - timedelta(minutes=6))
    assert "shop 4.2" not in viewer.get(reverse("overview"), {"span": "5m"}).content.decode()


def test_what_people_and_consumers_did_is_there_too(viewer: Client, broker: Broker) -> None:
    queue = make_queue(broker, "work")
    other = make_queue(broker, "other")
    with audit.act(by=Actor("ada"), action="queue.purge", broker=broker.slug, target="/:work", count=3):
        pass
    with audit.act(by=Actor("ada"), action="queue.peek", broker=broker.slug, target="/:work"):
        pass
    consumer = Consumer.objects.create(
        name="billing", broker=broker.slug, vhost="/", queue="work", handler="record"
    )
    ConsumerEvent.objects.create(
        consumer=consumer, at=timezone.now(), kind="crashed", text="Ended by signal 9."
    )
    page = viewer.get(reverse("queue_detail", args=[queue.pk])).content.decode()
    assert "purged /:work" in page
    assert "Ended by signal 9." in page
    assert "queue.peek" not in page
    elsewhere = viewer.get(reverse("queue_detail", args=[other.pk])).content.decode()
    assert "queue.purge" not in elsewhere
    assert "Ended by signal 9." not in elsewhere


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": " \n "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"at": "2999-01-01T00:00:00Z"}, "at"),
        ({"broker": "none"}, "broker"),
        ({"when": "now"}, "when"),
    ],
)
def test_what_is_refused(api: Api, broker: Broker, change: dict[str, str], field: str) -> None:
    answer = api.post("/marks", {"title": "shop 4.2", "broker": broker.slug} | change)
    assert answer.status_code == 422
    assert field in answer.content.decode()
    assert not Mark.objects.exists()


def test_a_viewer_may_not_post(viewer_api: Api) -> None:
    assert viewer_api.post("/marks", {"title": "shop 4.2"}).status_code == 403
    assert viewer_api.get("/marks").json()["items"] == []
