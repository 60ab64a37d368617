"""A tap on a real broker: it sees copies, takes nothing from anybody, and leaves nothing behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest
from django.db import connections
from django.utils import timezone

from mqadmin.core import brokers
from mqadmin.core.errors import Refusal
from mqadmin.passing.acts import taps
from mqadmin.passing.models import Firehose, Seen, Tap
from mqadmin.passing.tapping import firehose, running, thread
from mqadmin.passing.tapping.line import Line
from mqadmin.rabbit.administration import tracing
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import NoResponse
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.passing.conftest import OLE, ended, queues_of_taps
from tests.passing.factories import make_tap
from tests.support import amqp
from tests.support.management import Management
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker]


@pytest.fixture
def orders(management: Management, vhost: str) -> str:
    """A queue that a topic exchange feeds."""
    management.declare_exchange(vhost, "shop", type="topic")
    management.declare_queue(vhost, "orders")
    management.bind(vhost, "shop", "orders", "order.*")
    return "orders"


def seen(tap: Tap) -> list[str]:
    return [bytes(row.body).decode() for row in Seen.objects.filter(tap=tap).order_by("pk")]


def test_a_tap_sees_a_copy_and_takes_nothing(
    held: None,
    begun: Callable[..., Tap],
    broker_config: BrokerConfig,
    management: Management,
    vhost: str,
    orders: str,
) -> None:
    tap = begun("queue", orders)
    with amqp.channel(broker_config, vhost) as channel:
        for key in ("order.new", "bill.new", "order.paid"):
            channel.basic_publish("shop", key, key.encode())
        channel.basic_publish("", orders, b"straight")
    wait_until(lambda: len(seen(tap)) == 2, what="two copies")
    assert seen(tap) == ["order.new", "order.paid"]
    assert amqp.depth(broker_config, vhost, orders) == 3
    taps.stop(tap=tap, by=OLE)
    wait_until(lambda: ended(tap), what="it ends")
    wait_until(lambda: not queues_of_taps(management, vhost), what="its queue goes")
    assert seen(tap) == ["order.new", "order.paid"]  # what it saw stays


def test_a_binding_that_goes_takes_its_copy_along(
    held: None, begun: Callable[..., Tap], management: Management, vhost: str, orders: str
) -> None:
    """Else the copy alone would take what is to go back to its publisher, or to an alternate exchange."""
    management.bind(vhost, "shop", orders, "bill.*")
    tap = begun("exchange", "shop")
    assert len(tap.bound) == 2
    management.unbind(vhost, "shop", orders, "bill.*")
    wait_until(lambda: len(Tap.objects.get(pk=tap.pk).bound) == 1, 20, what="the copy goes too")
    copies = [
        item
        for item in management.bindings(vhost)
        if item.destination.startswith("mqadmin.tap.") and item.source
    ]
    assert [item.routing_key for item in copies] == ["order.*"]


def test_the_firehose_is_on_while_a_tap_needs_it(
    held: None, begun: Callable[..., Tap], broker_config: BrokerConfig, management: Management, vhost: str
) -> None:
    management._http.call("PUT", "vhosts", vhost, body={"description": "Ours", "tags": ["a", "b"]})
    management.declare_queue(vhost, "jobs")
    tap = begun("queue", "jobs", use_firehose=True)
    assert tracing.is_on(management, vhost)
    with amqp.channel(broker_config, vhost) as channel:
        channel.basic_publish("", "jobs", b"straight")
        wait_until(lambda: channel.basic_get("jobs", auto_ack=True)[0], what="a consumer takes it")
    wait_until(lambda: seen(tap), what="the delivery is seen")
    row = Seen.objects.get(tap=tap)
    assert (bytes(row.body), row.exchange, row.routing_key) == (b"straight", "", "jobs")
    taps.stop(tap=tap, by=OLE)
    wait_until(lambda: not tracing.is_on(management, vhost), what="tracing is off")
    found = management._http.call("GET", "vhosts", vhost)
    assert (found["description"], found["tags"]) == ("Ours", ["a", "b"])


def test_the_firehose_of_somebody_else_is_left_alone(management: Management, vhost: str, db: None) -> None:
    management.declare_queue(vhost, "jobs")
    tracing.switch(management, vhost, on=True)
    with pytest.raises(Refusal) as refused:
        taps.start(broker="default", vhost=vhost, kind="queue", name="jobs", by=OLE, use_firehose=True)
    assert refused.value.code == "tracing_on"
    assert tracing.is_on(management, vhost)
    assert not Firehose.objects.exists()
    tracing.switch(management, vhost, on=False)


def a_firehose_tap(vhost: str) -> Tap:
    ends = timezone.now() + timedelta(hours=1)
    return make_tap(vhost=vhost, is_firehose=True, state=Tap.State.WAITING, ended_at=None, ends_at=ends)


def test_a_tap_that_starts_while_the_firehose_goes_off_keeps_it_known(
    management: Management, vhost: str, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its row, what that tap switched on would be somebody else's, and stay on."""
    firehose.switch_on("default", vhost)
    real = tracing.switch

    def meanwhile(client: ManagementClient, name: str, *, on: bool) -> None:
        monkeypatch.undo()
        a_firehose_tap(vhost)
        real(client, name, on=on)

    monkeypatch.setattr(tracing, "switch", meanwhile)
    assert firehose.sweep("default") == 0
    firehose.switch_on("default", vhost)
    assert tracing.is_on(management, vhost)
    Tap.objects.update(state=Tap.State.ENDED)
    assert firehose.sweep("default") == 1
    assert not tracing.is_on(management, vhost)


