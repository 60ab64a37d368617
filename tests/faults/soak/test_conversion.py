"""A long classic queue becomes a quorum queue while its workers are killed: nothing is lost, the order stays."""

from __future__ import annotations

import os

import pytest

from mqadmin.administration.converting import acting
from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.models import Operation
from mqadmin.queues.acts import declaring
from mqadmin.rabbit import amqp as rabbit_amqp
from tests.faults.soak.sizes import IN_FULL, TIMEOUT
from tests.support import amqp
from tests.support.management import Management
from tests.support.processes import killed_at
from tests.support.waiting import patient

COUNT = int(os.environ.get("CONVERTED", "50000"))
ANN = Actor("ann")
# What a worker dies of, one after the other: in the midst of each move, and when the queue is gone.
MOMENTS = (
    ("mqadmin.rabbit.publishing.mover:Mover._ack", "before", 9),
    ("mqadmin.rabbit.publishing.mover:Mover._ack", "after", 20),
    ("pika.adapters.blocking_connection:BlockingChannel.queue_delete", "after", 1),
    ("mqadmin.rabbit.publishing.mover:Mover._ack", "before", 9),
    ("mqadmin.administration.converting.steps:delete_temporary", "before", 1),
)

pytestmark = [
    IN_FULL,
    pytest.mark.broker,
    pytest.mark.processes,
    pytest.mark.timeout(TIMEOUT),
    pytest.mark.django_db(transaction=True),
]


def test_a_long_queue_is_converted(
    management: Management, vhost: str, process_environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    brokers.forget()
    queue = declaring.declare(broker="default", by=ANN, vhost=vhost, name="orders", type="classic")
    bodies = [b"%d" % number for number in range(COUNT)]
    amqp.publish(brokers.config("default"), vhost, "orders", bodies)
    operation = acting.convert(queue=queue, by=ANN, publishers_stopped=True)
    execute = f"from mqadmin.core.acts import operations; operations.execute({operation.pk})"
    died = 0
    for target, when, count in MOMENTS:
        Operation.objects.filter(pk=operation.pk).update(lease_until=None, lease_owner="")
        with killed_at(process_environ, target, when, count, "shell", "--command", execute) as process:
            died += process.wait(patient(300)) == -9
    Operation.objects.filter(pk=operation.pk).update(lease_until=None, lease_owner="")
    operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.error) == ("done", "")
    found = []
    with rabbit_amqp.channel(brokers.config("default"), vhost) as channel:
        while (item := channel.basic_get("orders", auto_ack=True))[0] is not None:
            found.append(item[2])
    print(f"{COUNT} messages, {died} workers killed: {len(found)} arrived, {len(set(found))} different")
    assert died >= 3
    assert list(dict.fromkeys(found)) == bodies
    assert management.queue(vhost, "orders").info.type == "quorum"
