"""Autoscaling with its rows: what it reads and writes, who may decide, and what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess, ScalePoint
from consumers.scaling import autoscaler
from consumers.scaling.autoscaler import Autoscaler, Step
from consumers.scaling.replica_count import Decision
from mqadmin.core.acts import leases
from mqadmin.core.models import Lease
from mqadmin.queues.models import Broker, Queue
from tests.support.consumers import make_consumer, make_process

pytestmark = pytest.mark.django_db

NOW = timezone.now()
SPACE = "\u00a0"


@pytest.fixture
def broker() -> Broker:
    return Broker.objects.create(slug="default", sampled_at=NOW)


def make_queue(broker: Broker, name: str, **fields: Any) -> Queue:
    values = {"ready": 0, "unacked": 0, "publish_rate": 0.0, **fields}
    return Queue.objects.create(broker=broker, vhost="/", name=name, **values)


def make_autoscaled(queue: str = "orders", **fields: Any) -> Consumer:
    return make_consumer(queue=queue, desired="running", **{"autoscale_max": 8, **fields})


def make_running(consumer: Consumer, count: int, rate: float) -> None:
    for _n in range(count):
        make_process(consumer, rate=rate)


def look(
    scaler: Autoscaler,
    seconds: float,
    start: datetime = NOW,
    each: Callable[[datetime], Any] = lambda _now: None,
) -> list[Step]:
    """Let it look every five seconds for `seconds`, at samples and processes that are fresh each time."""
    steps: list[Step] = []
    for n in range(int(seconds // 5) + 1):
        now = start + timedelta(seconds=5 * n)
        Broker.objects.update(sampled_at=now)
        ConsumerProcess.objects.filter(ended_at=None).update(heartbeat_at=now)
        each(now)
        steps = scaler.step(now)
    return steps


def test_it_grows_and_says_why(broker: Broker) -> None:
    consumer = make_autoscaled()
    make_queue(broker, "orders", ready=12_000, unacked=10, publish_rate=60.0)
    make_running(consumer, 1, rate=50.0)
    look(Autoscaler("a"), 20)
    consumer.refresh_from_db()
    assert (consumer.autoscaled, consumer.target) == (2, 2)
    event = ConsumerEvent.objects.get(consumer=consumer)
    assert event.kind == "scaled"
    expected = f"Scaled from 1 to 2: 12{SPACE}000 waiting, 60/s arriving, 50/s each; empty in about 5 min"
    assert event.text == expected
    numbers = json.loads(event.detail)
    assert (numbers["before"], numbers["replicas"], numbers["reason"]) == (1, 2, "up")
    assert (numbers["backlog"], numbers["arriving"], numbers["per_replica"]) == (12_000, 60.0, 50.0)
    assert (numbers["empty_in"], numbers["will_empty_in"]) == (None, 300.0)


def test_a_page_was_not_changed_by_it(broker: Broker) -> None:
    """What a person wrote, and when, stays: only the number is written."""
    consumer = make_autoscaled(replicas=3)
    make_queue(broker, "orders", ready=12_000, publish_rate=60.0)
    make_running(consumer, 1, rate=50.0)
    before: dict[str, Any] = dict(Consumer.objects.values().get())
    look(Autoscaler("a"), 20)
    after: dict[str, Any] = dict(Consumer.objects.values().get())
    assert {name for name in before if before[name] != after[name]} == {"autoscaled"}


def test_points_are_written_every_half_minute_and_at_each_change(broker: Broker) -> None:
    consumer = make_autoscaled()
    make_queue(broker, "orders", ready=12_000, publish_rate=60.0)
    make_running(consumer, 1, rate=50.0)
    look(Autoscaler("a"), 60)  # it does not get its second process, so it stays at two
    points = list(ScalePoint.objects.filter(consumer=consumer).order_by("at"))
    assert [(round((p.at - NOW).total_seconds()), p.replicas) for p in points] == [(0, 1), (15, 2), (45, 2)]
    assert (points[1].backlog, points[1].arriving, points[1].handling) == (12_000, 60.0, 50.0)


@pytest.mark.parametrize(
    "why",
    [
        pytest.param({"desired": "stopped"}, id="stopped"),
        pytest.param({"desired": "paused"}, id="paused"),
        pytest.param({"autoscale_max": 0}, id="autoscaling is off"),
        pytest.param({"schedule": "not 2000-01-01..2999-12-31"}, id="outside of its hours"),
        pytest.param({"vhost": "other"}, id="no such queue"),
        pytest.param({"broker": "other"}, id="no such broker"),
    ],
)
def test_what_it_leaves_alone(broker: Broker, why: dict[str, Any]) -> None:
    consumer = make_autoscaled()
    Consumer.objects.update(**why)
    make_queue(broker, "orders", ready=12_000, publish_rate=60.0)
    make_running(consumer, 1, rate=50.0)
    look(Autoscaler("a"), 30)
    consumer.refresh_from_db()
    assert consumer.autoscaled is None
    assert not ConsumerEvent.objects.exists()
    assert not ScalePoint.objects.exists()


@pytest.mark.parametrize(
    "gone",
    [
        pytest.param(
            lambda now: Broker.objects.update(sampled_at=now - timedelta(seconds=31)), id="a stale sample"
        ),
        pytest.param(lambda now: Broker.objects.update(sampled_at=None), id="never sampled"),
        pytest.param(lambda now: Queue.objects.update(gone_at=now), id="the queue is gone"),
        pytest.param(lambda now: Queue.objects.update(ready=None), id="the broker does not know"),
    ],
)
def test_without_fresh_numbers_nothing_changes(broker: Broker, gone: Callable[[datetime], Any]) -> None:
    consumer = make_autoscaled(autoscaled=4)
    make_queue(broker, "orders", ready=12_000, publish_rate=60.0)
    make_running(consumer, 4, rate=5.0)
    steps = look(Autoscaler("a"), 180, each=gone)
    assert [(step.decision.reason, step.decision.replicas) for step in steps] == [("stale", 4)]
    assert not ScalePoint.objects.exists()


def test_silent_processes_do_not_count(broker: Broker) -> None:
    consumer = make_autoscaled(autoscaled=4)
    make_queue(broker, "orders", ready=12_000, publish_rate=60.0)
    make_running(consumer, 3, rate=50.0)
    make_process(consumer, rate=50.0, state="starting")
    make_process(consumer, rate=50.0, ended_at=NOW)
    quiet = make_process(consumer, rate=50.0).pk

    def silence(now: datetime) -> None:
        ConsumerProcess.objects.filter(pk=quiet).update(heartbeat_at=now - timedelta(seconds=16))

    [step] = look(Autoscaler("a"), 0, each=silence)
    assert step.decision.handling == 150.0


def test_only_the_holder_of_the_lease_decides(broker: Broker) -> None:
    consumer = make_autoscaled()
    make_queue(broker, "orders", ready=12_000, publish_rate=60.0)
    make_running(consumer, 1, rate=50.0)
    first, second = Autoscaler("a"), Autoscaler("b")
    assert look(first, 0)
    assert look(second, 60) == []
    assert not ConsumerEvent.objects.exists()
    first.resign()
    assert look(second, 0)
    assert Lease.objects.get().holder == "b"


def test_who_lost_the_lease_forgets_what_it_saw(broker: Broker) -> None:
    """What it remembers is of another time: the one who decides again learns again before it changes anything."""
    consumer = make_autoscaled()
    make_queue(broker, "orders", ready=12_000, publish_rate=60.0)
    make_running(consumer, 1, rate=50.0)
    scaler = Autoscaler("a")
    look(scaler, 10)
    Lease.objects.update(holder="b")
    assert look(scaler, 0, NOW + timedelta(seconds=15)) == []
    leases.release(autoscaler.LEASE, "b")
    [step] = look(scaler, 0, NOW + timedelta(seconds=20))
    assert (step.decision.reason, step.decision.per_replica) == ("cooling", None)
    [step] = look(scaler, 15, NOW + timedelta(seconds=25))
    assert step.decision.replicas == 2


@pytest.mark.parametrize(
    "meanwhile", [{"autoscale_max": 1}, {"autoscale_min": 0}, {"desired": "paused"}, {"autoscaled": 5}]
)
def test_whoever_changes_the_definition_meanwhile_wins(broker: Broker, meanwhile: dict[str, Any]) -> None:
    consumer = make_autoscaled()
    [row] = autoscaler._autoscaled()
    Consumer.objects.update(**meanwhile)
    Autoscaler("a")._write([Step(row, 1, Decision(2, True, "up", 12_000))], NOW)
    consumer.refresh_from_db()
    assert consumer.autoscaled == meanwhile.get("autoscaled")
    assert not ConsumerEvent.objects.exists()
    assert not ScalePoint.objects.exists()


def test_changed_bounds_are_written_at_once(broker: Broker) -> None:
    """Else a larger maximum, later, would bring back a number that nobody decided now."""
    consumer = make_autoscaled(autoscaled=8)
    Consumer.objects.update(autoscale_max=3)
    make_queue(broker, "orders")
    look(Autoscaler("a"), 0)
    consumer.refresh_from_db()
    assert consumer.autoscaled == 3
    assert ConsumerEvent.objects.get().text == "Scaled from 8 to 3, as its bounds say"


def test_why_it_does_not_scale_is_told_once(broker: Broker) -> None:
    consumer = make_autoscaled(autoscale_max=2, autoscaled=2)
    make_queue(broker, "orders", ready=120_000, publish_rate=600.0)
    make_running(consumer, 2, rate=50.0)
    look(Autoscaler("a"), 300)
    event = ConsumerEvent.objects.get()
    assert event.kind == "not_scaled"
    assert event.text.startswith("Not scaled above 2, the most it may have")


def test_as_many_queries_for_fifty_as_for_one(broker: Broker, django_assert_num_queries: Any) -> None:
    scaler = Autoscaler("a")

    def add(count: int) -> None:
        for _n in range(count):
            queue = f"q-{Queue.objects.count()}"
            make_queue(broker, queue, ready=5, publish_rate=10.0)
            make_running(make_autoscaled(queue), 2, rate=5.0)

    add(1)
    look(scaler, 0)
    with django_assert_num_queries(4):  # consumers, lease, queues, processes
        scaler.step(NOW + timedelta(seconds=5))
    add(49)
    look(scaler, 0, NOW + timedelta(seconds=10))
    with django_assert_num_queries(4):
        assert len(scaler.step(NOW + timedelta(seconds=15))) == 50
    later = NOW + timedelta(seconds=40)
    Broker.objects.update(sampled_at=later)
    with django_assert_num_queries(7):  # and all points in one, in a transaction
        scaler.step(later)
    assert ScalePoint.objects.filter(at=later).count() == 50


def test_without_autoscaled_consumers_it_costs_one_query(django_assert_num_queries: Any) -> None:
    make_consumer(desired="running")
    with django_assert_num_queries(1):
        assert Autoscaler("a").step(NOW) == []


def test_old_points() -> None:
    consumer = make_consumer()
    for hours in (47, 49):
        ScalePoint.objects.create(consumer=consumer, at=NOW - timedelta(hours=hours), replicas=1, backlog=0)
    assert [point.at for point in autoscaler.old_points(NOW)] == [NOW - timedelta(hours=49)]


@pytest.mark.parametrize(
    ("before", "decision", "words"),
    [
        (
            2,
            Decision(4, True, "up", 12_000, 150.0, 100.0, 50.0, 4, True),
            f"Scaled from 2 to 4: 12{SPACE}000 waiting, 150/s arriving, 50/s each; empty in about 4 min",
        ),
        (
            2,
            Decision(4, True, "up", 90, 300.0, 100.0, 50.0, 9, True),
            "Scaled from 2 to 4: 90 waiting, 300/s arriving, 50/s each; it does not get emptier yet",
        ),
        (
            1,
            Decision(2, True, "probing", 90, None, 0.0, None, None),
            "Scaled from 1 to 2, to see what one more handles: 90 waiting, 0/s handled",
        ),
        (
            4,
            Decision(3, True, "down", 0, 20.0, 20.0, 50.0, 1, True),
            "Scaled from 4 to 3, as fewer have been enough: 0 waiting, 20/s arriving, 50/s each",
        ),
        (
            4,
            Decision(3, True, "down", 0, 20.0, 20.0, 5.0, 1),
            "Scaled from 4 to 3, as fewer have been enough: 0 waiting, 20/s arriving, at least 5/s each",
        ),
        (
            7,
            Decision(7, False, "limited", 5000, 300.0, 100.0, 14.3, 40, True),
            "Not scaled above 7: more did not help, the bottleneck is elsewhere: "
            "5\u00a0000 waiting, 300/s arriving, 14.3/s each; it does not get emptier yet",
        ),
        (
            2,
            Decision(2, False, "stuck", 500, 20.0, 0.0),
            "Not scaled above 2: 500 waiting and none is handled",
        ),
        (
            8,
            Decision(8, False, "most", 500, 20.0, 40.0, 5.0, 12, True),
            "Not scaled above 8, the most it may have; it takes 12: "
            "500 waiting, 20/s arriving, 5/s each; empty in about 25 seconds",
        ),
    ],
)
def test_sentences(before: int, decision: Decision, words: str) -> None:
    assert autoscaler.sentence(Step(Consumer(name="c"), before, decision)) == words


def test_that_no_numbers_come_is_told_once_and_not_at_once(broker: Broker) -> None:
    consumer = make_autoscaled()
    make_queue(broker, "orders", ready=12_000, publish_rate=60.0)
    make_running(consumer, 1, rate=50.0)
    scaler = Autoscaler("a")
    told = ConsumerEvent.objects.filter(kind="not_scaled", text__contains="no numbers have come lately")
    for seconds in range(0, 145, 5):
        scaler.step(NOW + timedelta(seconds=seconds))  # the sample is that of NOW all the time
    assert not told.exists()
    for seconds in range(145, 600, 5):
        scaler.step(NOW + timedelta(seconds=seconds))
    assert told.count() == 1
    assert not ScalePoint.objects.filter(at__gt=NOW + timedelta(seconds=60)).exists()
