"""What people do to consumers: start, stop, pause, scale, restart, redeliver, delete; of two at once one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from consumers.definitions import definitions
from consumers.definitions.definitions import Conflict, Invalid
from consumers.models import Consumer, ConsumerProcess
from consumers.status import summary
from consumers.views import buttons
from tests.consumers.conftest import BY
from tests.consumers.definitions.test_definitions import define, last_audit
from tests.support.consumers import make_consumer, make_process

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("before", "act", "after"),
    [
        ("stopped", definitions.start, "running"),
        ("paused", definitions.start, "running"),
        ("running", definitions.pause, "paused"),
        ("paused", definitions.resume, "running"),
        ("running", definitions.stop, "stopped"),
        ("paused", definitions.stop, "stopped"),
    ],
)
def test_acts_change_what_is_desired(before: str, act: Callable[..., Any], after: str) -> None:
    consumer = make_consumer(desired=before)

    act(consumer=consumer, by=BY)

    consumer.refresh_from_db()
    assert (consumer.desired, consumer.desired_by, consumer.revision) == (after, "anna", 1)
    assert consumer.events.get().text.startswith("anna asked to")
    assert last_audit().outcome == "done"


@pytest.mark.parametrize(
    ("before", "act"),
    [
        ("running", definitions.start),
        ("stopped", definitions.pause),
        ("paused", definitions.pause),
        ("stopped", definitions.resume),
        ("running", definitions.resume),
        ("stopped", definitions.stop),
        ("stopped", definitions.restart),
    ],
)
def test_acts_refuse_the_wrong_state(before: str, act: Callable[..., Any]) -> None:
    consumer = make_consumer(desired=before)

    with pytest.raises(Conflict):
        act(consumer=consumer, by=BY)

    assert Consumer.objects.get(pk=consumer.pk).desired == before
    assert last_audit().outcome == "refused"


@pytest.mark.parametrize(
    ("before", "act"),
    [
        ("stopped", definitions.start),
        ("running", definitions.stop),
        ("running", definitions.pause),
        ("paused", definitions.resume),
        ("running", definitions.restart),
    ],
)
def test_of_two_at_once_one_wins(before: str, act: Callable[..., Any]) -> None:
    first = make_consumer(desired=before)
    second = Consumer.objects.get(pk=first.pk)

    act(consumer=first, by=BY)
    with pytest.raises(Conflict):
        act(consumer=second, by=BY)

    assert Consumer.objects.get(pk=first.pk).nudge == first.nudge


def test_resume_does_not_restart_anything() -> None:
    consumer = make_consumer(desired="paused", nudge=4)
    definitions.resume(consumer=consumer, by=BY)
    assert consumer.nudge == 4


def test_start_now_makes_only_what_is_down_due() -> None:
    consumer = make_consumer(desired="running", replicas=3)
    running = make_process(consumer)
    failed = make_process(consumer, state="failed", crashes=6, early_deaths=6)
    later = timezone.now() + timedelta(minutes=5)
    held = make_process(consumer, state="backoff", crashes=3, next_start_at=later)

    definitions.start(consumer=consumer, by=BY)

    for row in (failed, held):
        row.refresh_from_db()
        assert (row.state, row.crashes, row.early_deaths) == ("backoff", 0, 0)
        assert row.next_start_at is not None
        assert row.next_start_at <= timezone.now()
    running.refresh_from_db()
    assert running.state == "running"
    assert consumer.nudge == 0
    with pytest.raises(Conflict):
        definitions.start(consumer=Consumer.objects.get(pk=consumer.pk), by=BY)


def test_restart_nudges_one_after_another_unless_told_otherwise() -> None:
    consumer = make_consumer(desired="running")
    definitions.restart(consumer=consumer, by=BY)
    assert (consumer.nudge, consumer.revision, consumer.rolling) == (1, 1, True)
    definitions.restart(consumer=consumer, by=BY, rolling=False)
    assert (consumer.nudge, consumer.rolling) == (2, False)


def test_a_start_replaces_nothing_one_by_one() -> None:
    consumer = make_consumer(desired="stopped", rolling=True, nudge=3)
    definitions.start(consumer=consumer, by=BY)
    assert (consumer.nudge, consumer.rolling) == (4, False)


@pytest.mark.parametrize(
    "change",
    [
        {"single": True},
        {"placement": "zone=a, gpu"},
        {"schedule": "mon-fri 08:00-18:00"},
        {"memory_limit_mb": 512},
        {"autoscale_max": 8, "autoscale_min": 2, "autoscale_seconds": 60.0},
    ],
)
def test_what_supervisors_read_needs_no_restart_but_is_overtaken_all_the_same(change: dict[str, Any]) -> None:
    consumer = define()
    late = Consumer.objects.get(pk=consumer.pk)

    definitions.update(consumer=consumer, by=BY, **change)

    assert {name: getattr(consumer, name) for name in change} == change
    assert consumer.revision == 1
    with pytest.raises(Conflict):
        definitions.update(consumer=late, by=BY, concurrency=2)


def test_scale_leaves_the_number_to_autoscaling() -> None:
    consumer = define(autoscale_max=4)
    with pytest.raises(Conflict) as refused:
        definitions.scale(consumer=consumer, by=BY, replicas=3)
    assert refused.value.code == "autoscaled"
    assert Consumer.objects.get(pk=consumer.pk).replicas == 1


def test_stop_again_kills_what_still_runs() -> None:
    consumer = make_consumer(desired="running")
    process = make_process(consumer)
    definitions.stop(consumer=consumer, by=BY)
    process.refresh_from_db()
    assert process.kill_requested_at is None

    definitions.stop(consumer=consumer, by=BY)

    process.refresh_from_db()
    assert process.kill_requested_at is not None
    assert (last_audit().action, last_audit().count) == ("consumer.kill", 1)
    with pytest.raises(Conflict):
        definitions.stop(consumer=consumer, by=BY)


def test_of_two_who_stop_what_they_see_running_the_second_does_not_kill() -> None:
    consumer = make_consumer(desired="running")
    process = make_process(consumer)
    definitions.stop(consumer=consumer, by=BY, only_running=True)

    with pytest.raises(Conflict, match="anna was faster"):
        definitions.stop(consumer=Consumer.objects.get(), by=BY, only_running=True)

    process.refresh_from_db()
    assert process.kill_requested_at is None
    assert (last_audit().action, last_audit().outcome) == ("consumer.stop", "refused")


def test_kill_one_process_leaves_the_others() -> None:
    consumer = make_consumer(desired="running", replicas=2)
    one, other = make_process(consumer), make_process(consumer)

    assert definitions.kill(consumer=consumer, by=BY, process=one) == 1

    assert ConsumerProcess.objects.get(pk=one.pk).kill_requested_at is not None
    assert ConsumerProcess.objects.get(pk=other.pk).kill_requested_at is None


def test_delete_takes_a_stopped_consumer_with_its_rows() -> None:
    consumer = make_consumer()
    make_process(consumer, state="stopped", ended_at=timezone.now())

    definitions.delete(consumer=consumer, by=BY)

    assert not Consumer.objects.exists()
    assert last_audit().target == consumer.name


@pytest.mark.parametrize("desired", ["running", "paused"])
def test_delete_refuses_what_is_told_to_run(desired: str) -> None:
    with pytest.raises(Conflict, match="Stop it first"):
        definitions.delete(consumer=make_consumer(desired=desired), by=BY)


def test_delete_refuses_while_processes_live() -> None:
    consumer = make_consumer()
    make_process(consumer, state="draining")
    with pytest.raises(Conflict, match="1 process still runs"):
        definitions.delete(consumer=consumer, by=BY)


def test_a_process_nobody_watches_counts_as_long_as_it_reports() -> None:
    consumer = make_consumer()
    silent = timezone.now() - timedelta(minutes=5)
    process = make_process(consumer, supervisor="", heartbeat_at=timezone.now())
    with pytest.raises(Conflict):
        definitions.delete(consumer=consumer, by=BY)

    ConsumerProcess.objects.filter(pk=process.pk).update(heartbeat_at=silent, started_at=silent)
    definitions.delete(consumer=consumer, by=BY)


def test_a_process_of_a_host_that_is_gone_for_good_counts_no_more() -> None:
    """Where no supervisor is left nobody closes its row."""
    consumer = make_consumer()
    silent = timezone.now() - timedelta(minutes=5)
    signs: dict[str, Any] = {"heartbeat_at": silent, "started_at": silent}
    process = make_process(consumer, lease_until=timezone.now() + timedelta(seconds=10), **signs)
    with pytest.raises(Conflict, match="1 process still runs"):
        definitions.delete(consumer=consumer, by=BY)  # it is stuck, but its supervisor renews its lease
    assert buttons.more(summary.summary(consumer))[-1].disabled == "Stop it first."

    ConsumerProcess.objects.filter(pk=process.pk).update(lease_until=silent)
    assert buttons.more(summary.summary(consumer))[-1].disabled == ""
    definitions.delete(consumer=consumer, by=BY)


def test_delete_loses_against_a_start() -> None:
    mine = make_consumer()
    definitions.start(consumer=Consumer.objects.get(pk=mine.pk), by=BY)

    with pytest.raises(Conflict):
        definitions.delete(consumer=mine, by=BY)

    assert Consumer.objects.filter(pk=mine.pk).exists()


def test_scale_is_compare_and_set_and_checked() -> None:
    mine = make_consumer()
    theirs = Consumer.objects.get(pk=mine.pk)
    definitions.scale(consumer=theirs, by=BY, replicas=4)

    with pytest.raises(Conflict):
        definitions.scale(consumer=mine, by=BY, replicas=2)
    with pytest.raises(Invalid):
        definitions.scale(consumer=theirs, by=BY, replicas=0)

    assert (Consumer.objects.get(pk=mine.pk).replicas, theirs.revision) == (4, 1)


@pytest.mark.parametrize("desired", ["running", "paused"])
def test_redeliver_asks_once_and_tells(desired: str) -> None:
    consumer = make_consumer(desired=desired)

    definitions.redeliver(consumer=consumer, by=BY)

    consumer.refresh_from_db()
    assert (consumer.redelivers, consumer.revision, consumer.nudge) == (1, 1, 0)
    assert consumer.events.get().text == "anna asked for what is in hand to be delivered again"
    assert (last_audit().action, last_audit().outcome) == ("consumer.redeliver", "done")


def test_redeliver_of_a_stopped_one_is_refused() -> None:
    with pytest.raises(Conflict):
        definitions.redeliver(consumer=make_consumer(), by=BY)
    assert (last_audit().action, last_audit().outcome) == ("consumer.redeliver", "refused")


def test_two_who_redeliver_at_once_do_it_once() -> None:
    mine = make_consumer(desired="running")
    theirs = Consumer.objects.get(pk=mine.pk)
    definitions.redeliver(consumer=theirs, by=BY)

    with pytest.raises(Conflict):
        definitions.redeliver(consumer=mine, by=BY)

    assert Consumer.objects.get().redelivers == 1
