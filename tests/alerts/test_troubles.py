"""Trouble of queues made for real, all at once: each gets its verdict in time and no other, somebody is called once
by mail and by webhook, and is told once when it is over.

Moments are made up, what the broker counts is not: minutes pass in as many samples as they would take.
What befalls nodes and connections: tests/queues/monitor/cluster/test_real_trouble.py.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from consumers.runtime.sink import CapturedMessage
from mqadmin.alerts.models import Incident, Rule
from mqadmin.deadletters.capture.capture import LetterSink
from mqadmin.local import ports
from mqadmin.local.node import Node
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.monitor.sampling import Sampler
from mqadmin.rabbit.config import BrokerConfig, load
from mqadmin.rabbit.message import Message
from mqadmin.rabbit.types import QueueInfo
from tests.support.called import FOR_S, Called, called
from tests.support.management import Management
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db, pytest.mark.any_database]

# All that is waited for is the broker's to count: it counts more often.
OFTEN = """collect_statistics_interval = 500
management.sample_retention_policies.global.minute = 1
management.sample_retention_policies.basic.minute = 1
management.sample_retention_policies.detailed.10 = 1
"""
STEP = 5
SILENT_S = 150
# What their owners want of them: of a backlog that came at once nothing but its age.
LIMITS = {
    "late": {"oldest_s": 60, "growing_s": 0, "clears_s": 0},
    "steady": {"silent_s": SILENT_S},
}
BURST = 200


@pytest.fixture
def config(tmp_path: Path) -> Iterator[BrokerConfig]:
    node = Node(tmp_path / "node", ports.pick(), ports.pick())
    (node.folder / "conf.d").mkdir(parents=True)
    (node.folder / "conf.d" / "often.conf").write_text(OFTEN)
    node.start()
    try:
        node.wait()
        yield load({"RABBITMQ_URL": node.amqp_url, "RABBITMQ_MANAGEMENT_URL": node.management_url})["default"]
    finally:
        node.stop(timeout=0)


class Shop:
    """Producers and consumers, worked between two samples."""

    def __init__(self, config: BrokerConfig) -> None:
        self.connection = pika.BlockingConnection(config.connection_parameters("/"))
        self.channel = self.connection.channel()
        self.at = time.time()  # made up
        self.busy: dict[str, Callable[[], Any]] = {}
        self.held: dict[str, list[int]] = {}
        self.consumers: dict[str, BlockingChannel] = {}

    def work(self) -> None:
        for task in list(self.busy.values()):
            task()
        self.connection.process_data_events(0)

    def publish(self, queue: str, count: int = 1) -> None:
        for _ in range(count):
            self.channel.basic_publish("", queue, b"{}")

    def consume(self, queue: str, *, prefetch: int, does: Callable[[BlockingChannel, int], Any]) -> None:
        channel = self.consumers[queue] = self.connection.channel()
        channel.basic_qos(prefetch_count=prefetch)
        channel.basic_consume(queue, lambda _c, method, _p, _b: does(channel, method.delivery_tag))

    def hold(self, queue: str) -> None:
        """Consume and handle nothing: a handler that hangs."""
        held = self.held[queue] = []
        self.consume(queue, prefetch=1, does=lambda _channel, tag: held.append(tag))

    def let_go(self, queue: str) -> None:
        """Handle one of those that are held."""
        if self.held[queue]:
            self.consumers[queue].basic_ack(self.held[queue].pop(0))

    def eat(self, queue: str) -> None:
        self.consume(queue, prefetch=50, does=lambda channel, tag: channel.basic_ack(tag))


@dataclass(frozen=True)
class Trouble:
    """`codes`: all that is wrong with the queue then, `after` so many seconds. `told`: the incidents that it is."""

    queue: str
    codes: set[str]
    told: tuple[str, ...]
    after: int
    make: Callable[[Shop], Any]
    shows: Callable[[QueueInfo | Queue], Any]  # whether the broker's numbers tell of it
    cure: Callable[[Shop], Any]


def nobody_leaves(shop: Shop) -> None:
    shop.consumers["left"].close()
    shop.publish("left", 5)


def a_handler_hangs(shop: Shop) -> None:
    shop.publish("stuck", 5)


def it_goes_on(shop: Shop) -> None:
    shop.busy["stuck"] = lambda: shop.let_go("stuck")


def the_same_again_and_again(shop: Shop) -> None:
    shop.publish("loop")

    def refuse() -> None:
        if held := shop.held["loop"]:
            shop.consumers["loop"].basic_nack(held.pop(0), requeue=True)

    shop.busy["loop"] = refuse


def the_exchange_is_made(shop: Shop) -> None:
    shop.channel.exchange_declare("nowhere", "fanout", durable=True)
    shop.channel.queue_bind("letters", "nowhere")


def many_die(shop: Shop) -> None:
    shop.publish("dying", 30)
    shop.consume("dying", prefetch=50, does=lambda channel, tag: channel.basic_reject(tag, requeue=False))


def letters_are_captured(shop: Shop) -> None:
    """Take all in one window, as a collector does."""
    sink = LetterSink(broker="default", vhost="/", queue="letters")
    sink.open()
    taken = []
    while (got := shop.channel.basic_get("letters"))[0] is not None:
        message = Message.from_pika(got[0], got[1], got[2] or b"")
        taken.append(CapturedMessage(message, datetime.fromtimestamp(shop.at, UTC)))
    sink.commit_window(taken)
    shop.channel.basic_ack(0, multiple=True)
    sink.settled()


def slowly(shop: Shop) -> None:
    shop.publish("late", 2000)
    shop.busy["late"] = lambda: shop.let_go("late")


def quickly(shop: Shop) -> None:
    shop.busy.pop("late")
    shop.consumers["late"].close()
    shop.eat("late")


TROUBLES = [
    Trouble(
        "left", {"no_consumers"}, ("verdict:no_consumers",), 30, nobody_leaves,
        lambda info: info.consumers == 0 and info.ready == 5, lambda shop: shop.eat("left"),
    ),
    Trouble(
        "stuck", {"stalled"}, ("verdict:stalled",), 60, a_handler_hangs,
        lambda info: (info.ready, info.unacked) == (4, 1), it_goes_on,
    ),
    Trouble(
        "loop", {"redelivered"}, ("verdict:redelivered",), 20, the_same_again_and_again,
        lambda info: info.redeliver_rate, lambda shop: shop.busy.update(loop=lambda: shop.let_go("loop")),
    ),
    Trouble(
        "astray", {"dead_letters_lost"}, ("verdict:dead_letters_lost",), 0,
        lambda shop: shop.channel.queue_declare(
            "astray", durable=True, arguments={"x-dead-letter-exchange": "nowhere"}
        ),
        lambda _info: True, the_exchange_is_made,
    ),
    Trouble(
        "limited", {"full", "never_consumed"}, ("verdict:full",), 30, lambda shop: shop.publish("limited", 9),
        lambda info: info.ready == 5, lambda shop: shop.eat("limited"),
    ),
    Trouble(
        "expiring", {"losing"}, ("verdict:losing",), 0, lambda _shop: None,
        lambda info: not info.publish_rate, lambda _shop: None,
    ),
    Trouble(
        "letters", {"letters_arriving"}, ("letters", "new_cause"), 0, many_die,
        lambda info: info.ready == 30, letters_are_captured,
    ),
    Trouble(
        "steady", {"silent"}, ("verdict:silent",), SILENT_S,
        lambda shop: shop.busy.pop("steady"), lambda info: info.publish_rate == 0,
        lambda shop: shop.busy.update(steady=lambda: shop.publish("steady")),
    ),
    Trouble(
        "late", {"waits_long"}, ("lag",), 60, slowly,
        lambda info: (info.ready or 0) > 100 and info.ack_rate,
        quickly,
    ),
]  # fmt: skip
BY_QUEUE = {trouble.queue: trouble for trouble in TROUBLES}
AFTER = {trouble.queue: trouble.after for trouble in TROUBLES}
EXPECTED = {trouble.queue: trouble.codes for trouble in TROUBLES}


def codes_of(queue: Queue) -> set[str]:
    return {item["code"] for item in queue.health_reasons if item["level"] in ("broken", "watch")}


def is_all_handled(infos: dict[str, QueueInfo]) -> bool:
    """Also by the counts, which lag behind."""
    return not any(infos[name].ready for name in EXPECTED) and infos["late"].left == infos["late"].published


@dataclass
class Story:
    """The monitor and the engine at made-up moments.

    `waited`: how long it took until the verdict on a queue was all that it should be, since the last sample in
    which the broker's numbers did not show its trouble: its rates are 0 for a moment now and then.
    """

    shop: Shop
    client: Management
    alerts: Called
    fine_at: dict[str, float] = field(default_factory=dict)
    waited: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sampler = Sampler("default", self.client)

    def sample(self, step: float = STEP) -> dict[str, set[str]]:
        """Let time pass, take a sample and have it evaluated; return the codes of what is wrong by queue."""
        self.shop.work()
        self.shop.at += step
        self.sampler.sample(self.shop.at)
        self.alerts.at(self.shop.at)
        rows = {row.name: row for row in Queue.objects.filter(gone_at=None)}
        wrong = {name: codes_of(row) for name, row in rows.items()}
        for name, codes in wrong.items():
            assert codes <= EXPECTED.get(name, set()), (name, codes)
        for name, trouble in BY_QUEUE.items() if self.fine_at else ():
            if not trouble.shows(rows[name]):
                self.fine_at[name] = self.shop.at
            elif wrong[name] == trouble.codes:
                self.waited.setdefault(name, self.shop.at - self.fine_at[name])
        assert Broker.objects.get().reasons == []
        return wrong

    def lasts(self, seconds: float, step: float = STEP) -> dict[str, set[str]]:
        for _ in range(int(seconds / step)):
            wrong = self.sample(step)
        return wrong

    def until(self, predicate: Callable[[dict[str, QueueInfo]], Any], what: str) -> None:
        """Wait for the broker's numbers; no time passes."""

        def holds() -> Any:
            self.shop.work()
            return predicate({info.name: info for info in self.client.queues()})

        wait_until(holds, 30, 0.05, what)

    def is_made(self) -> None:
        """Wait until the broker's numbers tell of all trouble."""
        self.until(lambda infos: all(item.shows(infos[item.queue]) for item in TROUBLES), "all trouble")
        self.fine_at = self.fine_at or dict.fromkeys(EXPECTED, self.shop.at)

    def arrives(self, queue: str) -> None:
        """Wait for the broker to count one more than the last sample saw."""
        [before] = [info.published or 0 for info in self.client.queues() if info.name == queue]
        self.until(lambda infos: (infos[queue].published or 0) > before, f"more for {queue}")


