from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from mqadmin.rabbit import amqp
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.message import Message, Properties
from mqadmin.rabbit.publishing.publisher import Outgoing, Publisher, Receipt, close_publishers, get_publisher
from tests.rabbit.proxy import Proxy
from tests.support.management import Management, purge
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker


@pytest.fixture
def publisher(broker_config: BrokerConfig, vhost: str) -> Iterator[Publisher]:
    opened = Publisher(broker_config, vhost)
    yield opened
    opened.close()


@pytest.fixture
def proxy(broker_config: BrokerConfig) -> Iterator[Proxy]:
    with Proxy(broker_config.host, broker_config.port) as opened:
        yield opened


@pytest.fixture
def through_proxy(broker_config: BrokerConfig, vhost: str, proxy: Proxy) -> Iterator[Publisher]:
    url = broker_config.amqp_url.replace(broker_config.address, f"127.0.0.1:{proxy.port}")
    opened = Publisher(replace(broker_config, amqp_url=url, timeout_s=2.0), vhost)
    yield opened
    opened.close()


def messages(count: int, key: str = "q", exchange: str = "") -> list[Outgoing]:
    return [
        Outgoing(exchange, key, f"{index}".encode(), Properties(delivery_mode=2)) for index in range(count)
    ]


def reasons(receipts: list[Receipt]) -> list[str]:
    return [receipt.reason for receipt in receipts]


def drain(config: BrokerConfig, vhost: str, queue: str = "q") -> list[Message]:
    found = []
    with amqp.channel(config, vhost) as channel:
        while True:
            method, properties, body = channel.basic_get(queue, auto_ack=True)
            if method is None or properties is None:
                return found
            found.append(Message.from_pika(method, properties, body or b""))


