"""Counters by the minute: exact, repeatable after a failed commit, and read back in one query."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consumers.models import ConsumerMinute
from consumers.records import minutes
from consumers.records.minutes import HandledCounts, MinuteCounter
from tests.support.consumers import count, make_consumer, make_process


def test_tally_tells_failures_retries_and_releases_apart() -> None:
    tally = HandledCounts()
    for outcome in ("acked", "acked", "duplicate", "retried", "dead_lettered", "timed_out", "released"):
        tally.add(outcome, 10)

    assert (tally.handled, tally.failed, tally.retried) == (6, 2, 1)
    assert tally.success == pytest.approx(3 / 5)


def test_quantile_is_never_too_low_and_at_most_forty_percent_too_high() -> None:
    tally = HandledCounts()
    for milliseconds in range(1, 1001):
        tally.add("acked", milliseconds)

    found = tally.quantile_ms(0.95)

    assert found is not None
    assert 950 <= found <= 950 * 1.41
    assert HandledCounts().quantile_ms(0.95) is None
    assert HandledCounts().success is None


@pytest.mark.django_db
def test_written_again_after_a_failed_commit_nothing_is_counted_twice() -> None:
    process = make_process(make_consumer())
    counter = MinuteCounter(consumer_id=process.consumer_id, process_id=process.pk)
    for handled in ([(120.0, "acked", 5.0)], [(121.0, "dead_lettered", 5.0), (190.0, "acked", 5.0)]):
        counter.write(counter.count(handled))  # its transaction failed: `keep` never came
        totals = counter.count(handled)
        counter.write(totals)
        counter.keep(totals)

    rows = ConsumerMinute.objects.order_by("minute").values_list("minute", "handled", "failed")
    assert list(rows) == [(2, 2, 1), (3, 1, 0)]


@pytest.mark.django_db
def test_last_hour_adds_up_all_processes_and_leaves_the_rest_out(django_assert_num_queries: Any) -> None:
    consumer, other = make_consumer(replicas=2), make_consumer()
    for process in (make_process(consumer), make_process(consumer)):
        count(process, (0, "acked", 10), (60, "dead_lettered", 10), (3700, "acked", 10))

    with django_assert_num_queries(1):
        hours = minutes.last_hour([consumer.pk, other.pk])

    assert (hours[consumer.pk].total.handled, hours[consumer.pk].total.failed) == (4, 2)
    assert (hours[consumer.pk].handled[-1], hours[consumer.pk].failed[-2]) == (2, 2)
    assert hours[other.pk].total.handled == 0


@pytest.mark.django_db
def test_the_hour_has_sixty_places_for_any_clock() -> None:
    process = make_process(make_consumer())
    now = datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    counter = MinuteCounter(consumer_id=process.consumer_id, process_id=process.pk)
    moments = [now, now - timedelta(minutes=59), now - timedelta(minutes=60)]
    counter.write(counter.count([(moment.timestamp(), "acked", 1) for moment in moments]))

    hour = minutes.last_hour([process.consumer_id], now)[process.consumer_id]

    assert hour.total.handled == 2
    assert (hour.handled[0], hour.handled[-1]) == (1, 1)


def test_a_minute_that_has_only_begun_does_not_look_like_a_fall() -> None:
    assert minutes.points([5, 5, 1]) == [5, 5]
    assert minutes.points([5, 5, 7]) == [5, 5, 7]
