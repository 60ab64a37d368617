"""A classic queue becomes a quorum queue: whatever dies on the way, nothing is lost, and all stays in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mqadmin.administration.converting import acting, planning, steps
from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.operations import Run
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.queues.acts import declaring
from mqadmin.queues.models import Queue
from mqadmin.rabbit import amqp
from tests.support.management import Management
from tests.support.processes import killed_at
from tests.support.waiting import patient, wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
ANN = Actor("ann")
COUNT = 150
BODIES = [b"%d" % number for number in range(COUNT)]
WAS = {"x-max-priority": 3, "x-message-ttl": 3_600_000}


class Died(BaseException):
    """The worker is gone: nothing below it says another word."""


@pytest.fixture(autouse=True)
def _by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)


def classic(management: Management, vhost: str, name: str = "orders") -> Queue:
    queue = declaring.declare(broker="default", by=ANN, vhost=vhost, name=name, type="classic", arguments=WAS)
    management.bind(vhost, "shop", name, f"{name}.#")
    management.bind(vhost, "shop", name, "all")
    with amqp.channel(brokers.config("default"), vhost) as channel:
        channel.confirm_delivery()
        for body in BODIES:
            channel.basic_publish("shop", f"{name}.new", body, mandatory=True)
    return queue


def convert(queue: Queue) -> Operation:
    return acting.convert(queue=queue, by=ANN, publishers_stopped=True)


def carry_out(operation: Operation) -> Operation:
    Operation.objects.filter(pk=operation.pk).update(lease_until=None, lease_owner="")
    operations.execute(operation.pk)
    operation.refresh_from_db()
    return operation


def bodies(vhost: str, name: str) -> list[bytes]:
    found = []
    with amqp.channel(brokers.config("default"), vhost) as channel:
        while (item := channel.basic_get(name, auto_ack=True))[0] is not None:
            found.append(item[2] or b"")
    return found


def keys(management: Management, vhost: str, name: str) -> set[str]:
    return {item.routing_key for item in management.queue_bindings(vhost, name) if item.source}


def check(management: Management, vhost: str, name: str, type: str, arguments: Mapping[str, Any]) -> None:
    """It is of this type, bound as before, and holds all in order; nothing of the conversion is left."""
    there = management.queue(vhost, name).info
    assert (there.type, dict(there.arguments)) == (type, {"x-queue-type": type, **arguments})
    assert keys(management, vhost, name) == {f"{name}.#", "all"}
    assert bodies(vhost, name) == BODIES
    assert not [item.name for item in management.queues(vhost) if item.name.startswith("mqadmin.convert")]


def dies_after(step: int, operation: Operation) -> None:
    """Carry it out until that step is done, and not yet noted."""
    with pytest.MonkeyPatch.context() as patch:

        def save(run: Run, cursor: Mapping[str, Any]) -> None:
            if cursor["step"] == step + 1:
                raise Died
            original(run, cursor)

        original = Run.save_cursor
        patch.setattr(Run, "save_cursor", save)
        with pytest.raises(Died):
            carry_out(operation)


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics are up to five seconds old, at each step: here nobody holds a message, and they are not asked."""
    monkeypatch.setattr(steps.Job, "_held", lambda self, name: 0)


@pytest.fixture
def shop(management: Management, vhost: str) -> str:
    management.declare_exchange(vhost, "shop", type="topic")
    return vhost


@pytest.mark.usefixtures("fresh")
def test_a_worker_that_dies_at_any_step_is_gone_on_for(management: Management, shop: str) -> None:
    for step in range(len(acting.STEPS)):
        name = f"orders{step}"
        operation = convert(classic(management, shop, name))
        dies_after(step, operation)
        carry_out(operation)
        assert (operation.status, operation.error) == ("done", ""), step
        check(management, shop, name, "quorum", {"x-message-ttl": 3_600_000})


@pytest.mark.usefixtures("fresh")
def test_it_is_undone_from_any_step(management: Management, shop: str) -> None:
    for step in range(len(acting.STEPS)):
        name = f"orders{step}"
        operation = convert(classic(management, shop, name))
        dies_after(step, operation)
        Operation.objects.filter(pk=operation.pk).update(lease_until=None, lease_owner="")
        operations.cancel(operation=Operation.objects.get(pk=operation.pk), by=ANN)
        operation.refresh_from_db()
        back = carry_out(acting.undo(operation=operation, by=ANN, publishers_stopped=True))
        assert (back.status, back.error) == ("done", ""), step
        check(management, shop, name, "classic", WAS)
        with pytest.raises(Refusal, match="the newest"):
            acting.undo(operation=operation, by=ANN, publishers_stopped=True)


