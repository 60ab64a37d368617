"""Acts on a real broker that wait for a second person: done as they were asked for, once, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db import connections
from django.utils import timezone

from mqadmin.administration.connections import acts as connection_acts
from mqadmin.administration.connections import cutting
from mqadmin.administration.exchanges import acts as exchange_acts
from mqadmin.administration.policies import acts as policy_acts
from mqadmin.administration.vhosts import acts as vhost_acts
from mqadmin.approvals.acts import closing, deciding
from mqadmin.approvals.models import Approval, Counted
from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import SYSTEM
from mqadmin.core.errors import Awaits, Refusal
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.queues.acts import deleting, many, moving, purging
from mqadmin.queues.acts.many import Chosen
from mqadmin.queues.models import Queue
from mqadmin.rabbit import amqp as line
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import NotFound
from tests.approvals.conftest import actor, person
from tests.support import amqp
from tests.support.management import Management
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


def kept(act: Callable[[], object]) -> Approval:
    """Return what is kept of an act that waits."""
    with pytest.raises(Awaits) as caught:
        act()
    return Approval.objects.get(pk=caught.value.told["id"])


def agree(approval: Approval, user: User) -> Approval:
    return deciding.approve(approval=approval, user=user, by=actor(user), seen=approval.version)


def depth(queue: Queue, config: BrokerConfig) -> int:
    return amqp.depth(config, queue.vhost, queue.name)


def test_a_purge_waits_and_is_done_as_it_was_asked_for(
    work: Queue, ann: User, bob: User, broker_config: BrokerConfig
) -> None:
    waiting = kept(lambda: purging.purge(queue=work, by=actor(ann), snapshot=True))
    assert (waiting.messages, waiting.asked_by, waiting.status) == (10, "ann", "waiting")
    assert any("10 messages" in item["text"] for item in waiting.foretold), waiting.foretold
    assert not Operation.objects.exists()

    agree(waiting, bob)
    operation = Operation.objects.get()
    assert (operation.created_by, operation.params["snapshot"], operation.total) == ("ann", True, 10)
    assert operations.execute(operation.pk)
    assert depth(work, broker_config) == 0
    assert (waiting.status, waiting.decided_by, waiting.operation) == ("done", "bob", operation)
    told = [(entry.actor, entry.action, entry.outcome) for entry in AuditEntry.objects.order_by("pk")]
    assert told == [
        ("ann", "queue.purge", "waiting"),
        ("bob", "approval.approve", "done"),
        ("ann", "queue.purge", "done"),
    ]
    done = AuditEntry.objects.get(action="queue.purge", outcome="done")
    assert (done.detail["approved_by"], done.detail["approval"]) == ("bob", waiting.pk)


def test_below_the_size_nobody_is_asked(work: Queue, ann: User, settings: Any) -> None:
    settings.MQADMIN_FOUR_EYES = 11
    assert purging.purge(queue=work, by=actor(ann)).total == 10


def test_off_nothing_is_counted(work: Queue, ann: User, settings: Any) -> None:
    settings.MQADMIN_FOUR_EYES = 0
    assert purging.purge(queue=work, by=actor(ann)).total == 10
    assert not Counted.objects.exists()


def test_two_who_agree_at_once_have_it_done_once(work: Queue, ann: User, bob: User) -> None:
    eve = person("eve")
    waiting = kept(lambda: purging.purge(queue=work, by=actor(ann)))
    told: list[str] = []
    together = Barrier(2)

    def click(user: User) -> None:
        mine = Approval.objects.get(pk=waiting.pk)
        together.wait(20)
        try:
            told.append(agree(mine, user).decided_by)
        except Refusal as refusal:
            told.append(refusal.code)
        finally:
            connections.close_all()

    threads = [Thread(target=click, args=(user,)) for user in (bob, eve)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert "wrong_state" in told
    assert {*told} & {"bob", "eve"}
    assert Operation.objects.count() == 1


def test_what_grew_is_agreed_to_anew(work: Queue, ann: User, bob: User, broker_config: BrokerConfig) -> None:
    waiting = kept(lambda: purging.purge(queue=work, by=actor(ann)))
    amqp.publish(broker_config, work.vhost, "work", [b"y"])  # a tenth more is still what was agreed to
    seen = waiting.version
    amqp.publish(broker_config, work.vhost, "work", [b"y"])
    with pytest.raises(Refusal, match=r"would be 12 messages now, not 10 messages") as caught:
        agree(waiting, bob)
    assert caught.value.code == "outgrown"
    waiting.refresh_from_db()
    assert (waiting.status, waiting.messages, waiting.decided_by) == ("waiting", 12, "")
    assert waiting.version == seen + 1
    assert "12 messages" in waiting.grown
    assert depth(work, broker_config) == 12
    # Who has the old page open does not agree to what they did not see.
    with pytest.raises(Refusal) as stale:
        deciding.approve(approval=waiting, user=bob, by=actor(bob), seen=seen)
    assert stale.value.code == "changed"
    agree(waiting, bob)
    assert Operation.objects.get().total == 12


def test_a_tenth_more_is_what_was_agreed_to(
    work: Queue, ann: User, bob: User, broker_config: BrokerConfig
) -> None:
    waiting = kept(lambda: purging.purge(queue=work, by=actor(ann)))
    amqp.publish(broker_config, work.vhost, "work", [b"y"])
    agree(waiting, bob)
    assert Operation.objects.get().total == 11


def test_another_queue_of_the_name_is_agreed_to_anew(work: Queue, ann: User, bob: User) -> None:
    waiting = kept(lambda: purging.purge(queue=work, by=actor(ann)))
    Queue.objects.filter(pk=work.pk).update(type="quorum")
    with pytest.raises(Refusal, match="another by now"):
        agree(waiting, bob)
    waiting.refresh_from_db()
    assert waiting.status == "waiting"


def test_small_acts_count_together(
    work: Queue, ann: User, bob: User, management: Management, broker_config: BrokerConfig
) -> None:
    management.declare_queue(work.vhost, "spare")
    moved = {"queue": work, "to_queue": "spare", "count": 2}
    moving.move(by=actor(ann), **moved)
    moving.move(by=actor(ann), **moved)
    ann.username = "anna"  # another name is no other person
    ann.save()
    waiting = kept(lambda: moving.move(by=actor(ann), **moved))
    assert waiting.lately == "Together with 4 messages of the last 60 minutes that is 6 messages."
    assert moving.move(by=actor(bob), **moved).total == 2  # others are not counted with her
    assert purging.KIND not in {*Operation.objects.values_list("kind", flat=True)}


def test_what_was_long_ago_counts_no_more(work: Queue, ann: User, management: Management) -> None:
    management.declare_queue(work.vhost, "spare")
    moved = {"queue": work, "to_queue": "spare", "count": 4}
    moving.move(by=actor(ann), **moved)
    Counted.objects.update(at=timezone.now() - timedelta(minutes=61))
    assert moving.move(by=actor(ann), **moved).total == 4


def test_asked_twice_it_waits_once(work: Queue, ann: User) -> None:
    first = kept(lambda: purging.purge(queue=work, by=actor(ann)))
    assert kept(lambda: purging.purge(queue=work, by=actor(ann))) == first
    assert kept(lambda: purging.purge(queue=work, by=actor(ann), snapshot=True)) != first


def test_a_queue_with_messages_is_deleted_once_agreed(
    work: Queue, ann: User, bob: User, management: Management
) -> None:
    waiting = kept(lambda: deleting.delete(queue=work, by=actor(ann), even_full=True))
    assert (waiting.messages, waiting.objects_touched, waiting.needs) == (10, 1, "configure")
    dan = person("dan", "operator")
    with pytest.raises(PermissionDenied):
        agree(waiting, dan)
    agree(waiting, bob)
    with pytest.raises(NotFound):
        brokers.client("default").queue(work.vhost, "work")


def test_many_queues_are_one_act(work: Queue, ann: User, bob: User, broker_config: BrokerConfig) -> None:
    chosen = Chosen("default", (work.pk,), ("work",))
    waiting = kept(lambda: many.start(act="purge", chosen=chosen, by=actor(ann), snapshot=False))
    agree(waiting, bob)
    assert operations.execute(Operation.objects.get().pk)
    assert depth(work, broker_config) == 0
    assert Approval.objects.count() == 1  # the single purges passed with it


def test_a_virtual_host_an_exchange_a_policy(
    work: Queue, ann: User, bob: User, management: Management, broker_config: BrokerConfig
) -> None:
    by, place = actor(ann), {"broker": "default", "vhost": work.vhost}
    policy = {"name": "short", "pattern": "^work$", "definition": {"max-length": 2}}
    client = brokers.client("default")
    wait_until(lambda: client.queue(work.vhost, "work").info.ready == 10)  # its effects are of statistics
    waiting = kept(lambda: policy_acts.put(by=by, **place, **policy))
    assert waiting.messages == 8
    assert any(item["level"] == "loses" for item in waiting.foretold)
    # One that drops nothing waits for nobody.
    policy_acts.put(by=by, **place, **policy | {"name": "other", "pattern": "^other$"})
    agree(waiting, bob)
    wait_until(lambda: depth(work, broker_config) == 2)

    management.declare_exchange(work.vhost, "shop", type="topic")
    exchange_acts.delete(by=by, **place, name="shop")
    other = f"{work.vhost} to delete"
    vhost_acts.create(broker="default", by=by, name=other)
    for name in ("a", "b", "c"):
        management.declare_queue(other, name)
    wait_until(lambda: all(item.total == 0 for item in client.queues(other)))
    waiting = kept(lambda: vhost_acts.delete(broker="default", by=by, name=other))
    assert (waiting.messages, waiting.vhost) == (0, other)
    assert waiting.objects_touched >= 3
    agree(waiting, bob)
    assert other not in [item.name for item in client.vhosts()]


def test_connections_are_objects(work: Queue, ann: User, bob: User, broker_config: BrokerConfig) -> None:
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(line.channel(broker_config, work.vhost))
        user = broker_config.username
        client = brokers.client("default")
        wait_until(lambda: cutting.of_all(client, "default", user=user).count >= 3, 20)
        waiting = kept(lambda: connection_acts.close_all(broker="default", by=actor(ann), user=user))
        assert waiting.objects_touched >= 3
        assert closing.take_back(approval=waiting, user=ann, by=actor(ann)).status == "taken_back"


def test_who_may_no_more_has_nothing_done(work: Queue, ann: User, bob: User) -> None:
    waiting = kept(lambda: purging.purge(queue=work, by=actor(ann)))
    ann.groups.set(Group.objects.filter(name="viewer"))
    with pytest.raises(Refusal, match="ann, who asked for it, may not do it any more"):
        agree(waiting, bob)
    waiting.refresh_from_db()
    assert waiting.status == "failed"
    assert not Operation.objects.exists()


def test_a_queue_that_went_is_told(work: Queue, ann: User, bob: User) -> None:
    waiting = kept(lambda: purging.purge(queue=work, by=actor(ann)))
    Queue.objects.update(gone_at=timezone.now())
    with pytest.raises(Refusal, match="gone"):
        agree(waiting, bob)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.result) == ("failed", "This queue is gone.")


def test_what_mqadmin_does_by_itself_waits_for_nobody(work: Queue) -> None:
    assert purging.purge(queue=work, by=SYSTEM).total == 10
