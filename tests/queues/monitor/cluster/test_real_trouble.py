"""Trouble made for real, on a node of its own: the right reasons within two samples, and no others; somebody is
called once for each, by mail and by webhook, and is told once when it is over.

What befalls queues: tests/alerts/test_troubles.py.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pika
import pytest
from django.test import Client
from django.utils import timezone

from mqadmin.history.happenings import Asked
from mqadmin.local import ports
from mqadmin.local.node import Node
from mqadmin.queues.models import Broker
from mqadmin.queues.monitor.sampling import Sampler
from mqadmin.queues.pages import broker_happenings
from mqadmin.rabbit.config import BrokerConfig, load
from mqadmin.rabbit.errors import RabbitError
from tests.support import node_control
from tests.support.called import Called, called
from tests.support.management import Management
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    own = Node(tmp_path_factory.mktemp("trouble") / "node", ports.pick(), ports.pick())
    (own.folder / "conf.d").mkdir(parents=True)
    # All that is waited for here is the broker's to notice: it looks more often.
    often = "collect_statistics_interval = 500\nmemory_monitor_interval = 500\n"
    (own.folder / "conf.d" / "often.conf").write_text(often)
    own.start()
    try:
        own.wait()
        yield own
    finally:
        own.stop(timeout=0)


@pytest.fixture(scope="module")
def config(node: Node) -> BrokerConfig:
    return load({"RABBITMQ_URL": node.amqp_url, "RABBITMQ_MANAGEMENT_URL": node.management_url})["default"]


class Watcher:
    """Samples as the monitor does, and evaluates, but does not wait between two samples."""

    def __init__(self, config: BrokerConfig, alerts: Called) -> None:
        self.client = Management(config)
        self.alerts = alerts
        self._sampler = Sampler("default", self.client)
        self._at = time.time()

    def codes(self) -> set[str]:
        """Take a sample and return the codes of what is wrong."""
        return {reason["code"] for reason in self.reasons() if reason["level"] != "unknown"}

    def reasons(self) -> list[dict[str, Any]]:
        self._at += 5
        self._sampler.sample(self._at)
        self.alerts.at(self._at)
        return list(Broker.objects.get(slug="default").reasons)

    def fail(self) -> None:
        """Take a sample that the broker does not answer, and note it as the monitor does."""
        with pytest.raises(RabbitError) as fault:
            self.codes()
        self._sampler.fail(fault.value)
        self.alerts.at(self._at)

    def told(self, *kinds: str, within: int = 70) -> None:
        """Let so much time pass that each of these is told; none is told twice."""
        self.pass_by(within)
        assert Counter(self.alerts.hooks) == Counter(("opened", kind) for kind in kinds)
        assert len(self.alerts.mails) == len(kinds)

    def ended(self, *kinds: str) -> None:
        """Let so much time pass that the end of each is told, also once."""
        assert self.pass_by(140) == set()
        events = ("opened", "resolved")
        assert Counter(self.alerts.hooks) == Counter((event, kind) for kind in kinds for event in events)
        assert len(self.alerts.mails) == 2 * len(kinds)

    def pass_by(self, seconds: int) -> set[str]:
        for _ in range(0, seconds, 10):
            self._at += 5
            codes = self.codes()
        return codes

    def within_two(self) -> set[str]:
        self.codes()
        return self.codes()


@pytest.fixture
def watcher(config: BrokerConfig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watcher]:
    with called(monkeypatch, config) as alerts:
        found = Watcher(config, alerts)
        wait_until(lambda: found.client.nodes()[0].mem_used, what="the node's numbers")
        wait_until(lambda: found.codes() == set(), what="the trouble of the last test to be over")
        yield found
        found.client.close()


@pytest.fixture
def connect(config: BrokerConfig) -> Iterator[Callable[[str], pika.BlockingConnection]]:
    opened = []

    def open_one(name: str) -> pika.BlockingConnection:
        parameters = config.connection_parameters("/")
        parameters.client_properties = {"connection_name": name}
        opened.append(pika.BlockingConnection(parameters))
        return opened[-1]

    yield open_one
    for connection in opened:
        if connection.is_open:
            connection.close()


def told() -> list[str]:
    """Return what happened, in words, the newest first."""
    now = timezone.now()
    asked = Asked("default", now - timezone.timedelta(hours=1), now + timezone.timedelta(hours=1))
    return [item.what for item in broker_happenings.happenings(asked)]


def test_a_memory_alarm_and_the_publisher_that_it_blocks(
    node: Node, watcher: Watcher, connect: Callable[[str], pika.BlockingConnection]
) -> None:
    publisher = connect("the shop")
    channel = publisher.channel()
    channel.queue_declare("orders", exclusive=True)
    node_control.memory_watermark(node, 0.000001)
    try:
        wait_until(lambda: watcher.client.nodes()[0].mem_alarm, what="the alarm")
        channel.basic_publish("", "orders", b"1")

        def blocked() -> bool:
            publisher.process_data_events(0.1)
            return any(item.state == "blocked" for item in watcher.client.connections())

        wait_until(blocked, what="the broker to tell of the blocked connection")
        assert watcher.within_two() == {"memory_alarm", "publishers_blocked"}
        reasons = {reason["code"]: reason for reason in Broker.objects.get().reasons}
        assert reasons["publishers_blocked"]["params"]["names"] == ["the shop"]
        numbers = reasons["memory_alarm"]["params"]
        assert numbers["used"] > numbers["limit"] > 0
        assert reasons["memory_alarm"]["since"] <= time.time() + 60
        watcher.told("broker:memory_alarm")
    finally:
        node_control.memory_watermark(node, 0.4)
    wait_until(lambda: watcher.codes() == set(), what="all to be well again")
    watcher.ended("broker:memory_alarm")
    alarms = [what for what in told() if "alarm" in what]
    assert alarms == [f"The memory alarm of {node.name} is gone", f"{node.name} raised its memory alarm"]


def test_a_disk_alarm(node: Node, watcher: Watcher) -> None:
    with node_control.disk_alarm(node):
        wait_until(lambda: watcher.client.nodes()[0].disk_free_alarm, what="the alarm")
        assert watcher.within_two() == {"disk_alarm"}
        [reason] = Broker.objects.get().reasons
        assert 0 < reason["params"]["free"] < reason["params"]["limit"]
        watcher.told("broker:disk_alarm")
    wait_until(lambda: watcher.codes() == set(), what="all to be well again")
    watcher.ended("broker:disk_alarm")


def test_what_no_queue_takes_and_a_leak_of_channels(
    watcher: Watcher, connect: Callable[[str], pika.BlockingConnection], viewer: Client
) -> None:
    connection = connect("the mailer")
    watcher.client.declare_exchange("/", "letters")
    channels = [connection.channel() for _ in range(250)]
    mandatory = connection.channel()
    for _ in range(50):
        channels[0].basic_publish("letters", "nowhere", b"lost")
        mandatory.basic_publish("letters", "nowhere", b"returned", mandatory=True)

    def counted() -> bool:
        connection.process_data_events(0.1)
        seen = watcher.client.overview()
        return bool(seen.dropped and seen.returned and (seen.channels or 0) >= 250)

    wait_until(counted, what="the broker to count")
    assert watcher.within_two() == {"many_channels", "unroutable_dropped", "unroutable_returned"}
    reasons = {reason["code"]: reason["params"] for reason in Broker.objects.get().reasons}
    assert (reasons["many_channels"]["connection"], reasons["many_channels"]["channels"]) == (
        "the mailer",
        251,
    )
    for code in ("unroutable_dropped", "unroutable_returned"):
        assert reasons[code]["exchanges"] == [{"vhost": "/", "name": "letters", "all": True}]
        assert reasons[code]["publishers"] == ["the mailer"]
    text = viewer.get("/").content.decode()
    assert "the mailer has too many channels" in text
    assert "Exchange: letters (/). Published by the mailer." in text
    watcher.pass_by(40)
    channels[0].basic_publish("letters", "nowhere", b"lost")  # and again, or it is over after a minute
    wait_until(lambda: (watcher.client.overview().dropped or 0) > 50, what="the broker to count")
    watcher.told("broker:many_channels", "broker:unroutable_dropped", within=40)
    connection.close()
    watcher.client.delete_exchange("/", "letters")
    wait_until(lambda: not watcher.client.connections(), what="the connection to be gone")
    watcher.ended("broker:many_channels", "broker:unroutable_dropped")


def test_a_node_that_was_killed_and_started(node: Node, watcher: Watcher) -> None:
    node.kill()
    for _ in range(14):
        watcher.fail()
    node.start()
    node.wait()
    wait_until(lambda: watcher.client.nodes()[0].uptime_s, what="the node's numbers")
    assert watcher.within_two() == {"node_restarted"}
    assert sorted(told()) == sorted(
        ["The broker cannot be reached", "The broker answers again", f"{node.name} started"]
    )
    watcher.pass_by(40)
    assert watcher.alerts.hooks == [("opened", "broker_away"), ("resolved", "broker_away")]
    assert len(watcher.alerts.mails) == 2
