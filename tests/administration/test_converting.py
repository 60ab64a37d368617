"""A classic queue becomes a quorum queue: whatever dies on the way, nothing is lost, and all stays in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from consumers.models import Consumer
from mqadmin.administration.converting import acting, planning, steps
from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.queues.acts import declaring, deleting
from mqadmin.queues.models import Queue
from mqadmin.rabbit import amqp
from tests.support.conversions import (
    ANN,
    BODIES,
    COUNT,
    WAS,
    bodies,
    carry_out,
    check,
    classic,
    convert,
    dies_after,
)
from tests.support.management import Management, no_statistics
from tests.support.processes import killed_at
from tests.support.waiting import patient, wait_until

pytestmark = [
    pytest.mark.broker,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("by_hand"),
]


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
    management.set_policy(shop, "of-quorum", "^p$", {"delivery-limit": 5})
    plan = planning.plan(queue)
    assert plan.arguments == {"x-queue-type": "quorum", "x-overflow": "reject-publish", "x-max-length": 500}
    said = " ".join(plan.changes)
    assert "x-max-priority goes" in said
    assert "reject-publish-dlx" not in said
    assert "x-overflow becomes reject-publish" in said
    assert [(item.before, item.after) for item in plan.policies] == [("", "of-quorum")]


def test_what_can_never_be_converted_is_refused_before_anything_is_touched(
    management: Management, shop: str
) -> None:
    """Whoever empties a queue that deletes itself deletes it; a name of the broker's could not be declared anew."""
    made = {"broker": "default", "by": ANN, "vhost": shop, "type": "classic"}
    fleeting = declaring.declare(name="fleeting", auto_delete=True, **made)
    assert "deletes itself" in " ".join(planning.plan(fleeting).stops)
    with amqp.channel(brokers.config("default"), shop) as channel:
        named = channel.queue_declare("", durable=True).method.queue
    theirs = Queue(broker=fleeting.broker, vhost=shop, name=named, type="classic")
    assert "amq." in " ".join(planning.plan(theirs).stops)
    full = declaring.declare(name="full", **made)
    put(shop, "full", [b"1", b"2", b"3"])
    assert planning.plan(full).stops == []
    management.set_policy(
        shop, "small", "^full$", {"max-length": 1, "delivery-limit": 5}
    )  # of no classic queue
    with pytest.raises(Refusal, match="holds at most") as refused:
        convert(full)
    assert refused.value.code == "cannot"
    assert not Operation.objects.exists()


def put(vhost: str, queue: str, bodies: list[bytes]) -> None:
    with amqp.channel(brokers.config("default"), vhost) as channel:
        channel.confirm_delivery()
        for body in bodies:
            channel.basic_publish("", queue, body, mandatory=True)