def test_messages_that_somebody_holds_are_waited_for(
    management: Management, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = convert(classic(management, shop))
    monkeypatch.setattr(steps, "SETTLED_SECONDS", 0.0)
    with amqp.channel(brokers.config("default"), shop) as channel:
        channel.basic_get("orders")
        wait_until(lambda: management.queue(shop, "orders").info.unacked == 1, timeout=30)
        carry_out(operation)
        assert operation.status == "failed"
        assert "who has not acked them" in operation.error
        assert management.queue(shop, "orders").info.type == "classic"
    monkeypatch.undo()
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    again = carry_out(acting.go_on(operation=operation, by=ANN))
    assert (again.status, again.error) == ("done", "")
    assert sorted(bodies(shop, "orders"), key=int) == BODIES  # what was given back late is behind the others
    with pytest.raises(Refusal, match="done"):
        acting.go_on(operation=again, by=ANN)


@pytest.mark.processes
@pytest.mark.parametrize(
    ("target", "when", "count"),
    [
        ("mqadmin.rabbit.publishing.mover:Mover._ack", "before", 1),
        ("pika.adapters.blocking_connection:BlockingChannel.queue_delete", "after", 1),
    ],
)
@pytest.mark.usefixtures("fresh")
def test_a_worker_that_is_killed(
    target: str, when: str, count: int, management: Management, shop: str, process_environ: dict[str, str]
) -> None:
    """Between confirm and ack a message is in both queues, and arrives twice; none is lost, the order stays."""
    operation = convert(classic(management, shop))
    execute = (
        "from mqadmin.administration import hooks; from mqadmin.core.acts import operations; "
        f"operations.execute({operation.pk})"
    )
    with killed_at(process_environ, target, when, count, "shell", "--command", execute) as died:
        assert died.wait(patient(60)) == -9
    if "queue_delete" in target:  # its name is absent now, and all is in the temporary queue
        assert "orders" not in {item.name for item in management.queues(shop)}
    else:
        wait_until(lambda: amqp.counts(brokers.config("default"), shop, "orders")[0] == COUNT, timeout=20)
    carry_out(operation)
    assert (operation.status, operation.error) == ("done", "")
    found = bodies(shop, "orders")
    assert list(dict.fromkeys(found)) == BODIES
    assert management.queue(shop, "orders").info.type == "quorum"


@pytest.mark.usefixtures("fresh")
def test_what_comes_while_it_is_converted_is_not_lost(
    management: Management, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = convert(classic(management, shop))
    original = steps._swap

    def late(job: Any, info: Any) -> bool:
        with amqp.channel(brokers.config("default"), shop) as channel:
            if len(said) < 2:  # the queue is not empty when it is to go
                channel.confirm_delivery()
                channel.basic_publish("shop", "orders.new", b"late", mandatory=True)
                said.append(info.type)
        return original(job, info)

    said: list[str] = []
    monkeypatch.setattr(steps, "_swap", late)
    carry_out(operation)
    assert (operation.status, said) == ("done", ["classic", "classic"])
    found = bodies(shop, "orders")
    assert found[:COUNT] == BODIES
    assert 2 <= found[COUNT:].count(b"late") <= 4  # of each one copy by each of the two queues


def test_what_stands_in_the_way_is_named(management: Management, shop: str) -> None:
    queue = classic(management, shop)
    with pytest.raises(Refusal) as loud:
        acting.convert(queue=queue, by=ANN)
    assert loud.value.code == "publishers"
    with amqp.channel(brokers.config("default"), shop) as channel:
        channel.basic_consume("orders", lambda *_args: None, consumer_tag="theirs")
        wait_until(lambda: bool(management.queue(shop, "orders").consumer_details), timeout=30)
        with pytest.raises(Refusal, match="theirs") as held:
            convert(queue)
    assert held.value.code == "cannot"
    quorum = declaring.declare(broker="default", by=ANN, vhost=shop, name="q", type="quorum")
    with pytest.raises(Refusal, match="no classic queue"):
        convert(quorum)


def test_a_policy_that_would_lose_messages_of_the_temporary_queue_is_refused(
    management: Management, shop: str
) -> None:
    operation = convert(classic(management, shop))
    management.set_policy(shop, "tidy", ".*", {"expires": 3_600_000})
    carry_out(operation)
    assert operation.status == "failed"
    assert "tidy" in operation.error
    assert amqp.counts(brokers.config("default"), shop, "orders")[0] == COUNT
    assert len(management.queues(shop)) == 1


def test_the_plan_says_what_changes(management: Management, shop: str) -> None:
    arguments = {"x-max-priority": 3, "x-overflow": "reject-publish-dlx", "x-max-length": 500}
    queue = declaring.declare(
        broker="default", by=ANN, vhost=shop, name="p", type="classic", arguments=arguments
    )
    management.set_policy(shop, "of-quorum", "p", {"delivery-limit": 5})
    plan = planning.plan(queue)
    assert plan.arguments == {"x-queue-type": "quorum", "x-overflow": "reject-publish", "x-max-length": 500}
    said = " ".join(plan.changes)
    assert "x-max-priority goes" in said
    assert "reject-publish-dlx" not in said
    assert "x-overflow becomes reject-publish" in said
    assert "The policy of-quorum begins to apply" in said
