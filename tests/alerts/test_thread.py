"""The monitor's thread: on a real broker a mail when a queue is full, and one when it is not; a lost database."""

from __future__ import annotations

import secrets
import threading

import pytest
from django.db import OperationalError
from django.utils import timezone

from mqadmin.alerts.engine.thread import AlertThread
from mqadmin.alerts.models import Delivery, Rule
from mqadmin.core.acts import leases
from mqadmin.queues.monitor.sampling import Sampler
from mqadmin.rabbit.config import BrokerConfig
from tests.alerts.conftest import a_channel, a_rule
from tests.support import amqp
from tests.support.mail_server import mail_server
from tests.support.management import Management
from tests.support.waiting import wait_until


@pytest.mark.broker
def test_a_full_queue_is_told_once_by_mail_and_so_is_its_end(
    transactional_db: None,
    management: Management,
    broker_config: BrokerConfig,
    vhost: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = {"x-max-length": 2, "x-overflow": "reject-publish"}
    name = f"orders{secrets.token_hex(4)}"  # others use this broker too
    management.declare_queue(vhost, name, arguments=arguments)
    management.declare_queue(vhost, f"{name}2")
    sampler = Sampler("default", management)
    a_rule(for_s=0, clear_s=0, codes=["full"], queues=name)
    a_channel()
    stop = threading.Event()
    thread = AlertThread(stop, 0.1)

    def told() -> list[str]:
        sampler.sample()
        thread.turn()
        return [str(mail["subject"]) for mail in server.mails]

    with mail_server() as server:
        address = f"mailto://127.0.0.1:{server.port}/?from=mqadmin@shop.example&to=oncall@shop.example"
        monkeypatch.setenv("MQADMIN_ALERT_MAIL", address)
        assert told() == []
        amqp.publish(broker_config, vhost, name, [b"x", b"x"])
        wait_until(told, 20, 0.2, "a mail")
        assert told() == [f"[critical] default: {name} is full"]
        management.purge(vhost, name)
        wait_until(lambda: len(told()) == 2, 20, 0.2, "another mail")
        assert told()[1:] == [f"[resolved] default: {name} is full"]
        stop.set()
        thread.end()


def test_a_database_that_is_away_and_a_rule_that_breaks_everything_are_waited_for(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = AlertThread(threading.Event(), 0.1)
    evaluate = thread.evaluator.evaluate
    for error in (OperationalError("gone"), ZeroDivisionError()):

        def fails(*_args: object, error: Exception = error, **_named: object) -> None:
            raise error

        monkeypatch.setattr(thread.evaluator, "evaluate", fails)
        assert thread.turn() > 0
    monkeypatch.setattr(thread.evaluator, "evaluate", evaluate)
    thread.turn()
    assert Rule.objects.exclude(built_in="").exists()
    assert not leases.acquire("alerts", "another", 60)  # it leads
    thread.end()
    assert leases.acquire("alerts", "another", 60)
    assert thread.turn() > 0  # and does not lead now
    assert not Delivery.objects.filter(made_at__lt=timezone.now()).exists()
