"""A broker as the monitor last saw it, and a clock that a test turns by hand."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from mqadmin.alerts.acts import channels, state
from mqadmin.alerts.engine.evaluation import Evaluation, Evaluator
from mqadmin.alerts.models import Alert, Channel, Delivery, Incident, Rule
from mqadmin.alerts.telling import outbox
from mqadmin.alerts.telling.senders import Senders
from mqadmin.core import brokers
from mqadmin.core.acts import leases
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.config import load

BEGAN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday


@dataclass
class Shop:
    """Broker `default`, its rows and the engine that looks at them."""

    broker: Broker
    now: datetime = BEGAN
    evaluator: Evaluator = field(default_factory=Evaluator)

    def after(self, seconds: float = 0, *, seen: bool = True) -> Evaluation:
        """Let time pass, have the broker sampled (unless not `seen`), and evaluate."""
        self.now += timedelta(seconds=seconds)
        if seen:
            Broker.objects.filter(pk=self.broker.pk).update(reachable=True, sampled_at=self.now)
        return self.evaluator.evaluate(self.now)

    def queue(self, name: str, code: str = "", **values: Any) -> Queue:
        """Make a queue as it should be, or broken for the reason `code`."""
        queue, _new = Queue.objects.get_or_create(broker=self.broker, vhost="/", name=name)
        self.set(queue, code, **values)
        return queue

    def set(self, queue: Queue, code: str = "", level: str = "broken", **values: Any) -> None:
        params = {"since": int(self.now.timestamp()), "waiting": 7, "had": 2}
        reasons = [{"code": code, "level": level, "params": params}] if code else []
        rank = {"broken": 3, "watch": 2}[level] if code else 1
        rows = Queue.objects.filter(pk=queue.pk)
        rows.update(health=level if code else "ok", health_rank=rank, health_reasons=reasons, **values)

    def told(self, channel: Channel | None = None) -> list[str]:
        rows = Delivery.objects.order_by("id")
        return list((rows.filter(channel=channel) if channel else rows).values_list("what", flat=True))

    @property
    def incident(self) -> Incident:
        return Incident.objects.get()

    @property
    def firing(self) -> int:
        return Alert.objects.filter(state=Alert.State.FIRING).count()


@pytest.fixture
def shop(db: None, monkeypatch: pytest.MonkeyPatch) -> Shop:
    config = load({"RABBITMQ_URL": "amqp://guest:guest@127.0.0.1:1/"})
    monkeypatch.setattr(brokers, "_configs", config)
    return Shop(Broker.objects.create(slug="default", reachable=True, sampled_at=BEGAN))


def a_rule(**values: Any) -> Rule:
    """Make a rule on broken queues, unless `values` say otherwise."""
    plain: dict[str, Any] = {"name": "broken", "about": "verdict", "level": "broken", "severity": 3}
    return Rule.objects.create(**plain | {"for_s": 60, "clear_s": 60, "repeat_s": 3600} | values)


def a_channel(**values: Any) -> Channel:
    """Make a channel for everything."""
    return Channel.objects.create(**{"name": "mail", "variable": "MQADMIN_ALERT_MAIL"} | values)


@pytest.fixture
def monitor(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a monitor there: whoever waits for a test to be sent is the one who sends it."""
    leases.acquire(state.LEASE, "monitor", 60)
    senders = Senders("monitor", 60, threading.Event())

    def sends(_seconds: float) -> None:
        for item in outbox.due(timezone.now()):
            senders.send(item.id)

    monkeypatch.setattr(channels, "pause", sends)
