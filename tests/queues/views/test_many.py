"""Many queues on the page and in the API: the count that is asked, who may, and the files."""

from __future__ import annotations

import csv
import io
import json

from django.test import Client
from django.urls import reverse

from mqadmin.core.models import Operation
from mqadmin.queues.acts.many import Chosen
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.pages import exporting
from tests.queues.conftest import Api, make_queue
from tests.queues.views.conftest import HTMX
from tests.support.pages import html


def test_a_dialog_says_how_many_and_which_and_acts_on_no_others(operator: Client, broker: Broker) -> None:
    for number in range(12):
        make_queue(broker, f"orders.{number:02d}", ready=2)
    make_queue(broker, "other")
    asked = operator.get(reverse("queues_purge"), {"all": "1", "q": "name:orders*"}, headers=HTMX)
    shown = html(asked)
    assert "Purge 12 queues" in shown
    assert "orders.00" in shown
    assert "and 4 more" in shown
    assert "About 24 messages" in shown
    given = {"all": "1", "q": "name:orders*", "seen": asked.context["queues"].mark}
    make_queue(broker, "orders.new")
    changed = operator.post(reverse("queues_purge"), given)
    assert "not the queues any more" in html(changed)
    assert not Operation.objects.exists()
    assert operator.get(reverse("queues_purge"), {"all": "1", "q": "helth:ok"}).status_code == 422
    assert operator.post(reverse("queues_delete"), given).status_code == 403


def test_ticked_queues_get_an_owner_and_a_mute(operator: Client, broker: Broker) -> None:
    queue, other = make_queue(broker, "a"), make_queue(broker, "b")
    both, one = (Chosen("default", ids).mark for ids in ((queue.pk, other.pk), (other.pk,)))
    given = {"ids": [queue.pk, other.pk], "owner": "team-a", "seen": both}
    operator.post(reverse("queues_owner"), given)
    operator.post(reverse("queues_mute"), {"ids": [other.pk], "hours": "4", "seen": one})
    assert set(Queue.objects.values_list("owner", flat=True)) == {"team-a"}
    assert list(Queue.objects.filter(muted_until__isnull=False)) == [other]


def test_files_have_every_queue_that_matches_and_no_formulas(viewer: Client, broker: Broker) -> None:
    for name in ("=1+1", "+x", "-y", "@z", "\tt", "plain, with \"quotes\"\nand lines"):  # fmt: skip
        make_queue(broker, name, growth=-1.5, owner="=cmd()")
    make_queue(broker, "other", "else")
    answer = viewer.get(reverse("queue_export_csv"), {"vhost": "/", "sort": "name"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))  # type: ignore[call-overload]
    assert [row["name"][0] for row in rows if row["name"][0] != "p"] == ["'"] * 5
    assert {(row["owner"], row["growth"]) for row in rows} == {("'=cmd()", "-1.5")}
    assert rows[-1]["name"] == 'plain, with "quotes"\nand lines'
    found = viewer.get(reverse("queue_export_json"), {"q": "is:owned"})
    assert len(json.loads(b"".join(found))) == 6  # type: ignore[call-overload]


def test_the_api_asks_the_same(api: Api, viewer_api: Api, broker: Broker) -> None:
    make_queue(broker, "a")
    make_queue(broker, "b")
    body = {"filter": "name:*", "expect": 1}
    assert api.post("/queues/purge", body).status_code == 409
    assert api.post("/queues/purge", {"expect": 0}).status_code == 422
    assert api.post("/queues/delete", body).status_code == 403
    begun = api.post("/queues/purge", {**body, "expect": 2})
    assert (begun.status_code, begun.json()["total"]) == (202, 2)
    assert api.post("/queues/settle", {"filter": "name:a", "owner": "me"}).json() == {"changed": 1}
    assert b"me" in b"".join(viewer_api.get("/queues/export", filter="is:owned", format="csv"))


def test_what_a_spreadsheet_takes_for_a_formula() -> None:
    given = ["=a", "+a", "-a", "@a", "\ta", "\ra", "a=", "", -1.5, None]
    assert [exporting.safe(value) for value in given] == [
        "'=a", "'+a", "'-a", "'@a", "'\ta", "'\ra", "a=", "", -1.5, None
    ]  # fmt: skip