def test_a_message_that_was_just_got_by_somebody_is_not_dropped_with_the_queue(
    management: Management, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A classic queue counts itself as empty: statistics alone tell of it, some seconds later."""
    operation = convert(classic(management, shop))
    waits = steps.SETTLED_SECONDS
    monkeypatch.setattr(steps, "SETTLED_SECONDS", 0.0)
    with amqp.channel(brokers.config("default"), shop) as channel:
        original = steps.move_out

        def get_then_move(job: steps.Job) -> None:
            channel.basic_get("orders")
            # On a slow machine later than a conversion waits for.
            wait_until(lambda: management.queue(shop, "orders").info.unacked == 1, 60, interval=0.5)
            original(job)

        monkeypatch.setattr(
            acting, "STEPS", tuple(get_then_move if step is original else step for step in acting.STEPS)
        )
        carry_out(operation)
        assert (operation.status, "not acked" in operation.error) == ("failed", True)
    monkeypatch.setattr(steps, "SETTLED_SECONDS", waits)  # until the broker tells that it is back
    again = carry_out(acting.go_on(operation=operation, by=ANN))
    assert (again.status, again.error) == ("done", "")
    assert sorted(bodies(shop, "orders"), key=int) == BODIES


def test_nothing_goes_where_the_broker_keeps_no_statistics(
    management: Management, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether somebody holds a message cannot be known then: it would be lost with the queue."""
    monkeypatch.setattr(steps, "SETTLED_SECONDS", 0.0)
    monkeypatch.setattr(deleting, "STATISTICS_SECONDS", 0.0)
    operation = convert(classic(management, shop))
    with no_statistics():
        carry_out(operation)
    assert (operation.status, "cannot be known" in operation.error) == ("failed", True)
    assert management.queue(shop, "orders").info.type == "classic"
    assert bodies(shop, operation.params["temporary"]) == BODIES


@pytest.mark.usefixtures("fresh")
def test_a_client_that_declares_the_queue_while_its_name_is_absent_is_overruled(
    management: Management, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes back as classic and unbound: it goes once more, and what it was bound with comes back."""
    queue = classic(management, shop)
    management.declare_exchange(shop, "passing", type="fanout")
    management.bind(shop, "passing", "orders", "")
    operation = convert(queue)
    original, done = steps.amqp.channel, []

    @contextmanager
    def raced(*given: Any, **more: Any) -> Iterator[Any]:
        with original(*given, **more) as channel:
            delete = channel.queue_delete

            def delete_and_lose_the_race(*args: Any, **kwargs: Any) -> Any:
                found = delete(*args, **kwargs)
                if args[0] == "orders" and not done:
                    done.append(1)
                    management.declare_queue(shop, "orders", durable=True, arguments=WAS)
                    management.delete_exchange(shop, "passing")
                return found

            channel.queue_delete = delete_and_lose_the_race
            yield channel

    monkeypatch.setattr(steps.amqp, "channel", raced)
    carry_out(operation)
    monkeypatch.undo()
    assert (operation.status, operation.error, done) == ("done", "", [1])
    assert [item.target for item in operation.problems.all()] == ["passing"]
    check(management, shop, "orders", "quorum", {"x-message-ttl": 3_600_000})


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    ("name", "messages"),
    [("e" * 255, []), ("a/b %2F<script>", [b"x" * 12_000_000, b"y" * 12_000_000, b"z"])],
    ids=["255 bytes and empty", "12 MB"],
)
def test_the_longest_name_no_message_and_large_ones(
    name: str, messages: list[bytes], management: Management, vhost: str
) -> None:
    queue = declaring.declare(broker="default", by=ANN, vhost=vhost, name=name, type="classic")
    put(vhost, name, messages)
    operation = carry_out(convert(queue))
    assert (operation.status, operation.error) == ("done", "")
    assert management.queue(vhost, name).info.type == "quorum"
    assert bodies(vhost, name) == messages


@pytest.mark.usefixtures("fresh")
def test_who_comes_second_is_refused_also_where_the_first_is_in_the_middle(
    management: Management, shop: str
) -> None:
    queue = classic(management, shop)
    operation = convert(queue)
    with pytest.raises(Refusal) as second:
        convert(queue)
    dies_after(3, operation)
    Operation.objects.filter(pk=operation.pk).update(status="failed", lease_until=None, lease_owner="")
    with pytest.raises(Refusal, match=str(operation.pk)) as third:
        convert(queue)
    assert (second.value.code, third.value.code) == ("under_way", "unfinished")
    with acting._alone("default", shop, "orders"), pytest.raises(Refusal) as fourth:
        convert(queue)
    assert fourth.value.code == "under_way"
    assert bodies(shop, "orders") == []  # all is in the temporary queue, and stays there


@pytest.mark.usefixtures("fresh")
def test_our_consumers_are_paused_and_resumed_and_no_others(management: Management, shop: str) -> None:
    queue = classic(management, shop)
    values = {"broker": "default", "vhost": shop, "queue": "orders", "handler": "record"}
    runs = Consumer.objects.create(name="runs", desired="running", **values)
    rests = Consumer.objects.create(name="rests", desired="paused", **values)
    assert planning.plan(queue).ours == [runs]
    operation = convert(queue)
    dies_after(3, operation)
    assert Consumer.objects.get(pk=runs.pk).desired == "paused"
    Operation.objects.filter(pk=operation.pk).update(lease_until=None, lease_owner="")
    operations.cancel(operation=Operation.objects.get(pk=operation.pk), by=ANN)
    operation.refresh_from_db()
    back = carry_out(acting.undo(operation=operation, by=ANN, publishers_stopped=True))
    assert (back.status, back.error) == ("done", "")
    found = {consumer.name: consumer.desired for consumer in Consumer.objects.all()}
    assert found == {runs.name: "running", rests.name: "paused"}
