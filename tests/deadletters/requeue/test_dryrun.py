"""What is said before anything moves: places, queues, who listens there, limits, and who died before."""

from __future__ import annotations

from typing import Any

import pytest

from consumers.models import ConsumerProcess
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import dryrun, leaving
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.requeue.dryrun import Listener
from mqadmin.deadletters.search import selection
from tests.deadletters.conftest import Place
from tests.deadletters.factories import died, letter
from tests.support.consumers import make_consumer, make_process
from tests.support.waiting import wait_until


def all_of(place: Place) -> selection.Selection:
    return selection.all_that_match(selection.Filter("default", vhost=place.vhost, status="parked"))


@pytest.mark.broker
@pytest.mark.django_db(transaction=True)
def test_it_tells_everything_and_changes_nothing(place: Place) -> None:
    place.channel.queue_declare("small", arguments={"x-max-length": 2, "x-overflow": "reject-publish"})
    letter(b"x", vhost=place.vhost)
    back = letter(b"x", vhost=place.vhost, headers={**died(), "mqadmin-requeue-id": "earlier"})
    twice = letter(b"x", vhost=place.vhost, death_count=2)
    for _ in range(3):
        letter(b"xx", vhost=place.vhost, headers=died("small"))
    letter(b"x", vhost=place.vhost, headers=died("gone"))
    paused = make_consumer(vhost=place.vhost, name="orders-worker", desired="paused")
    make_process(paused, state=ConsumerProcess.State.PAUSED)

    told = dryrun.of(selection=all_of(place), to=To())
    assert (told.total, told.requeueable) == (7, 6)
    assert (told.died_before, told.came_back, told.died_before_ids) == (2, 1, [back.pk, twice.pk])
    orders, small = sorted(told.queues, key=lambda queue: queue.name)
    assert (orders.name, orders.arriving, orders.listeners) == (
        "orders",
        3,
        (Listener("orders-worker", "paused", 0),),
    )
    assert "Its consumer orders-worker is paused." in orders.warnings
    assert (small.name, small.arriving) == ("small", 3)
    assert any("at most 2 messages: about 1 would be refused" in it for it in small.warnings)
    assert told.problems == ["There is no queue “gone”."]
    assert "2 of them have died before." in told.warnings
    assert not DeadLetter.objects.exclude(status="parked").exists()
    assert place.depth("orders") == 0


@pytest.mark.broker
@pytest.mark.django_db(transaction=True)
def test_who_listens_is_asked_of_the_broker(place: Place) -> None:
    letter(b"x", vhost=place.vhost)
    nobody = "Nobody consumes from “orders”: they would wait there."

    def warnings() -> list[str]:
        return dryrun.of(selection=all_of(place), to=To()).warnings

    wait_until(lambda: nobody in warnings(), timeout=15, what="the broker to know that nobody listens")
    place.channel.basic_consume("orders", lambda *_args: None)
    wait_until(lambda: nobody not in warnings(), timeout=15, what="the broker to tell of the consumer")


@pytest.mark.broker
@pytest.mark.django_db(transaction=True)
def test_every_queue_that_the_original_exchange_reaches_is_named(place: Place) -> None:
    for number in range(12):
        place.channel.queue_declare(f"audit-{number:02}")
        place.channel.queue_bind(f"audit-{number:02}", "shop", "#")
    letter(b"x", vhost=place.vhost)
    told = dryrun.of(selection=all_of(place), to=To("exchange"))
    assert {queue.name for queue in told.queues} == {"orders", *(f"audit-{n:02}" for n in range(12))}
    assert told.destinations[0].queues == tuple(sorted(queue.name for queue in told.queues))


@pytest.mark.broker
@pytest.mark.django_db(transaction=True)
def test_the_headers_that_do_not_go_with_the_copies_are_told(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    watermill = dict.fromkeys(
        ("reason_poisoned", "topic_poisoned", "handler_poisoned", "subscriber_poisoned"), "x"
    )
    for _ in range(2):
        letter(b"x", vhost=place.vhost, headers={**died(), **watermill, "retry-count": 3})
    letter(b"x", vhost=place.vhost, headers={**died(type="E"), "MT-Reason": "own"})
    letter(b"x", vhost=place.vhost, headers=died())

    def told(**more: Any) -> tuple[list[tuple[str, int, tuple[str, ...]]], int, bool]:
        plan = dryrun.of(selection=all_of(place), to=To(), **more)
        found = [(item.framework, item.letters, item.names) for item in plan.headers]
        return found, plan.headers_read, plan.can_keep

    deaths = ("x-death", "x-first-death-exchange", "x-first-death-queue", "x-first-death-reason")
    rabbitmq = ("rabbitmq", 4, deaths)
    ours = ("mqadmin", 1, ("mqadmin-death-queue", "mqadmin-death-reason", "mqadmin-error-type"))
    assert told() == ([rabbitmq, ours, ("watermill", 2, tuple(sorted(watermill)))], 4, True)
    assert told(keep_headers=True) == ([rabbitmq, ours], 4, False)
    monkeypatch.setattr(leaving, "MOST_READ", 1)
    assert told() == (
        [("rabbitmq", 3, deaths), ours, ("watermill", 1, tuple(sorted(watermill)))],
        3,
        True,
    ), "one of each framework"
