"""Owner, note, thresholds and mute: set on a queue, said by rules, kept from what cannot be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.queues.acts import settling, standings
from mqadmin.queues.acts.settling import Wanted
from mqadmin.queues.acts.standings import Said
from mqadmin.queues.models import Broker, Queue, Standing
from mqadmin.queues.standing.keeping import Keeper
from tests.queues.conftest import make_queue

ANN, BOB = Actor("ann"), Actor("bob")
pytestmark = pytest.mark.django_db(transaction=True)


def said(**values: Any) -> Said:
    return Said(**{"name": "Team A", "query": "name:orders*", "owner": "team-a", **values})


def owners() -> dict[str, str]:
    return dict(Queue.objects.values_list("name", "owner"))


def test_what_a_person_sets_wins_over_rules_until_it_is_to_follow_them(broker: Broker) -> None:
    orders, other = make_queue(broker, "orders"), make_queue(broker, "other")
    tomorrow = timezone.now() + timedelta(days=1)
    settling.settle(queue=orders, wanted=Wanted(owner=" me ", muted_until=tomorrow, note="call"), by=ANN)
    orders.refresh_from_db()
    assert (orders.owner, orders.own, orders.muted_by) == ("me", ["owner", "mute"], "ann")
    standings.create(said=said(query="name:*", thresholds={"ready": 500, "growing_s": 30}), by=BOB)
    assert owners() == {"orders": "me", "other": "team-a"}
    orders.refresh_from_db()
    assert (orders.thresholds, orders.note) == ({"ready": 500}, "call")  # 30 s is the default
    settling.settle(queue=orders, wanted=Wanted(follow=("owner",), muted_until=None), by=ANN)
    orders.refresh_from_db()
    assert (orders.owner, orders.own, orders.muted_until) == ("team-a", [], None)
    # To set what the rules say is to follow them: it goes when they do.
    other.refresh_from_db()
    settling.settle(queue=other, wanted=Wanted(owner="team-a"), by=ANN)
    standings.delete(standing=Standing.objects.get(), by=BOB)
    assert owners() == {"orders": "", "other": ""}
    assert AuditEntry.objects.filter(action="queue.settle", outcome="done").count() == 3


def test_queues_that_appear_later_are_as_the_rules_say(broker: Broker) -> None:
    standings.create(said=said(), by=ANN)
    keeper, now = Keeper(), timezone.now().timestamp()
    keeper.keep(broker, now, are_new=True)
    make_queue(broker, "orders.new")
    keeper.keep(broker, now + 1, are_new=False)
    assert owners() == {"orders.new": ""}
    keeper.keep(broker, now + 2, are_new=True)
    assert owners() == {"orders.new": "team-a"}
    Queue.objects.update(owner="")
    keeper.keep(broker, now + 90, are_new=False)  # a policy may have changed what matches
    assert owners() == {"orders.new": "team-a"}


@pytest.mark.parametrize(
    ("wanted", "field", "words"),
    [
        (Wanted(owner="x" * 151), "owner", "at most 150"),
        (Wanted(note="x" * 2001), "note", "at most 2000"),
        (Wanted(thresholds={"redy": 1}), "thresholds.redy", "no threshold"),
        (Wanted(thresholds={"ready": -1}), "thresholds.ready", "At least 0"),
        (Wanted(muted_until=timezone.now() - timedelta(hours=1)), "muted_until", "is over"),
        (Wanted(muted_until=timezone.now() + timedelta(days=400)), "muted_until", "within a year"),
        (Wanted(follow=("note",)), "follow", "One of"),
    ],
)
def test_what_cannot_be_set_is_refused_by_its_field(
    broker: Broker, wanted: Wanted, field: str, words: str
) -> None:
    with pytest.raises(Refusal) as caught:
        settling.settle(queue=make_queue(broker), wanted=wanted, by=ANN)
    assert words in caught.value.fields[field]
    assert AuditEntry.objects.get().outcome == "refused"


def test_who_saw_something_else_does_not_overwrite_it(broker: Broker) -> None:
    queue = make_queue(broker)
    seen = settling.stamp(queue)
    settling.settle(queue=queue, wanted=Wanted(owner="a"), by=ANN, seen=seen)
    with pytest.raises(Refusal, match="meanwhile"):
        settling.settle(queue=queue, wanted=Wanted(owner="b"), by=BOB, seen=seen)
    assert owners() == {"orders": "a"}


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name": " "}, "name", "Give the rule a name"),
        ({"name": "taken"}, "name", "of this name already"),
        ({"query": ""}, "query", "Say which queues"),
        ({"query": "helth:ok"}, "query", "no field"),
        ({"query": "orders ready>5"}, "query", "stays as it is"),
        ({"owner": ""}, "owner", "Say something"),
        ({"thresholds": {"ready": 1e12}}, "thresholds.ready", "at most"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_its_field(
    db: None, changes: dict[str, Any], field: str, words: str
) -> None:
    standings.create(said=said(name="taken"), by=ANN)
    with pytest.raises(Refusal) as caught:
        standings.create(said=said(**changes), by=ANN)
    assert words in caught.value.fields[field]
    assert Standing.objects.count() == 1
