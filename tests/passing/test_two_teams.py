"""Taps and journeys are of those whose queue, or whose whole virtual host, they are of."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.rights.asking import asks
from mqadmin.core.rights.rules import Rule
from mqadmin.passing.acts import replaying
from mqadmin.passing.models import Seen, Tap
from tests.deadletters.factories import died, letter
from tests.passing.factories import make_seen, make_tap
from tests.support.pages import html
from tests.support.teams import OPERATE, VIEW, Script, asking, browser, member

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker"), pytest.mark.any_version]


@pytest.fixture
def taps(db: None) -> dict[str, Tap]:
    made = {
        "orders": make_tap(vhost="shop", name="orders", kept=1),
        "exchange": make_tap(vhost="shop", kind="exchange", name="orders", kept=1),
        "mails": make_tap(vhost="shop", name="mails", kept=1),
        "salaries": make_tap(vhost="bank", name="salaries", kept=1),
    }
    for tap in made.values():
        make_seen(tap, message_id="M-1", body=tap.name.encode())
    return made


@pytest.mark.parametrize(
    ("grant", "theirs"),
    [
        ({"vhost": "shop"}, {"orders", "exchange", "mails"}),
        ({"vhost": "shop", "queue": "orders*"}, {"orders"}),
        ({"vhost": "bank"}, {"salaries"}),
    ],
)
def test_taps_and_what_they_saw(grant: dict[str, Any], theirs: set[str], taps: dict[str, Tap]) -> None:
    user = member("team", {**grant, "level": OPERATE})
    client, script = browser(user), Script(user)
    mine = {taps[name].pk for name in theirs}
    assert {row.tap.pk for row in client.get("/taps/?broker=default").context["rows"]} == mine
    listed = script.get("/taps").json()
    assert (listed["total"], {item["id"] for item in listed["items"]}) == (len(mine), mine)
    for tap in taps.values():
        message = Seen._base_manager.get(tap=tap)
        status = 200 if tap.pk in mine else 404
        assert client.get(reverse("tap_detail", args=[tap.pk])).status_code == status
        assert client.get(reverse("tap_message", args=[tap.pk, message.pk])).status_code == status
        assert script.get(f"/taps/{tap.pk}/messages").status_code == status
        kept = script.send("POST", f"/taps/{tap.pk}/keep", {"title": "mine"})
        assert kept.status_code == status
    assert set(Tap.objects.filter(title="mine").values_list("pk", flat=True)) == mine
    rule = Rule("default", grant["vhost"], grant.get("queue", "*"))
    with asks(asking(rule)):
        assert {tap.pk for tap in taps.values() if tap.messages.exists()} == mine


def test_a_journey_leads_through_what_is_theirs(taps: dict[str, Tap]) -> None:
    for vhost, queue in (("shop", "orders"), ("bank", "salaries")):
        letter(vhost=vhost, queue=f"{queue}.dlq", headers=died(queue), message_id="M-1")
    user = member("team", {"vhost": "shop", "queue": "orders*", "level": VIEW})
    found = Script(user).get("/journey", message_id="M-1").json()
    assert {item["vhost"] for item in found["items"]} == {"shop"}
    assert "mails" not in str(found)
    page = browser(user).get("/journey/?q=M-1")
    assert "salaries" not in html(page)
    rows = [row for row in page.context["rows"] if row.step.source == "tap"]
    assert [row.href for row in rows] == [""], "to look at what passed one must operate"
    operator = member("operator", {"vhost": "shop", "queue": "orders*", "level": OPERATE})
    rows = browser(operator).get("/journey/?q=M-1").context["rows"]
    assert [bool(row.href) for row in rows if row.step.source == "tap"] == [True]


def test_what_is_tapped_and_replayed_to_is_theirs(taps: dict[str, Tap]) -> None:
    team = Script(member("team", {"vhost": "shop", "queue": "orders*", "level": OPERATE}))
    for body, status in (
        ({"vhost": "bank", "name": "salaries"}, 404),
        ({"vhost": "shop", "name": "mails"}, 404),
        ({"vhost": "shop", "kind": "exchange", "name": "orders"}, 403),
        ({"vhost": "shop", "name": "orders", "use_firehose": True}, 403),
        ({"vhost": "shop", "name": "orders"}, 503),  # nothing answers
    ):
        assert team.send("POST", "/taps", {"broker": "default", **body}).status_code == status, body
    who = asking(Rule("default", "shop", "orders*", OPERATE), needed="operate")
    with asks(who), pytest.raises(Refusal) as refused:
        replaying.replay(tap=taps["orders"], to_queue="mails", by=Actor("ann"), even_original=True)
    assert refused.value.code == "no_destination"
