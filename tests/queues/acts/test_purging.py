"""The worker's side of a purge: counted, done once."""

from __future__ import annotations

import pytest

from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.queues.acts import purging
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.config import BrokerConfig
from tests.queues.conftest import make_queue
from tests.support import amqp
from tests.support.management import Management

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
BY = Actor("ann")


@pytest.fixture
def work(broker: Broker, management: Management, vhost: str, broker_config: BrokerConfig) -> Queue:
    """A queue with six messages."""
    brokers.forget()
    management.declare_queue(vhost, "work")
    amqp.publish(broker_config, vhost, "work", [b"x"] * 6)
    return make_queue(broker, "work", vhost)


def test_a_purge_drops_what_is_ready_and_counts_it(work: Queue, broker_config: BrokerConfig) -> None:
    operation = purging.purge(queue=work, by=BY, expect=6)
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.done, operation.total) == (Operation.Status.DONE, 6, 6)
    assert amqp.depth(broker_config, work.vhost, "work") == 0


def test_a_purge_is_not_done_twice_after_a_crash(work: Queue, broker_config: BrokerConfig) -> None:
    operation = purging.purge(queue=work, by=BY)
    # The worker was killed after it had begun.
    Operation.objects.filter(pk=operation.pk).update(
        status=Operation.Status.RUNNING, params={**operation.params, "cursor": {"begun": True}}
    )
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.done, operation.failed) == (0, 1)
    assert "not done a second time" in operation.problems.get().reason
    assert amqp.depth(broker_config, work.vhost, "work") == 6


def test_a_queue_that_vanished_fails_the_operation(work: Queue, management: Management) -> None:
    operation = purging.purge(queue=work, by=BY)
    management.delete_queue(work.vhost, "work")
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert operation.status == Operation.Status.FAILED
    assert "work" in operation.error


@pytest.mark.parametrize("expect", [0, 5, 7, 600])
def test_another_count_than_expected_is_refused(work: Queue, expect: int) -> None:
    with pytest.raises(Refusal) as caught:
        purging.purge(queue=work, by=BY, expect=expect)
    assert (caught.value.status, caught.value.code) == (409, "changed")


def test_a_queue_in_use_may_be_off_by_the_tolerance(work: Queue) -> None:
    assert purging.purge(queue=work, by=BY, expect=5, tolerance=0.2).total == 6
    with pytest.raises(Refusal):
        purging.purge(queue=work, by=BY, expect=4, tolerance=0.2)


def test_a_stream_cannot_be_purged(broker: Broker) -> None:
    stream = make_queue(broker, "log", type="stream")
    with pytest.raises(Refusal, match="stream"):
        purging.purge(queue=stream, by=BY)
