"""What the tests of conversions share: a queue to convert, a worker that dies, what is left after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mqadmin.administration.converting import acting
from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.operations import Run
from mqadmin.core.models import Operation
from mqadmin.queues.acts import declaring
from mqadmin.queues.models import Queue
from mqadmin.rabbit import amqp
from tests.support.management import Management

ANN = Actor("ann")
COUNT = 150
BODIES = [b"%d" % number for number in range(COUNT)]
WAS = {"x-max-priority": 3, "x-message-ttl": 3_600_000}


class Died(BaseException):
    """The worker is gone: nothing below it says another word."""


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
    found = bodies(vhost, name)
    assert found == BODIES, f"{len(found)} of {COUNT}, {len(set(found))} of them different: {found}"
    assert not [item.name for item in management.queues(vhost) if item.name.startswith("mqadmin.convert")]


def dies_after(step: int, operation: Operation) -> None:
    """Carry it out until that step is done, and not yet noted."""
    with pytest.MonkeyPatch.context() as patch:

        def save(run: Run, cursor: Mapping[str, Any]) -> None:
            if cursor.get("step") == step + 1:
                raise Died
            original(run, cursor)

        original = Run.save_cursor
        patch.setattr(Run, "save_cursor", save)
        with pytest.raises(Died):
            carry_out(operation)
