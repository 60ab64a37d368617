"""The pages: what they show, whom they refuse, and that nothing in a letter becomes markup."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client

from consumers.models import Consumer, Record
from mqadmin.core import hooks
from mqadmin.core.acts.audit import Actor
from mqadmin.deadletters.acts import editing
from mqadmin.deadletters.models import DeadLetter
from mqadmin.queues.models import Broker, Queue
from tests.deadletters.conftest import Place
from tests.deadletters.factories import died, letter
from tests.deadletters.views.conftest import LIST, client_of, text

pytestmark = [pytest.mark.broker, pytest.mark.any_version, pytest.mark.django_db(transaction=True)]

HOSTILE = "<script>alert(1)</script>"


@pytest.mark.parametrize("tab", ["payload", "headers", "properties", "log", "history"])
def test_nothing_in_a_letter_becomes_markup(admin: Client, tab: str) -> None:
    headers = {
        **died(HOSTILE, type=HOSTILE, message=f"{HOSTILE} 5", trace=HOSTILE),
        HOSTILE: HOSTILE,
        "nested": {HOSTILE: [HOSTILE]},
        "bytes": HOSTILE.encode(),
    }
    one = letter(HOSTILE.encode(), queue=HOSTILE, headers=headers, message_id=HOSTILE, type=HOSTILE)
    DeadLetter.objects.update(status_reason=HOSTILE, source_exchange=HOSTILE, routing_keys=[HOSTILE])
    editing.note(letter=one, text=HOSTILE, by=Actor(HOSTILE))
    editing.note_cause(broker="default", group=one.group, text=HOSTILE, by=Actor("ann"))
    consumer = Consumer.objects.create(name="c", broker="default", queue="orders", handler="record")
    Record.objects.create(
        consumer=consumer,
        queue="orders",
        message_id=HOSTILE,
        outcome="dead_lettered",
        started_at=datetime.now(UTC),
        log=[[1, "ERROR", HOSTILE]],
    )
    broker = Broker.objects.create(slug="default")
    Queue.objects.create(broker=broker, vhost=HOSTILE, name=HOSTILE, is_inbox=True, total=3)
    pages = [
        text(admin, f"{LIST}?letter={one.pk}&tab={tab}&q=alert&group={one.group}"),
        text(admin, f"{LIST}{one.pk}/?tab={tab}"),
        text(admin, f"{LIST}{one.pk}/edit/"),
        text(admin, "/?broker=default"),
        text(admin, "/find/?q=%3Cscript"),
    ]
    for page in pages:
        assert "<script>alert" not in page
        assert not re.search(r'="[^"]*<script>', page)
    assert "&lt;script&gt;alert(1)" in pages[0]
    assert "It could not be requeued: &lt;script&gt;" in pages[1]


ACTS = [
    "requeue/",
    "discard/",
    "restore/",
    "{pk}/edit/",
    "{pk}/revert/",
    "{pk}/note/",
    "queues/{queue}/track/",
]


@pytest.mark.parametrize("act", ACTS)
def test_a_viewer_sees_but_may_not(act: str, place: Place) -> None:
    viewer = client_of("viewer")
    one = letter(message_id="ord-1")
    page = text(viewer, LIST)
    assert "ord-1" in page
    assert "This needs the role operator or admin." in page
    path = LIST + act.format(pk=one.pk, queue=place.row().pk)
    assert viewer.post(path, {"ids": [one.pk]}).status_code == 403
    one.refresh_from_db()
    assert (one.status, one.note, one.edits) == ("parked", "", 0)


@pytest.mark.parametrize("path", ["{pk}/revert/", "{pk}/note/", "queues/{pk}/track/", "queues/{pk}/untrack/"])
def test_wrong_method(admin: Client, path: str) -> None:
    assert admin.get(LIST + path.format(pk=letter().pk)).status_code == 405


def test_what_is_not_there(admin: Client) -> None:
    for path in ("9999/", "9999/edit/"):
        assert admin.get(LIST + path).status_code == 404
    assert "no longer stored" in text(admin, LIST + "?letter=9999") or "No dead letters" in text(admin, LIST)


def test_a_guest_signs_in_first() -> None:
    assert "/login/" in Client().get(LIST)["Location"]


def test_the_hooks(admin: Client) -> None:
    for number in range(3):
        letter(headers=died(type="ValueError", message=f"no {number}"), message_id=f"ord-{number}")
    user = User.objects.get(username="admin")
    (found,) = [item for item in hooks.attention("default", user) if "dead letters" in item.title]
    assert found.title == "3 dead letters: ValueError"
    assert (found.level, found.text) == ("watch", "no N. In orders, last 0 s ago.")
    badge = hooks.nav_badge("dead-letters", "default")
    assert badge is not None
    assert (badge.text, badge.tone) == ("3", "red")
    assert [hit.title for hit in hooks.find("ord-", "default")] == ["ord-2", "ord-1", "ord-0"]
    assert hooks.nav_badge("dead-letters", "other") is None
    (tile,) = [tile for tile in hooks.overview_tiles("default") if tile.label == "Dead letters today"]
    assert tile.value == "3"
