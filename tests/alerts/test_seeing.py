"""What a rule of each kind matches, on rows as others write them, and what people are told then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from consumers.models import Consumer, ConsumerProcess, SupervisorHost
from mqadmin.alerts.models import Incident
from mqadmin.core.models import Lease, Operation
from mqadmin.deadletters.models import DeadLetter
from mqadmin.queues.models import Broker
from tests.alerts.conftest import Shop, a_rule


def lagging(shop: Shop) -> None:
    old = int(shop.now.timestamp()) - 901
    shop.queue("orders", ready=5, oldest_at=old)
    shop.queue("dead", ready=5, oldest_at=old, is_inbox=True)  # these are meant to wait
    shop.queue("later", ready=5, oldest_at=old, is_delay=True)
    shop.queue("young", ready=5, oldest_at=old + 60)


def busy(shop: Shop) -> None:
    shop.queue("orders", publish_rate=99.0)
    shop.queue("unknown", publish_rate=None)


def letters(shop: Shop) -> None:
    for number in range(4):
        DeadLetter.objects.create(
            broker="default",
            vhost="/",
            dead_letter_queue="dlq",
            source_queue="orders",
            error_type="NoStock",
            group="g" if number else "other",
            captured_at=shop.now,
            body=b"",
            fingerprint=str(number),
        )


def consumer(shop: Shop) -> None:
    SupervisorHost.objects.create(name="a", pid=1, started_at=shop.now, heartbeat_at=shop.now)
    for name, state in (("mailer", "failed"), ("worker", "running")):
        row = Consumer.objects.create(
            name=name, broker="default", vhost="/", queue="q", handler="log", desired="running"
        )
        ConsumerProcess.objects.create(
            consumer=row, host="a", supervisor="a", state=state, state_since=shop.now, heartbeat_at=shop.now
        )


def alarm(shop: Shop) -> None:
    reason = {"code": "alarm", "level": "broken", "params": {"node": "rabbit@a", "resource": "disk"}}
    if hasattr(shop.broker, "reasons"):
        Broker.objects.update(reasons=[reason])
    else:
        Broker.objects.update(alarms=[reason["params"]])


def away(shop: Shop) -> None:
    long_ago = shop.now - timedelta(minutes=5)
    SupervisorHost.objects.create(name="host-a", pid=1, started_at=long_ago, heartbeat_at=long_ago)


def no_worker(shop: Shop) -> None:
    held = {"kind": "x", "created_by": "anna", "not_before": shop.now + timedelta(minutes=5)}
    Operation.objects.create(**held)
    Operation.objects.create(kind="x", created_by="anna")
    Operation.objects.update(created_at=shop.now - timedelta(minutes=2))


def silent(shop: Shop) -> None:
    long_ago = shop.now - timedelta(minutes=2)
    for name in ("beat", "web"):
        Lease.objects.create(name=name, holder="x", expires_at=long_ago, renewed_at=long_ago)


def unsampled(shop: Shop) -> None:
    Broker.objects.update(sampled_at=shop.now - timedelta(minutes=5))


@pytest.mark.parametrize(
    ("make", "rule", "title"),
    [
        (lagging, {"about": "lag", "value": 900, "clear_value": 600}, "Messages wait too long in orders"),
        (busy, {"about": "rate", "field": "publish_rate", "value": 50}, "orders: arrivals above 50/s"),
        (
            letters,
            {"about": "cause", "codes": ["g"], "value": 2, "window_s": 60},
            "Messages die of NoStock: more than 2 in 1 min",
        ),
        (consumer, {"about": "consumer", "codes": ["failed"]}, "Consumer mailer: failed"),
        (alarm, {"about": "broker_reason", "level": "broken"}, "rabbit@a raised its disk alarm"),
        (away, {"about": "process_away"}, "The supervisor on host-a is silent"),
        (no_worker, {"about": "process_away"}, "No worker takes up operations"),
        (
            silent,
            {"about": "process_away", "codes": ["beat"]},
            "Beat sends nothing: scheduled work stands still",
        ),
        (silent, {"about": "process_away", "codes": ["web"]}, "No web process answers"),
        (unsampled, {"about": "process_away"}, "default is not sampled any more"),
    ],
)
def test_a_rule_of_each_kind(
    shop: Shop, make: Callable[[Shop], None], rule: dict[str, Any], title: str
) -> None:
    a_rule(**{"level": "", "for_s": 0} | rule)
    make(shop)
    shop.after(seen=make is not unsampled)
    assert list(Incident.objects.values_list("title", "firing")) == [(title, 1)]