def test_two_taps_that_switch_the_firehose_on_at_once_leave_it_known(
    management: Management, vhost: str, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tracing.is_on
    second = threading.Thread(target=in_a_thread, args=(lambda: firehose.switch_on("default", vhost),))

    def meanwhile(client: ManagementClient, name: str) -> bool:
        monkeypatch.undo()
        second.start()
        second.join(1)  # it waits for its turn, or is done
        return real(client, name)

    monkeypatch.setattr(tracing, "is_on", meanwhile)
    firehose.switch_on("default", vhost)
    second.join()
    assert tracing.is_on(management, vhost)
    assert firehose.sweep("default") == 1
    assert not tracing.is_on(management, vhost)


def in_a_thread(work: Callable[[], None]) -> None:
    try:
        work()
    finally:
        connections.close_all()


def test_a_tap_ends_that_cannot_know_whether_its_bindings_are_still_copies(
    vhost: str, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", "http://guest:guest@127.0.0.1:1/")
    brokers.forget()
    look = running.Running(make_tap(vhost=vhost, queue="mqadmin.tap.1"), "me", lambda: False)
    line = Line(cast(Any, None), "mqadmin.tap.1")  # never asked for anything
    look._knew = time.monotonic()
    look._look_again(line)
    look._knew -= running.BLIND_S
    with pytest.raises(NoResponse):
        look._look_again(line)
    monkeypatch.undo()
    brokers.forget()


@pytest.mark.parametrize(
    ("kind", "name", "code"),
    [
        ("queue", "jobs", "only_default"),
        ("exchange", "", "default_exchange"),
        ("exchange", "amq.direct", "nothing_bound"),
        ("queue", "missing", "not_found"),
    ],
)
def test_what_cannot_be_tapped_says_why(
    management: Management, vhost: str, db: None, kind: str, name: str, code: str
) -> None:
    management.declare_queue(vhost, "jobs")
    with pytest.raises(Refusal) as refused:
        taps.start(broker="default", vhost=vhost, kind=kind, name=name, by=OLE)
    assert refused.value.code == code
    assert not Tap.objects.exists()


@pytest.mark.processes
def test_nothing_is_left_after_the_process_that_held_it_was_killed(
    process_environ: dict[str, str],
    begun: Callable[..., Tap],
    management: Management,
    vhost: str,
    orders: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE"):
        monkeypatch.setenv(name, process_environ[name])
    monitor = thread.TapsThread(threading.Event())
    plain = taps.start(broker="default", vhost=vhost, kind="queue", name=orders, by=OLE)
    monitor.turn()
    child = monitor._child
    assert child is not None
    hose = begun("queue", orders, use_firehose=True)
    wait_until(lambda: Tap.objects.get(pk=plain.pk).queue, 20)
    assert tracing.is_on(management, vhost)
    assert len(queues_of_taps(management, vhost)) == 2
    child.kill()
    child.wait()
    wait_until(lambda: not queues_of_taps(management, vhost), 20, what="the queues go")
    monitor.turn()
    assert ended(plain)
    assert ended(hose)
    assert not tracing.is_on(management, vhost)
    assert not Firehose.objects.exists()


def test_a_monitor_that_comes_after_everything_was_killed_switches_the_firehose_off(
    management: Management, vhost: str, transactional_db: None
) -> None:
    firehose.switch_on("default", vhost)
    lost = Tap.objects.create(
        broker="default",
        vhost=vhost,
        kind="queue",
        name="jobs",
        is_firehose=True,
        rate=1,
        state=Tap.State.RUNNING,
        ends_at=timezone.now() + timedelta(hours=1),
        lease_until=timezone.now() - timedelta(seconds=1),
    )
    thread.TapsThread(threading.Event()).turn()
    assert ended(lost)
    assert not tracing.is_on(management, vhost)
    assert not Firehose.objects.exists()
