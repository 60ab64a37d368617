"""Acts of whose role is for a part, carried out by a worker on a real broker with the rights of then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pika.adapters.blocking_connection import BlockingChannel

from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.models import Operation
from mqadmin.queues.models import Broker
from mqadmin.rabbit import amqp
from mqadmin.rabbit.config import BrokerConfig
from tests.queues.conftest import make_queue
from tests.support.teams import OPERATE, Script, member

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def channel(
    broker_config: BrokerConfig, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BlockingChannel]:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    brokers.forget()
    with amqp.channel(broker_config, vhost) as open_channel:
        for name in ("orders", "orders.dlq", "mails"):
            open_channel.queue_declare(name, durable=True)
        open_channel.confirm_delivery()
        for number in range(3):
            open_channel.basic_publish("", "orders.dlq", b"%d" % number)
        yield open_channel


def depth(channel: BlockingChannel, queue: str) -> int:
    return int(channel.queue_declare(queue, passive=True).method.message_count or 0)


def done(answer: Any) -> Operation:
    assert answer.status_code == 202, answer.content
    assert operations.execute(answer.json()["id"])
    return Operation.objects.get(pk=answer.json()["id"])


def test_a_worker_moves_purges_and_restores_for_them(
    broker: Broker, vhost: str, channel: BlockingChannel
) -> None:
    inbox = make_queue(broker, "orders.dlq", vhost, dead_letters_from=["mails"], is_inbox=True)
    orders, mails = make_queue(broker, "orders", vhost), make_queue(broker, "mails", vhost)
    team = Script(member("orders-team", {"vhost": vhost, "queue": "orders*", "level": OPERATE}))
    moved = done(team.send("POST", f"/queues/{inbox.pk}/move", {"to_queue": "orders", "count": 1}))
    assert (moved.status, moved.done, moved.total) == ("done", 1, 1)
    # Back to where dead letters come from, also where that is somebody else's.
    done(team.send("POST", f"/queues/{inbox.pk}/move", {"to_queue": "mails", "count": 1}))
    assert depth(channel, "mails") == 1
    wrong = team.send("POST", f"/queues/{orders.pk}/move", {"to_queue": "mails"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "no_destination")
    assert team.send("POST", f"/queues/{mails.pk}/purge").status_code == 404
    purge = done(team.send("POST", f"/queues/{orders.pk}/purge", {"snapshot": True}))
    assert (purge.status, purge.done, depth(channel, "orders")) == ("done", 1, 0)
    colleague = Script(member("colleague", {"vhost": vhost, "level": OPERATE}))
    stranger = Script(member("stranger", {"vhost": "elsewhere", "level": OPERATE}))
    assert stranger.send("POST", f"/operations/{purge.pk}/restore").status_code == 404
    assert done(colleague.send("POST", f"/operations/{purge.pk}/restore")).done == 1
    assert depth(channel, "orders") == 1
    many = done(team.send("POST", "/queues/purge", {"filter": "name:*"}))
    assert (many.status, many.done, many.failed) == ("done", 2, 0)
    assert (depth(channel, "orders"), depth(channel, "orders.dlq"), depth(channel, "mails")) == (0, 0, 1)
