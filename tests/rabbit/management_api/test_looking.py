"""A look is never the one return too many: messages of quorum queues near and at their delivery limit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pika
import pytest

from mqadmin.rabbit.config import BrokerConfig, load
from mqadmin.rabbit.errors import RabbitError, UnsafePeek
from mqadmin.rabbit.management_api import looking, peek
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.looking import Looking
from mqadmin.rabbit.message import Message, Properties
from tests.support import amqp
from tests.support.management import Management
from tests.support.returns import bodies, need_counted_nacks, return_often
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

LIMIT = 20


@pytest.fixture(autouse=True)
def _near_the_limit_by_nacks(management: Management) -> None:
    need_counted_nacks(management)


def declare(management: Management, vhost: str, name: str = "q", **arguments: Any) -> str:
    given = {"x-queue-type": "quorum", "x-delivery-limit": LIMIT}
    given |= {key.replace("_", "-"): value for key, value in arguments.items()}
    management.declare_queue(
        vhost, name, arguments={key: value for key, value in given.items() if value is not None}
    )
    return name


def shown(found: list[Any]) -> list[tuple[bytes, str]]:
    return [(item.message.body, item.put_back) for item in found]


def look(client: ManagementClient, vhost: str, queue: str = "q", count: int = 10) -> list[tuple[bytes, str]]:
    return shown(peek.peek(client, vhost, queue, count))


@pytest.mark.parametrize("times", [LIMIT - 1, LIMIT])
def test_returned_up_to_the_limit(
    times: int, management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    declare(management, vhost)
    amqp.publish(broker_config, vhost, "q", [b"x"])
    return_often(broker_config, vhost, "q", b"x", times)
    assert look(management, vhost) == [(b"x", "copied")]
    assert bodies(broker_config, vhost, "q", 1) == [b"x"]


def test_with_the_limit_that_nobody_set(
    management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    if management.overview().version < "4":
        pytest.skip("there is none before 4.0")
    declare(management, vhost, x_delivery_limit=None)
    amqp.publish(broker_config, vhost, "q", [b"x"])
    return_often(broker_config, vhost, "q", b"x", LIMIT)
    assert look(management, vhost) == [(b"x", "copied")]
    assert bodies(broker_config, vhost, "q", 1) == [b"x"]


def test_what_bears_it_is_returned_and_keeps_its_place(
    management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    declare(management, vhost)
    amqp.publish(broker_config, vhost, "q", [b"1", b"2", b"3"])
    return_often(broker_config, vhost, "q", b"1", LIMIT - 2)
    assert look(management, vhost, count=2) == [(b"1", "returned"), (b"2", "returned")]
    wait_until(lambda: amqp.depth(broker_config, vhost, "q") == 3)
    found = amqp.drain(broker_config, vhost, "q", expect=3)
    assert [item.body for item in found] == [b"1", b"2", b"3"]
    assert found[0].headers["x-delivery-count"] == LIMIT - 1  # its consumer may return it once more


def test_behind_the_head(management: Management, broker_config: BrokerConfig, vhost: str) -> None:
    declare(management, vhost)
    amqp.publish(broker_config, vhost, "q", [b"1", b"2", b"3"])
    return_often(broker_config, vhost, "q", b"2", LIMIT)
    assert look(management, vhost) == [(b"1", "returned"), (b"2", "copied"), (b"3", "returned")]
    wait_until(lambda: amqp.depth(broker_config, vhost, "q") == 3)
    found = amqp.drain(broker_config, vhost, "q", expect=3)
    assert [item.body for item in found] == [b"1", b"3", b"2"]  # the copy is at the end


def test_again_and_again_nothing_is_lost(
    management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    declare(management, vhost)
    amqp.publish(broker_config, vhost, "q", [b"1", b"2", b"3"])
    ways = {way for _ in range(3 * LIMIT) for _, way in look(management, vhost)}
    assert ways == {"returned", "copied"}
    assert bodies(broker_config, vhost, "q", 3) == [b"1", b"2", b"3"]


def test_by_fresh_processes_at_once(
    management: Management,
    broker_config: BrokerConfig,
    amqp_url: str,
    management_url: str,
    vhost: str,
) -> None:
    """Whatever one process has seen, another has not: each look finds out for itself."""
    declare(management, vhost)
    amqp.publish(broker_config, vhost, "q", [b"%d" % number for number in range(5)])
    for number in (0, 2, 3):
        return_often(broker_config, vhost, "q", b"%d" % number, LIMIT - 3)
    command = [
        sys.executable,
        "-m",
        "tests.support.looking_child",
        amqp_url,
        management_url,
        vhost,
        "q",
        "15",
    ]
    pipe = subprocess.PIPE
    running = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(3)]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        process.communicate("go\n")
        assert process.returncode == 0
    assert bodies(broker_config, vhost, "q", 5) == [b"%d" % number for number in range(5)]


@pytest.mark.parametrize("kind", ["policies", "operator-policies"])
def test_a_limit_that_was_set_a_moment_ago(
    kind: str, management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    """It is in force, and not in the statistics yet."""
    declare(management, vhost, x_delivery_limit=50)
    amqp.publish(broker_config, vhost, "q", [b"x", b"y"])
    return_often(broker_config, vhost, "q", b"x", 8)
    management.set_policy(vhost, "strict", "^q$", {"delivery-limit": 8}, kind=kind)
    assert look(management, vhost) == [(b"x", "copied"), (b"y", "returned")]
    assert bodies(broker_config, vhost, "q", 2) == [b"x", b"y"]


def test_a_limit_too_small_for_looks_is_refused_from_that_moment(
    management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    declare(management, vhost, x_delivery_limit=50)
    amqp.publish(broker_config, vhost, "q", [b"x"])
    look(management, vhost)
    management.set_policy(vhost, "strict", "^q$", {"delivery-limit": 2})
    for _ in range(3):
        with pytest.raises(UnsafePeek, match="2 returns"):
            look(management, vhost)
    assert bodies(broker_config, vhost, "q", 1) == [b"x"]


def test_a_limit_that_is_set_while_they_are_in_hand(
    management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    declare(management, vhost, x_delivery_limit=50)
    amqp.publish(broker_config, vhost, "q", [b"x", b"y"])
    return_often(broker_config, vhost, "q", b"x", 8)

    def set_now() -> int:
        management.set_policy(vhost, "strict", "^q$", {"delivery-limit": 8})
        return 8

    found = Looking(broker_config, vhost, "q", 10, limit=50, limit_now=set_now).found(truncate=10)
    assert shown(found) == [(b"x", "copied"), (b"y", "returned")]
    assert bodies(broker_config, vhost, "q", 2) == [b"x", b"y"]


def test_the_copy_is_the_message(management: Management, broker_config: BrokerConfig, vhost: str) -> None:
    declare(management, vhost)
    management.declare_exchange(vhost, "orders", type="topic")
    management.bind(vhost, "orders", "q", "order.#")
    declare(management, vhost, "cc")
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    headers = {"CC": ["cc"], "ratio": 1.5, "at": moment, "nested": {"a": [1, None]}, "x-delivery-count": 3}
    properties = pika.BasicProperties(
        headers=headers, message_id="m", content_type="text/plain", priority=3, expiration="86400000"
    )
    with amqp.channel(broker_config, vhost) as channel:
        channel.basic_publish("orders", "order.new", b"x" * 200_000, properties)
    return_often(broker_config, vhost, "q", b"x" * 200_000, LIMIT)
    [item] = peek.peek(management, vhost, "q")
    assert (len(item.message.body), item.size, item.truncated) == (50_000, 200_000, True)
    [found] = amqp.drain(broker_config, vhost, "q", expect=1)
    kept = {key: value for key, value in headers.items() if key not in ("CC", "x-delivery-count")}
    told = {key: value for key, value in found.headers.items() if (key, value) != ("x-delivery-count", 0)}
    assert told == kept | {
        "mqadmin-original-CC": ["cc"],
        "mqadmin-origin-exchange": "orders",
        "mqadmin-origin-routing-key": "order.new",
    }
    read = Properties.from_pika(found.properties)
    assert (read.message_id, read.content_type, read.priority, read.expiration) == (
        "m",
        "text/plain",
        3,
        "86400000",
    )
    assert found.body == b"x" * 200_000
    assert amqp.depth(broker_config, vhost, "cc") == 0


def test_a_copy_that_has_no_room_for_more_headers_goes_as_it_is() -> None:
    full = Properties(headers={"h": "x" * 131_000})
    copy = looking.outgoing(Message(b"", full, "orders", "new"), "q", username="guest")
    assert copy.properties == full
    copy = looking.outgoing(Message(b"", Properties(user_id="ann"), "", "q"), "q", username="guest")
    assert copy.properties.headers == {"mqadmin-original-user-id": "ann"}


@pytest.mark.parametrize("bound", [{"x_max_length": 4}, {"x_max_length_bytes": 4}])
def test_a_full_queue_loses_none(
    bound: dict[str, int], management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    declare(management, vhost, **bound)
    amqp.publish(broker_config, vhost, "q", [b"1", b"2", b"3", b"4"])
    for body in (b"4", b"2"):  # the one that is held while the other comes back is returned once as well
        return_often(broker_config, vhost, "q", body, LIMIT - 1)
    assert sorted(look(management, vhost)) == [
        (b"1", "returned"),
        (b"2", "copied"),
        (b"3", "returned"),
        (b"4", "copied"),
    ]
    assert bodies(broker_config, vhost, "q", 4) == [b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"x_max_length": 4, "x_overflow": "reject-publish"}, "full"),
        ({"x_single_active_consumer": True}, "single active consumer"),
        ({"x_delivery_limit": 5}, "5 returns"),
    ],
)
def test_refused_before_anything_is_taken(
    arguments: dict[str, Any], why: str, management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    declare(management, vhost, **arguments)
    amqp.publish(broker_config, vhost, "q", [b"x"])
    with pytest.raises(UnsafePeek, match=why):
        look(management, vhost)
    # Not by a get: there is none with a single active consumer.
    with amqp.channel(broker_config, vhost) as channel:
        method, _properties, _body = next(channel.consume("q", auto_ack=True))
    assert method is not None
    assert not method.redelivered


@pytest.fixture
def reader(management: Management, vhost: str, amqp_url: str, management_url: str) -> Iterator[BrokerConfig]:
    """The broker as a user knows it who may read all and write nothing, and sees what the lowest tag lets see."""
    name = f"reader-{vhost}"
    management.create_user(name, "secret", tags=["management"])
    management.set_permissions(vhost, name, configure="", write="", read=".*")

    def own(url: str) -> str:
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=f"{name}:secret@{parts.netloc.rpartition('@')[2]}"))

    yield load({"RABBITMQ_URL": own(amqp_url), "RABBITMQ_MANAGEMENT_URL": own(management_url)})["default"]
    management.delete_user(name)


def test_who_may_not_publish_may_not_look_where_that_could_be_needed(
    management: Management, broker_config: BrokerConfig, reader: BrokerConfig, vhost: str
) -> None:
    declare(management, vhost)
    amqp.publish(broker_config, vhost, "q", [b"x"])
    return_often(broker_config, vhost, "q", b"x", LIMIT)
    client = ManagementClient(reader)
    with pytest.raises(UnsafePeek, match=r"as a copy.*refused"):
        look(client, vhost)
    assert bodies(broker_config, vhost, "q", 1) == [b"x"]
    management.declare_queue(vhost, "classic")
    amqp.publish(broker_config, vhost, "classic", [b"x"])
    assert look(client, vhost, "classic") == [(b"x", "returned")]
    client.close()


def test_what_the_broker_does_not_take_is_held_until_it_does(
    monkeypatch: pytest.MonkeyPatch, management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    monkeypatch.setattr(looking, "AGAIN_SECONDS", 0.1)
    declare(management, vhost, x_delivery_limit=50)
    amqp.publish(broker_config, vhost, "q", [b"x", b"y"])
    return_often(broker_config, vhost, "q", b"x", 8)

    def fill() -> int:
        definition = {"delivery-limit": 8, "max-length": 1, "overflow": "reject-publish"}
        management.set_policy(vhost, "strict", "^q$", definition)
        wait_until(is_full, 30, what="a queue that takes no more")
        return 8

    def is_full() -> bool:
        try:
            amqp.publish(broker_config, vhost, "q", [b"filler"])
        except pika.exceptions.NackError:
            return True
        return False

    found = Looking(broker_config, vhost, "q", 1, limit=50, limit_now=fill).found(truncate=10)
    assert shown(found) == [(b"x", "held")]
    assert b"x" not in [item.body for item in amqp.drain(broker_config, vhost, "q", expect=2)]
    wait_until(lambda: amqp.depth(broker_config, vhost, "q") == 1, 30, what="the copy")
    assert bodies(broker_config, vhost, "q", 1) == [b"x"]


@pytest.mark.parametrize(("bound", "most", "count"), [("MOST_BYTES", 1500, 2), ("MOST_SECONDS", 0, 0)])
def test_a_look_takes_no_more_than_it_can_hold(
    bound: str,
    most: int,
    count: int,
    monkeypatch: pytest.MonkeyPatch,
    management: Management,
    broker_config: BrokerConfig,
    vhost: str,
) -> None:
    monkeypatch.setattr(looking, bound, most)
    declare(management, vhost)
    sent = [b"%d" % number * 1000 for number in range(5)]
    amqp.publish(broker_config, vhost, "q", sent)
    assert look(management, vhost) == [(body, "returned") for body in sent[:count]]
    assert bodies(broker_config, vhost, "q", 5) == sent


def test_a_queue_that_is_not_there(broker_config: BrokerConfig, vhost: str) -> None:
    gone = Looking(broker_config, vhost, "no such queue", 1, limit=None, limit_now=lambda: None)
    with pytest.raises(RabbitError, match="no queue"):
        gone.found(truncate=10)
