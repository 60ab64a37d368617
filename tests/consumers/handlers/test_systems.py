"""R1, R6, R7, R8 and R9: the demo's systems as they are defined there, each on a real broker."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

import pika
import pytest

from consumers.demo import systems, topology
from consumers.models import Consumer, Record
from mqadmin.core.acts import audit
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.support import amqp
from tests.support.processes import manage
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.broker, pytest.mark.processes]

ORDER = {
    "order_id": "A-1",
    "customer": "C-1234",
    "amount": 12.5,
    "paid": 12.5,
    "items": [{"sku": "teapot", "quantity": 1}],
    "warehouse": "hamburg-2",
}


class Shop:
    """The demo's exchanges, queues and definitions in a vhost of the test's own."""

    def __init__(self, config: BrokerConfig, vhost: str, environ: dict[str, str]) -> None:
        self.config = config
        self.vhost = vhost
        self._environ = environ

    def publish(self, exchange: str, key: str, *bodies: Any, **properties: Any) -> None:
        with amqp.channel(self.config, self.vhost) as channel:
            channel.confirm_delivery()
            for body in bodies:
                fields = pika.BasicProperties(delivery_mode=2, **properties)
                channel.basic_publish(exchange, key, json.dumps(body).encode(), fields, mandatory=True)

    def run(self, count: int, *names: str) -> list[Record]:
        """Run the consumers until there are so many records; return those in the order of their handling."""
        with ExitStack() as running:
            for name in names:
                running.enter_context(manage(self._environ, "run_consumer", name))
            wait_until(lambda: Record.objects.count() >= count, 30, what=f"{count} records")
        return list(Record.objects.order_by("started_at").select_related("consumer"))


@pytest.fixture
def shop(
    broker_config: BrokerConfig,
    management: ManagementClient,
    vhost: str,
    process_environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Shop:
    monkeypatch.setattr(topology, "VHOST", vhost)
    topology.declare(management, broker_config.username)
    systems.define("default", audit.SYSTEM)
    return Shop(broker_config, vhost, process_environ)


def text(record: Record) -> str:
    """Return what its handler logged."""
    return " / ".join(line for _offset, _level, line in record.log or [])


def test_r1_a_task_that_fails_is_dead_lettered_and_not_requeued(shop: Shop) -> None:
    mail = {"task": "send_email", "to": "a@example.com", "subject": "s"}
    shop.publish("", topology.TASKS, mail, {"task": "fly"}, mail)
    records = shop.run(3, "tasks")
    assert [record.outcome for record in records] == ["acked", "dead_lettered", "acked"]
    assert text(records[0]) == "send_email done"
    [letter] = amqp.drain(shop.config, shop.vhost, topology.TASKS_DEAD, expect=1)
    assert json.loads(letter.body) == {"task": "fly"}
    assert letter.headers["mqadmin-error-type"] == "UnknownTask"
    assert amqp.depth(shop.config, shop.vhost, topology.TASKS) == 0


def test_r6_five_threads_work_at_the_same_time(shop: Shop) -> None:
    Consumer.objects.filter(name="threads").update(options={"work_ms": 100})
    shop.publish("", topology.THREADS, *range(40))
    records = shop.run(40, "threads")
    assert {record.outcome for record in records} == {"acked"}
    spans = [(r.started_at.timestamp(), r.started_at.timestamp() + r.duration_ms / 1000) for r in records]
    at_once = [sum(begin <= moment < end for begin, end in spans) for moment, _end in spans]
    assert max(at_once) == 5


def test_r7_the_highest_priority_in_hand_runs_first(shop: Shop) -> None:
    for priority in (1, 9, 0, 5, 9, 3):
        shop.publish("", topology.PRIORITY, {"subject": "Refund"}, priority=priority)
    records = shop.run(6, "priority")
    assert [text(record).split()[1] for record in records] == ["9", "9", "5", "3", "1", "0"]


def test_r8_orders_by_type_and_an_unknown_one_is_a_warning(shop: Shop) -> None:
    for kind, order in (
        ("order.created", ORDER),
        ("order.paid", {**ORDER, "paid": 1}),
        ("order.cancelled", ORDER),
        ("order.reviewed", ORDER),
    ):
        shop.publish(topology.ORDERS_EXCHANGE, kind, order, type=kind, message_id=kind)
    found = {record.message_id: record for record in shop.run(4, "orders")}
    assert {kind: record.outcome for kind, record in found.items()} == {
        "order.created": "acked",
        "order.paid": "dead_lettered",
        "order.cancelled": "acked",
        "order.reviewed": "acked",
    }
    assert (found["order.reviewed"].log or [])[0][1] == "WARNING"
    [letter] = amqp.drain(shop.config, shop.vhost, topology.ORDERS_DEAD, expect=1)
    assert letter.properties.message_id == "order.paid"
    assert letter.headers["mqadmin-error-type"] == "PaymentMismatch"


def test_r9_all_entries_are_stored_and_errors_raise_one_alert(shop: Shop) -> None:
    for level in ("info", "error", "error", "warning", "error"):
        entry = {"level": level, "service": "mailer", "text": "full"}
        shop.publish(topology.LOGS_EXCHANGE, f"mailer.{level}", entry)
    records = shop.run(8, "log-store", "log-alerts")
    stored = [text(record) for record in records if record.consumer.name == "log-store"]
    assert stored == [f"[{level}] mailer: full" for level in ("info", "error", "error", "warning", "error")]
    alerts = [text(record) for record in records if record.consumer.name == "log-alerts"]
    assert alerts == ["ALERT mailer: full", *["mailer: full (counted, an alert is out)"] * 2]