@pytest.fixture
def story(config: BrokerConfig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    shop, client = Shop(config), Management(config)
    with called(monkeypatch, config) as alerts:
        yield Story(shop, client, alerts)
    client.close()
    shop.connection.close()


def opened(shop: Shop) -> None:
    """Declare the queues, and have all go well."""
    shop.channel.exchange_declare("dead", "fanout", durable=True)
    arguments: dict[str, dict[str, Any]] = {
        "limited": {"x-max-length": 5, "x-overflow": "reject-publish"},
        "expiring": {"x-message-ttl": 1},
        "dying": {"x-dead-letter-exchange": "dead"},
    }
    for queue in (*(EXPECTED.keys() - {"astray"}), "dying", "well"):
        shop.channel.queue_declare(queue, durable=True, arguments=arguments.get(queue))
    shop.channel.queue_bind("letters", "dead")
    for queue in ("steady", "well", "left"):
        shop.eat(queue)
        shop.busy[queue] = lambda queue=queue: shop.publish(queue)
    for queue in ("stuck", "loop", "late"):
        shop.hold(queue)


def some_expire(story: Story) -> None:
    """Have them expire in four goes, each of which the monitor sees."""
    for number in range(1, 5):
        story.shop.publish("expiring", BURST)
        story.until(
            lambda infos, number=number: (
                infos["expiring"].published == number * BURST and not infos["expiring"].total
            ),
            "the broker to count what expired",
        )
        story.sample(10)


def rules_and_limits() -> None:
    """Set what people may set, so that less time must pass."""
    Rule.objects.filter(built_in="lag").update(value=90, clear_value=50, for_s=FOR_S, clear_s=FOR_S)
    Rule.objects.filter(built_in="letters").update(window_s=60, clear_s=FOR_S)
    for name, limits in LIMITS.items():
        Queue.objects.filter(name=name).update(thresholds=limits, own=["thresholds"])


def test_each_trouble_is_told_in_time_and_once_and_so_is_its_end(story: Story) -> None:
    shop, alerts = story.shop, story.alerts
    opened(shop)
    story.sample()
    rules_and_limits()
    story.lasts(90)
    assert alerts.mails == []

    shop.busy.pop("left")
    some_expire(story)
    for trouble in TROUBLES:
        trouble.make(shop)
    story.is_made()
    for _ in range(0, SILENT_S + 2 * FOR_S, STEP):
        wrong = story.sample()
        story.is_made()
    assert {name: codes for name, codes in wrong.items() if codes} == EXPECTED
    late = {name: took for name, took in story.waited.items() if took > AFTER[name] + 2 * STEP}
    assert (len(story.waited), late) == (len(TROUBLES), {})

    for trouble in TROUBLES:
        trouble.cure(shop)
    story.until(is_all_handled, "all to be handled")
    for _ in range(5):  # what is lost is told for some minutes
        story.arrives("steady")
        wrong = story.lasts(100, 10)
    assert not any(wrong.values())
    told = [kind for trouble in TROUBLES for kind in trouble.told]
    ended = [kind for kind in told if kind != "new_cause"]  # which goes on until none came for an hour
    events = [("opened", kind) for kind in told] + [("resolved", kind) for kind in ended]
    assert Counter(alerts.hooks) == Counter(events)
    assert len(alerts.mails) == len(events)
    assert set(Incident.objects.filter(resolved_at=None).values_list("kind", flat=True)) == {"new_cause"}
