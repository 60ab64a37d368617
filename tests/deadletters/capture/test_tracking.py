from __future__ import annotations

import threading
from typing import Any

import pytest
from django.utils import timezone

from consumers.models import Consumer, ConsumerProcess
from consumers.process import collectors, definition_spec
from mqadmin.core import brokers
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.deadletters.capture import tracking
from mqadmin.deadletters.models import TrackedQueue
from mqadmin.queues.models import Queue
from mqadmin.rabbit.config import BrokerConfig
from tests.deadletters.conftest import Place, in_thread_database
from tests.deadletters.listeners import Listener
from tests.support import amqp
from tests.support.consumers import make_consumer
from tests.support.waiting import patient, wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


def test_tracking_starts_a_collector_and_untracking_stops_it(place: Place, by: Actor) -> None:
    queue = place.row()
    assert list(tracking.untracked("default")) == [queue]
    tracked = tracking.track(queue=queue, by=by)
    collector = Consumer.objects.get()
    assert tracked.consumer == collector
    assert (collector.name, collector.handler, collector.desired) == (
        "collect-dlx-orders",
        "collect",
        "running",
    )
    assert (collector.is_collector, collector.exclusive, collector.replicas) == (True, True, 1)
    assert (collector.records, collector.vhost, collector.queue) == ("off", place.vhost, "dlx.orders")
    queue.refresh_from_db()
    assert queue.tracked
    assert not tracking.untracked("default").exists()
    with pytest.raises(Refusal, match="tracked already"):
        tracking.track(queue=queue, by=by)

    tracking.untrack(queue=queue, by=by)
    collector.refresh_from_db()
    queue.refresh_from_db()
    assert (collector.desired, queue.tracked) == ("stopped", False)
    with pytest.raises(Refusal, match="not tracked"):
        tracking.untrack(queue=queue, by=by)

    assert tracking.track(queue=queue, by=by).consumer == collector
    collector.refresh_from_db()
    assert collector.desired == "running"


def test_two_clicks_one_collector(place: Place, by: Actor) -> None:
    queue = place.row()
    barrier = threading.Barrier(2)
    results: list[str] = []

    def click() -> None:
        with in_thread_database():
            barrier.wait()
            try:
                tracking.track(queue=Queue.objects.get(pk=queue.pk), by=by)
                results.append("tracked")
            except Refusal as refusal:
                results.append(refusal.code)

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patient(30))
    assert sorted(results) == ["already_tracked", "tracked"]
    assert Consumer.objects.count() == TrackedQueue.objects.count() == 1


def test_queues_of_the_same_name_get_collectors_of_different_names(place: Place, by: Actor) -> None:
    place.channel.queue_declare("DLX orders")
    one = tracking.track(queue=place.row(), by=by).consumer
    two = tracking.track(queue=place.row("DLX orders"), by=by).consumer
    assert one is not None
    assert two is not None
    assert one.name != two.name


def test_a_queue_whose_name_is_no_slug(place: Place, by: Actor) -> None:
    name = "死信 / <script>"
    place.channel.queue_declare(name)
    collector = tracking.track(queue=place.row(name), by=by).consumer
    assert collector is not None
    assert collector.queue == name


def test_a_tracking_that_was_cut_off_can_be_done_again(place: Place, by: Actor) -> None:
    queue = place.row()
    address = {"broker": "default", "vhost": place.vhost, "queue": "dlx.orders"}
    tracked = TrackedQueue.objects.create(**address, tracked_by="bob")
    with pytest.raises(Refusal, match="tracked already"):
        tracking.track(queue=queue, by=by)
    TrackedQueue.objects.update(tracked_at=tracked.tracked_at - tracking.ABANDONED_AFTER * 2)
    assert tracking.track(queue=queue, by=by).consumer is not None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"type": "stream"}, "stream"),
        ({"is_delay": True}, "delay queue"),
        ({"exclusive": True}, "one connection"),
        ({"auto_delete": True}, "deletes itself"),
        ({"name": "mqadmin.delay.1000"}, "mqadmin itself"),
        ({"name": "missing"}, "no such queue"),
    ],
)
def test_what_cannot_be_tracked(place: Place, by: Actor, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        tracking.track(queue=place.row(**fields), by=by)
    assert not Consumer.objects.exists()
    assert not TrackedQueue.objects.exists()


def test_a_queue_that_somebody_consumes_from_is_tracked_only_by_force(place: Place, by: Actor) -> None:
    queue = place.row(total=3, consumers=1)
    assert not tracking.untracked("default").exists()
    with Listener(place, "dlx.orders"):
        wait_until(
            lambda: tracking._consumers(tracking._detail(queue)) == 1, 20, what="a consumer that is counted"
        )
        with pytest.raises(Refusal, match="1 consumer works on this queue") as refusal:
            tracking.track(queue=queue, by=by)
        assert refusal.value.code == "consumed"
        assert not Consumer.objects.exists()
        assert tracking.track(queue=queue, by=by, force=True).consumer is not None
    entries = AuditEntry.objects.filter(action="dead_letters.track").order_by("pk")
    assert [(entry.outcome, entry.detail) for entry in entries] == [
        ("refused", {}),
        ("done", {"force": True}),
    ]
    assert tracking.consumed(queue, 1) == ""  # it is the collector


def test_a_collector_that_was_just_stopped_is_nobody_else(place: Place, by: Actor) -> None:
    queue = place.row()
    collector = tracking.track(queue=queue, by=by).consumer
    tracking.untrack(queue=queue, by=by)
    process = ConsumerProcess.objects.create(
        consumer=collector, replica=0, host="h", pid=1, state_since=timezone.now()
    )
    assert tracking.consumed(queue, 1) == ""
    assert "1 consumer" in tracking.consumed(queue, 2)
    process.ended_at = timezone.now() - tracking.STATISTICS * 2
    process.save()
    assert "1 consumer" in tracking.consumed(queue, 1)


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_of_a_queue_with_a_single_active_consumer(
    place: Place, by: Actor, broker_config: BrokerConfig, kind: str
) -> None:
    arguments = {"x-queue-type": kind, "x-single-active-consumer": True}
    place.channel.queue_declare("single", durable=True, arguments=arguments)
    queue = place.row("single")
    details = brokers.client("default")
    with amqp.channel(broker_config, place.vhost) as other:
        other.basic_consume("single", lambda *_args: None, consumer_tag="the-only-one")
        # The name of its connection is counted apart, and may come later.
        wait_until(
            lambda: any(item.connection for item in details.queue(place.vhost, "single").consumer_details), 20
        )
        with pytest.raises(Refusal, match="“the-only-one” on connection") as refusal:
            tracking.track(queue=queue, by=by, force=True)  # it would get nothing
        assert refusal.value.code == "held"
        spec = definition_spec.spec(make_consumer(vhost=place.vhost, queue="single"))
        assert "“the-only-one”" in collectors.limits(spec).held, (
            "and its collector says it, should it come later"
        )
    wait_until(lambda: not tracking._consumers(tracking._detail(queue)), 20)
    collector = tracking.track(queue=queue, by=by).consumer
    assert collector is not None
    # A classic queue refuses a consumer that would be exclusive, and RabbitMQ sees to it that no other is active.
    assert (collector.exclusive, collector.single) == (False, True)
