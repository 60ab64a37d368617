"""One act on many queues, on a real broker: what it does, what it leaves alone and tells of."""

from __future__ import annotations

from typing import Any

import pytest

from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry, KeptMessage, Operation
from mqadmin.queues.acts import many
from mqadmin.queues.acts.many import Chosen
from mqadmin.queues.acts.settling import Wanted
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.amqp import channel
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import NotFound
from tests.queues.conftest import make_queue
from tests.support import amqp
from tests.support.management import Management

ANN = Actor("ann")


def those(*queues: Queue) -> Chosen:
    return Chosen("default", tuple(queue.pk for queue in queues), tuple(queue.name for queue in queues))


def carried_out(operation: Operation) -> dict[str, str]:
    """Carry it out and return what it could not do, by queue."""
    operations.execute(operation.pk)
    operation.refresh_from_db()
    return dict(operation.problems.values_list("target", "reason"))


@pytest.mark.broker
@pytest.mark.django_db(transaction=True)
def test_queues_are_purged_and_deleted_but_for_those_in_use(
    broker: Broker, management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    rows = {}
    for name, kind in {"empty": "quorum", "full": "classic", "used": "classic", "kept": "quorum"}.items():
        management.declare_queue(vhost, name, arguments={"x-queue-type": kind})
        rows[name] = make_queue(broker, name, vhost, type=kind)
    stream = make_queue(broker, "stream", vhost, type="stream")
    for name in ("full", "kept"):
        amqp.publish(broker_config, vhost, name, [b"x"] * 3)

    kept = many.start(act="purge", chosen=those(rows["kept"], stream), by=ANN, snapshot=True)
    assert list(carried_out(kept).values()) == ["A stream cannot be purged: its retention decides what goes."]
    assert (kept.done, kept.failed) == (1, 1)
    carried_out(Operation.objects.get(kind="queues.purge"))  # of its own: it can be put back
    assert KeptMessage.objects.filter(is_taken=True).count() == 3

    with channel(broker_config, vhost) as consumer:
        consumer.basic_consume("used", lambda *_args: None)
        every = those(*rows.values())
        left = carried_out(many.start(act="delete", chosen=every, by=ANN))
        assert left == {f"{vhost}:full": "It holds 3 messages.", f"{vhost}:used": "1 consumer uses it."}
        for name in ("empty", "kept"):
            with pytest.raises(NotFound):
                management.queue(vhost, name)
        again = many.start(act="delete", chosen=those(rows["full"]), by=ANN, even_full=True)
        assert carried_out(again) == {}
    assert AuditEntry.objects.filter(action="queue.delete", outcome="done", count=3).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_queue_at_which_a_worker_was_lost_is_not_done_twice(broker: Broker) -> None:
    queue = make_queue(broker, gone_at=None)
    operation = many.start(act="purge", chosen=those(queue), by=ANN)
    Operation.objects.update(params={**operation.params, "cursor": {"at": 0, "begun": True}})
    assert "The worker was lost" in carried_out(operation)["/:orders"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("changes", [{"ids": ()}, {"seen": "x"}, {"ids": tuple(range(1001))}])
def test_others_than_those_shown_none_or_too_many_are_refused(changes: dict[str, Any]) -> None:
    chosen = Chosen("default", changes.get("ids", (1, 2)))
    with pytest.raises(Refusal):
        many.start(act="purge", chosen=chosen, by=ANN, seen=changes.get("seen"))
    assert not Operation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_owner_is_set_on_many_at_once(broker: Broker) -> None:
    queues = [make_queue(broker, f"q{number}") for number in range(3)]
    chosen = those(*queues[:2])
    assert many.settle(chosen=chosen, wanted=Wanted(owner="a"), by=ANN, seen=chosen.mark) == 2
    assert dict(Queue.objects.values_list("name", "owner")) == {"q0": "a", "q1": "a", "q2": ""}
    assert Queue.objects.get(name="q0").own == ["owner"]
    assert AuditEntry.objects.get().count == 2
