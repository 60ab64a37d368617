"""Two teams on one broker: each sees, counts, searches, exports and acts on its own queues alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mqadmin.core.models import AuditEntry, KeptMessage, Operation
from mqadmin.core.rights.asking import asks
from mqadmin.core.rights.rules import Rule
from mqadmin.history.models import Mark
from mqadmin.queues.acts import moving
from mqadmin.queues.acts.destination import not_theirs
from mqadmin.queues.models import Broker, BrokerEvent, Queue
from tests.queues.conftest import make_queue
from tests.support.pages import html
from tests.support.teams import OPERATE, VIEW, Script, asking, browser, member

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker"), pytest.mark.any_version]

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Source": "table#queues-table"}
SECRETS = ("salaries", "ledger", "bank")


@pytest.fixture
def queues(db: None) -> dict[str, Queue]:
    now = timezone.now()
    numbers = {"ready": 1007, "unacked": 3, "publish_rate": 55.0, "ack_rate": 5.0}
    broker = Broker.objects.create(
        slug="default",
        reachable=True,
        sampled_at=now,
        tried_at=now,
        version="4.0.5",
        queue_count=4,
        totals=numbers,
        history={"ready": [[1, 1007.0]]},
        nodes=[{"name": "rabbit@hutch", "running": True}],
        reasons=[
            {"code": "memory_alarm", "level": "broken", "params": {"node": "rabbit@hutch"}},
            {
                "code": "many_channels",
                "level": "watch",
                "params": {
                    "connection": "ledger-client",
                    "channels": 900,
                    "limit": 0,
                    "others": 0,
                    "user": "bank",
                    "vhost": "bank",
                },
            },
        ],
    )
    made = {
        "orders": make_queue(broker, "orders", "shop", ready=7, total=7, publish_rate=5.0, owner="mary"),
        "orders.dlq": make_queue(broker, "orders.dlq", "shop", is_inbox=True),
        "mails": make_queue(broker, "mails", "shop"),
        "salaries": make_queue(
            broker,
            "salaries",
            "bank",
            ready=1000,
            total=1000,
            publish_rate=50.0,
            health="broken",
            health_rank=3,
            owner="ledger",
        ),
    }
    Queue.objects.filter(name="orders").update(dead_letters_to=["orders.dlq"])
    Queue.objects.filter(name="orders.dlq").update(dead_letters_from=["orders", "mails"])
    for kind, params in {
        "node_stopped": {"node": "rabbit@hutch"},
        "queues_declared": {"vhost": "bank", "names": ["ledger"], "count": 1},
        "queues_gone": {"vhost": "shop", "names": ["baskets", "orders.old"], "count": 2},
        "vhost_made": {"vhost": "bank"},
    }.items():
        BrokerEvent.objects.create(broker="default", at=now, kind=kind, params=params)
    Mark.objects.create(broker="default", at=now, title="shop 4.2", actor="ann")
    return made


@pytest.fixture
def shop(queues: dict[str, Queue]) -> Client:
    return browser(member("shop-team", {"vhost": "shop"}))


@pytest.fixture
def bank(queues: dict[str, Queue]) -> Client:
    return browser(member("bank-team", {"vhost": "bank", "level": OPERATE}))


@pytest.fixture
def admin(queues: dict[str, Queue]) -> Client:
    user = User.objects.create_user("root")
    user.groups.add(Group.objects.get(name="admin"))
    return browser(user)


def names(text: str) -> set[str]:
    return {name for name in ("orders.dlq", "mails", *SECRETS) if name in text.replace("bank-team", "")}


@pytest.mark.parametrize("query", ["", "&group=vhost&open=shop", "&group=owner", "&q=name:/a/"])
def test_the_list_is_of_their_queues_whoever_looked_before(
    query: str, shop: Client, bank: Client, admin: Client
) -> None:
    address = f"/queues/?broker=default{query}"
    for headers in ({}, HTMX, HTMX):
        everything = names(html(admin.get(address, headers=headers)))
        theirs = names(html(shop.get(address, headers=headers)))
        others = names(html(bank.get(address, headers=headers)))
        assert theirs <= {"orders.dlq", "mails"}
        assert others <= set(SECRETS)
        assert {"salaries", "bank"} & everything or "group=owner" in query
        assert theirs or others


def test_counts_facets_and_offers_are_of_their_queues(shop: Client, bank: Client) -> None:
    page = shop.get("/queues/?broker=default")
    found = page.context["found"]
    assert (found.counts["all"], found.counts["broken"], found.vhosts) == (3, 0, ["shop"])
    assert bank.get("/queues/?broker=default").context["found"].counts["all"] == 1
    assert "/queues/rules/" not in html(page), "the rules are of all brokers"
    for query in ("vhost:", "name:", "owner:"):
        text = html(shop.get("/queues/complete/", {"broker": "default", "q": query, "at": len(query)}))
        assert not names(text) & set(SECRETS)
    assert "salaries" in html(bank.get("/queues/complete/", {"q": "name:", "at": 5, "broker": "default"}))


def test_files_are_of_their_queues(shop: Client, bank: Client) -> None:
    lines = b"".join(shop.get("/queues/export.csv?broker=default")).decode()
    assert len(lines.splitlines()) == 4
    assert names(lines) == {"orders.dlq", "mails"}
    rows = json.loads(b"".join(bank.get("/queues/export.json?broker=default")))
    assert [row["name"] for row in rows] == ["salaries"]


def test_the_overview_sums_over_their_queues_and_has_no_nodes(
    shop: Client, bank: Client, admin: Client
) -> None:
    for _twice in range(2):
        assert {"salaries", "bank"} <= names(html(admin.get("/?broker=default")))
        page = shop.get("/?broker=default")
        text = html(page)
        assert not names(text) & set(SECRETS)
        assert "ledger-client" not in text
        assert page.context["nodes"] == []
        tiles = {tile.label: tile.value for tile in page.context["tiles"]}
        assert (tiles["Ready"], tiles["Unacked"]) == ("7", "0")
        happened = " ".join(item.what for item in page.context["happened"])
        assert "baskets" in happened
        assert "rabbit@hutch went down" in happened, "what concerns all on it"
        assert "shop 4.2" in happened
        assert "memory alarm" in text
        assert "salaries" in html(bank.get("/?broker=default"))
    assert shop.get("/rates/?broker=default").status_code == 403
    assert not names(html(shop.get("/wall/"))) & set(SECRETS)


def test_the_sidebar_counts_their_queues(shop: Client, admin: Client) -> None:
    def badge(client: Client) -> str:
        nav = client.get("/queues/?broker=default").context["frame"].nav
        return str(next(item.badge.text for item in nav if item.key == "queues"))

    assert (badge(shop), badge(admin)) == ("3", "4")


def test_a_queue_of_others_is_not_there(shop: Client, queues: dict[str, Queue]) -> None:
    pk = queues["salaries"].pk
    for name in ("queue_detail", "queue_lengths", "queue_rates", "queue_waits", "queue_purge", "queue_move"):
        assert shop.get(reverse(name, args=[pk])).status_code == 404, name
    for name in ("queue_mute", "queue_peek", "queue_publish", "queue_settle", "queue_track"):
        assert shop.post(reverse(name, args=[pk]), {"hours": 1}).status_code == 404, name
    assert not AuditEntry.objects.filter(actor="shop-team").exists()


def test_all_of_them_are_all_of_theirs(shop: Client, bank: Client, queues: dict[str, Queue]) -> None:
    given = {"broker": "default", "all": "1"}
    asked = shop.get("/queues/many/mute/", given)
    assert len(asked.context["queues"].ids) == 3
    mark = asked.context["queues"].mark
    assert shop.post("/queues/many/mute/", {**given, "hours": 1, "seen": mark}).status_code == 302
    assert set(Queue.objects.filter(muted_by="shop-team").values_list("vhost", flat=True)) == {"shop"}
    ticked = {"broker": "default", "ids": [queue.pk for queue in queues.values()]}
    assert len(shop.get("/queues/many/owner/", ticked).context["queues"].ids) == 3
    assert bank.get("/queues/many/delete/", given).status_code == 403, "they operate, and do not configure"


def test_one_with_a_pattern_sees_no_other_name() -> None:
    """Neither where dead letters go, nor whose arrive, nor what it may be moved to."""
    broker = Broker.objects.create(slug="default", reachable=True, sampled_at=timezone.now())
    orders = make_queue(broker, "orders", "shop", dead_letters_to=["payroll.dlq"])
    reason = {"code": "letters_waiting", "level": "watch", "params": {"waiting": 3, "source": "payroll"}}
    inbox = make_queue(
        broker,
        "orders.dlq",
        "shop",
        dead_letters_from=["orders", "payroll"],
        is_inbox=True,
        health="watch",
        health_rank=2,
        health_reasons=[reason],
    )
    make_queue(broker, "payroll", "shop", ready=99)
    user = member("orders-team", {"vhost": "shop", "queue": "orders*", "level": OPERATE})
    client, script = browser(user), Script(user)
    for queue in (orders, inbox):
        assert "payroll" not in html(client.get(reverse("queue_detail", args=[queue.pk])))
        assert "payroll" not in html(client.get(reverse("queue_move", args=[queue.pk])))
        assert "payroll" not in html(client.get(f"/dead-letters/map/?broker=default&vhost={queue.vhost}"))
    assert "payroll" not in html(client.get("/?broker=default"))
    listed = script.get("/queues").json()
    assert [item["name"] for item in listed["items"]] == ["orders", "orders.dlq"]
    assert "payroll" not in json.dumps(listed)
    assert listed["items"][1]["dead_letters_from"] == ["orders"]
    assert script.get(f"/queues/{inbox.pk}/why").json()["steps"]


def test_a_token_narrower_than_its_account(admin: Client, queues: dict[str, Queue]) -> None:
    root = User.objects.get(username="root")
    of_shop, looking = Script(root, vhost="shop"), Script(root, level="view")
    assert of_shop.get("/queues").json()["total"] == 3
    assert looking.get("/queues").json()["total"] == 4
    assert of_shop.get(f"/queues/{queues['salaries'].pk}").status_code == 404
    assert of_shop.send("PATCH", f"/queues/{queues['salaries'].pk}", {"owner": "me"}).status_code == 404
    assert of_shop.send("PATCH", f"/queues/{queues['orders'].pk}", {"owner": "me"}).status_code == 200
    assert looking.send("PATCH", f"/queues/{queues['orders'].pk}", {"owner": "us"}).status_code == 403
    body = {"filter": "name:*", "owner": "them"}
    assert of_shop.send("POST", "/queues/settle", body).json() == {"changed": 3}
    assert Queue.objects.get(name="salaries").owner == "ledger"
    (broker,) = of_shop.get("/brokers").json()["items"]
    assert (broker["nodes"], broker["totals"]["ready"]) == ([], 7)
    assert [reason["code"] for reason in broker["reasons"]] == ["memory_alarm"]
    assert of_shop.get("/brokers/default/history").status_code == 403
    declared = {"vhost": "bank", "name": "mine"}
    assert of_shop.send("POST", "/queues", declared).status_code == 404
    elsewhere = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "salaries"}
    narrow = Script(root, vhost="shop", queue="orders*")
    declared = {"vhost": "shop", "name": "orders.new", "arguments": elsewhere}
    assert narrow.send("POST", "/queues", declared).status_code == 404


def test_marks_are_of_the_brokers_that_they_may_see(queues: dict[str, Queue]) -> None:
    Mark.objects.create(broker="other", at=timezone.now(), title="ledger 2", actor="eve")
    team = Script(member("ci", {"vhost": "shop", "level": OPERATE}))
    assert team.send("POST", "/marks", {"title": "shop 4.3", "broker": "default"}).status_code == 201
    assert team.send("POST", "/marks", {"title": "shop 4.3", "broker": "other"}).status_code == 422
    assert Mark.objects.get(title="shop 4.3").broker == "default"
    assert {item["title"] for item in team.get("/marks").json()["items"]} == {"shop 4.2", "shop 4.3"}
    looking = Script(member("eyes", {"vhost": "shop", "level": VIEW}))
    assert looking.send("POST", "/marks", {"title": "x", "broker": "default"}).status_code == 403


def test_messages_go_to_queues_that_are_theirs_or_back(queues: dict[str, Queue]) -> None:
    inbox = Queue.objects.get(name="orders.dlq")
    only_inbox = Rule("default", "shop", "orders.dlq", OPERATE)
    with asks(asking(only_inbox, Rule("default", "shop", "mails", VIEW), needed="operate")):
        moving.require_destination(inbox, "mails")  # back to where they come from
        assert _why("shop", "orders.dlq") == ""
        assert _why("shop", "mails") == "forbidden", "which they may see"
        assert _why("shop", "orders") == "no_destination"
        assert _why("shop", None) == "forbidden", "an exchange leads to any"
        assert _why("bank", "salaries") == "no_destination"
    with asks(asking(Rule("default", "shop", "*", OPERATE), needed="operate")):
        assert _why("shop", None) == ""
    assert _why("bank", "salaries") == "", "where nobody asks"


def test_a_message_reaches_no_queue_of_others_by_its_headers(queues: dict[str, Queue]) -> None:
    team = Script(member("orders-team", {"vhost": "shop", "queue": "orders*", "level": OPERATE}))
    address = f"/queues/{queues['orders'].pk}/publish"
    for wrong in ({"headers": {"CC": ["mails"]}}, {"headers": {"BCC": ["mails"]}}, {"routing_key": "mails"}):
        answer = team.send("POST", address, {"body": "x", **wrong})
        assert (answer.status_code, answer.json()["code"]) == (409, "no_destination"), wrong
    fine = team.send("POST", address, {"body": "x", "headers": {"CC": ["orders.dlq"]}})
    assert fine.status_code == 503, "nothing answers"


def _why(vhost: str, queue: str | None) -> str:
    refusal = not_theirs(broker="default", vhost=vhost, queue=queue)
    return refusal.code if refusal else ""


def test_what_a_colleague_purged_is_put_back_by_whose_the_queue_is(
    shop: Client, bank: Client, queues: dict[str, Queue]
) -> None:
    orders = queues["orders"]
    params: dict[str, Any] = {"queue": orders.pk, "vhost": "shop", "name": "orders"}
    purge = Operation.objects.create(
        kind="queues.purge", broker="default", params=params, created_by="mary", status="done"
    )
    KeptMessage.objects.create(operation=purge, body=b"1", fingerprint="x")
    address = reverse("queue_restore", args=[purge.pk])
    assert bank.post(address).status_code == 404
    text = html(shop.get(reverse("queue_detail", args=[orders.pk])))
    assert address in text
    assert shop.post(address).status_code in (302, 503), "theirs, though nothing answers"