def test_all_arrive_in_order_and_are_confirmed(
    publisher: Publisher, management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    management.declare_queue(vhost, "q")
    receipts = publisher.publish_batch(messages(3000))
    assert all(receipt.ok for receipt in receipts)
    assert len(receipts) == 3000
    assert [int(item.body) for item in drain(broker_config, vhost)] == list(range(3000))


def test_nothing_to_publish_needs_no_broker() -> None:
    nowhere = BrokerConfig("x", "X", "amqp://127.0.0.1:1", "http://127.0.0.1:1")
    assert Publisher(nowhere, "/").publish_batch([]) == []


def test_what_no_queue_takes_is_told_apart_from_what_one_does(
    publisher: Publisher, management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    management.declare_queue(vhost, "q")
    batch = [Outgoing("", "nowhere" if index % 3 == 0 else "q", str(index).encode()) for index in range(900)]
    receipts = publisher.publish_batch(batch)
    expected = ["unroutable" if index % 3 == 0 else "confirmed" for index in range(900)]
    assert reasons(receipts) == expected
    assert not any(receipt.unknown for receipt in receipts)
    assert "NO_ROUTE" in receipts[0].detail
    assert [int(item.body) for item in drain(broker_config, vhost)] == [i for i in range(900) if i % 3]


def test_returns_are_matched_where_only_headers_decide(
    publisher: Publisher, management: Management, vhost: str
) -> None:
    management.declare_queue(vhost, "q")
    management.bind(vhost, "amq.headers", "q", arguments={"x-match": "all", "ok": True})
    batch = [Outgoing("amq.headers", "", b"same", Properties(headers={"ok": i % 2 == 0})) for i in range(200)]
    assert reasons(publisher.publish_batch(batch)) == ["confirmed", "unroutable"] * 100


def test_a_missing_exchange_fails_its_messages_and_no_others(
    publisher: Publisher, management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    management.declare_queue(vhost, "q")
    batch = [Outgoing("gone" if index % 2 else "", "q", str(index).encode()) for index in range(100)]
    receipts = publisher.publish_batch(batch)
    assert reasons(receipts) == ["confirmed", "exchange_missing"] * 50
    assert not any(receipt.unknown for receipt in receipts)
    assert len(drain(broker_config, vhost)) == 50


def test_a_full_queue_that_rejects_is_a_nack(
    publisher: Publisher, management: Management, vhost: str
) -> None:
    management.declare_queue(vhost, "q", arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    receipts = publisher.publish_batch(messages(3))
    assert reasons(receipts) == ["confirmed", "nacked", "nacked"]


def test_a_foreign_user_id_is_refused_alone(
    publisher: Publisher, management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    management.declare_queue(vhost, "q")
    batch = messages(50)
    batch[20] = replace(batch[20], properties=Properties(user_id="somebody"))
    batch[30] = replace(batch[30], properties=Properties(user_id=broker_config.username))
    receipts = publisher.publish_batch(batch)
    assert [index for index, receipt in enumerate(receipts) if not receipt.ok] == [20]
    assert receipts[20].reason == "refused"
    assert "user_id" in receipts[20].detail
    assert len(drain(broker_config, vhost)) == 49


@pytest.mark.parametrize(
    "bad",
    [
        Outgoing("", "k" * 256, b""),
        Outgoing("", "q", b"", Properties(headers={"n": 2**70})),
        Outgoing("", "q", b"", Properties(headers={"n": float("inf")})),
        Outgoing("", "q", b"", Properties(headers={"o": object()})),
        Outgoing("", "q", b"", Properties(priority=999)),
        Outgoing("", "q", b"", Properties(message_id="\ud800")),
    ],
)
def test_what_cannot_be_encoded_fails_alone(
    publisher: Publisher, management: Management, vhost: str, bad: Outgoing
) -> None:
    management.declare_queue(vhost, "q")
    receipts = publisher.publish_batch([*messages(2), bad, *messages(2)])
    assert reasons(receipts) == ["confirmed", "confirmed", "invalid", "confirmed", "confirmed"]


def test_writing_without_permission_is_refused(
    management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    user = f"reader-{vhost}"
    management.create_user(user, "secret")
    management.set_permissions(vhost, user, write="^$")
    management.declare_queue(vhost, "q")
    config = replace(broker_config, amqp_url=f"amqp://{user}:secret@{broker_config.address}")
    publisher = Publisher(config, vhost)
    try:
        receipts = publisher.publish_batch(messages(3))
        assert reasons(receipts) == ["refused"] * 3
        assert "write permission on the default exchange" in receipts[0].detail
    finally:
        publisher.close()
        management.delete_user(user)


@pytest.mark.parametrize(
    ("url", "vhost_name", "reason", "words"),
    [
        ("amqp://guest:guest@127.0.0.1:1", "/", "connection_lost", "cannot be reached"),
        ("amqp://nobody:wrong@{address}", "/", "refused", "user name or password"),
        ("amqp://{login}@{address}", "no-such-vhost", "refused", "vhost|virtual host"),
    ],
)
def test_without_a_connection_nothing_was_sent(
    broker_config: BrokerConfig, url: str, vhost_name: str, reason: str, words: str
) -> None:
    login = broker_config.amqp_url.split("//")[1].rpartition("@")[0]
    config = replace(broker_config, amqp_url=url.format(address=broker_config.address, login=login))
    publisher = Publisher(config, vhost_name)
    receipts = publisher.publish_batch(messages(2), timeout_s=15)
    publisher.close()
    assert reasons(receipts) == [reason] * 2
    assert not any(receipt.unknown for receipt in receipts)
    assert any(word in receipts[0].detail for word in words.split("|"))


def test_a_lost_connection_is_replaced_and_says_what_is_unknown(
    through_proxy: Publisher,
    proxy: Proxy,
    management: Management,
    broker_config: BrokerConfig,
    vhost: str,
) -> None:
    management.declare_queue(vhost, "q")
    assert through_proxy.publish_batch(messages(10))[-1].ok
    batch = messages(30_000)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(through_proxy.publish_batch, batch)
        wait_until(lambda: proxy.passed > 500_000, interval=0.001, what="the batch is under way")
        proxy.cut()
        receipts = running.result(60)
    counts = Counter(reasons(receipts))
    unknown = [receipt for receipt in receipts if receipt.unknown]
    assert set(counts) <= {"confirmed", "connection_lost"}
    assert 0 < len(unknown) == counts["connection_lost"] <= 1000
    arrived = purge(broker_config, vhost, "q") - 10
    assert counts["confirmed"] <= arrived <= counts["confirmed"] + len(unknown)
    assert proxy.accepted == 2


def test_a_silent_connection_times_out_and_is_replaced(
    through_proxy: Publisher, proxy: Proxy, management: Management, vhost: str
) -> None:
    management.declare_queue(vhost, "q")
    assert through_proxy.publish_batch(messages(1))[0].ok
    proxy.freeze()
    receipts = through_proxy.publish_batch(messages(3), timeout_s=0.5)
    # The first goes alone, as it might have closed the channel; the others were never sent.
    assert [(receipt.reason, receipt.unknown) for receipt in receipts] == [
        ("timed_out", True),
        ("timed_out", False),
        ("timed_out", False),
    ]
    proxy.thaw()
    assert through_proxy.publish_batch(messages(1))[0].ok
    assert proxy.accepted == 2


def test_threads_share_one_connection(
    through_proxy: Publisher,
    proxy: Proxy,
    management: Management,
    broker_config: BrokerConfig,
    vhost: str,
) -> None:
    management.declare_queue(vhost, "q")
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: through_proxy.publish_batch(messages(100)), range(16)))
    assert all(receipt.ok for batch in batches for receipt in batch)
    assert purge(broker_config, vhost, "q") == 1600
    assert proxy.accepted == 1


def test_an_exchange_deleted_in_mid_stream_is_found_out(
    through_proxy: Publisher, proxy: Proxy, management: Management, vhost: str
) -> None:
    management.declare_exchange(vhost, "e", type="fanout")
    management.declare_queue(vhost, "q")
    management.bind(vhost, "e", "q")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(through_proxy.publish_batch, messages(30_000, exchange="e"))
        wait_until(lambda: proxy.passed > 500_000, interval=0.001, what="the batch is under way")
        management.delete_exchange(vhost, "e")
        receipts = running.result(60)
    counts = Counter(reasons(receipts))
    # RabbitMQ takes the bindings away a moment before the exchange: what comes then is returned.
    assert set(counts) - {"unroutable"} == {"confirmed", "connection_lost", "exchange_missing"}
    # Only what was on its way when the channel closed is in doubt; what followed is known to have failed.
    assert counts["connection_lost"] <= 1000
    assert receipts[-1].reason == "exchange_missing"


def test_the_registry_gives_each_process_its_own(
    management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    management.declare_queue(vhost, "q")
    mine = get_publisher(broker_config, vhost)
    assert get_publisher(broker_config, vhost) is mine
    assert mine.publish_batch(messages(1))[0].ok
    child = os.fork()
    if child == 0:
        ok = False
        try:
            inherited = mine.publish_batch(messages(1), timeout_s=10)[0].ok
            ok = inherited and get_publisher(broker_config, vhost) is not mine
        finally:
            os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert mine.publish_batch(messages(1))[0].ok
    close_publishers()
    assert get_publisher(broker_config, vhost) is not mine
    close_publishers()


def test_closing_ends_the_thread_and_a_later_call_opens_again(
    publisher: Publisher, management: Management, vhost: str
) -> None:
    management.declare_queue(vhost, "q")
    before = threading.active_count()
    for _ in range(5):
        assert publisher.publish_batch(messages(1))[0].ok
        publisher.close()
    assert threading.active_count() == before
