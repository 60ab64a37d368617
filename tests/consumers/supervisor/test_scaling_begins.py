"""Autoscaling switched on for a consumer that runs: it starts from what there is."""

from __future__ import annotations

import pytest

from consumers.models import Consumer, ConsumerProcess
from tests.consumers.supervisor.conftest import SteppedSupervisor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


def held(consumer: Consumer) -> list[int]:
    rows = ConsumerProcess.objects.filter(consumer=consumer, ended_at=None)
    return sorted(rows.values_list("pk", flat=True))


def set_to(consumer: Consumer, **fields: int) -> None:
    Consumer.objects.filter(pk=consumer.pk).update(**fields)


@pytest.mark.parametrize(
    ("least", "most", "then"),
    [(1, 8, 3), (1, 2, 2), (4, 8, 4)],
    ids=["as many as run", "at most the most", "at least the least"],
)
def test_it_begins_with_what_runs(stepped: SteppedSupervisor, least: int, most: int, then: int) -> None:
    consumer = stepped.define("calm-scaled", replicas=3)
    for replica in range(3):
        stepped.ready(consumer, replica)
    before = held(consumer)
    set_to(consumer, autoscale_min=least, autoscale_max=most)
    stepped.until(lambda: len(held(consumer)) == then)
    for _ in range(3):
        stepped.supervisor.step()
    consumer.refresh_from_db()
    assert (consumer.autoscaled, consumer.target, len(held(consumer))) == (then, then, then)
    kept = min(3, then)
    assert held(consumer)[:kept] == before[:kept], "who runs goes on"


def test_what_it_decided_is_forgotten_while_it_is_off(stepped: SteppedSupervisor) -> None:
    consumer = stepped.define("calm-again", replicas=2, autoscale_max=8, autoscaled=1)
    stepped.ready(consumer)
    set_to(consumer, autoscale_max=0)
    stepped.ready(consumer, 1)
    consumer.refresh_from_db()
    assert consumer.target == 2
    set_to(consumer, autoscale_max=8)
    stepped.supervisor.step()
    consumer.refresh_from_db()
    assert (consumer.autoscaled, consumer.target) == (2, 2)


def test_one_that_does_not_run_begins_with_the_least(stepped: SteppedSupervisor) -> None:
    consumer = stepped.define("calm-new", replicas=5, autoscale_min=2, autoscale_max=8)
    stepped.until(lambda: len(held(consumer)) == 2)
    stepped.supervisor.step()
    consumer.refresh_from_db()
    assert (consumer.target, len(held(consumer))) == (2, 2)
