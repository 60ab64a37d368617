from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from mqadmin.rabbit import amqp
from mqadmin.rabbit.administration.definitions import DefinitionsClient
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import (
    BadResponse,
    ChannelLost,
    ManagementUnavailable,
    NoResponse,
    NotFound,
    RabbitError,
    Refused,
)
from mqadmin.rabbit.management_api import parse
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.publishing.publisher import Outgoing, Publisher
from mqadmin.rabbit.topology.topology import dead_letter_map
from tests.support.management import Management, purge
from tests.support.waiting import wait_until
from tests.support.web_servers import http_server

pytestmark = pytest.mark.broker

NAMES = [
    "plain",
    "/",
    "//",
    "a/b",
    "a/../b",
    ".",
    "..",
    "...",
    "100%",
    "%2F",
    "%2e%2e",
    "what?",
    "a?b=c&d=e",
    "#1",
    "with space",
    "+plus;semi",
    "订单.处理",
    "<script>alert(1)</script>",
    "\\back\"quote'",
    "x" * 255,
    "é" * 127,
]


def test_why_definitions_are_refused_is_said_in_words(
    management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    management.set_vhost_limit(vhost, "max-queues", 0)
    queue = {"vhost": vhost, "name": "q", "durable": True, "auto_delete": False, "arguments": {}}
    with pytest.raises(BadResponse, match=r'virtual host "\S+" would exceed the limit of 0 queue'):
        DefinitionsClient(broker_config).load({"queues": [queue]})


def test_what_is_refused_and_cannot_be_said_is_no_broker_that_is_away(
    management: Management, vhost: str
) -> None:
    management.declare_queue(vhost, "é")
    with pytest.raises(BadResponse, match=r"inequivalent|letters beyond ASCII"):
        management.declare_queue(vhost, "é", arguments={"x-max-length": 1})


@pytest.mark.parametrize("name", NAMES)
def test_any_queue_name_works(
    management: Management, broker_config: BrokerConfig, vhost: str, name: str
) -> None:
    management.declare_queue(vhost, name, arguments={"x-max-length": 5})
    detail = management.queue(vhost, name)
    assert detail.info.key == (vhost, name)
    assert detail.info.arguments.items() >= {"x-max-length": 5}.items()  # RabbitMQ 4 adds the type
    assert [item.name for item in management.queues(vhost)] == [name]
    bound = management.queue_bindings(vhost, name)
    assert [(item.source, item.destination, item.routing_key) for item in bound] == [("", name, name)]
    publisher = Publisher(broker_config, vhost)
    assert publisher.publish_batch([Outgoing("", name, b"body \xff", Properties(headers={"n": 1.5}))])[0].ok
    publisher.close()
    (peeked,) = management.get_messages(vhost, name, 5, truncate=5)
    assert (peeked.message.body, peeked.size, peeked.truncated) == (b"body ", 6, True)
    assert peeked.message.headers == {"n": 1.5}
    assert management.get_messages(vhost, name, 5)[0].message.redelivered
    management.purge(vhost, name)
    assert management.get_messages(vhost, name, 5) == []
    management.delete_queue(vhost, name)
    with pytest.raises(NotFound):
        management.queue(vhost, name)
    with pytest.raises(NotFound):
        management.delete_queue(vhost, name)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in (".", "..")])
def test_any_exchange_and_policy_name_works(management: Management, vhost: str, name: str) -> None:
    management.declare_exchange(vhost, name, type="topic", arguments={"alternate-exchange": "ae"})
    management.declare_queue(vhost, "q")
    management.bind(vhost, name, "q", "a.#")
    management.bind(vhost, name, name, "x", destination_type="exchange")
    found = {item.name: item for item in management.exchanges(vhost)}
    assert (found[name].type, found[name].alternate_exchange) == ("topic", "ae")
    made = {
        (item.source, item.destination, item.destination_type, item.routing_key)
        for item in management.bindings(vhost)
    }
    assert {(name, "q", "queue", "a.#"), (name, name, "exchange", "x")} <= made
    management.set_policy(vhost, name, "^q$", {"max-length": 3}, apply_to="queues", priority=2)
    (policy,) = management.policies(vhost)
    assert (policy.name, policy.definition, policy.priority) == (name, {"max-length": 3}, 2)
    management.delete_policy(vhost, name)
    management.delete_exchange(vhost, name)
    assert management.policies(vhost) == []


@pytest.mark.parametrize("name", ["/x", "a b", "..c", "虚拟"])
def test_any_vhost_name_works(management: Management, vhost: str, name: str) -> None:
    name = f"{vhost}{name}"
    management.create_vhost(name)
    try:
        management.declare_queue(name, "q")
        assert management.queue(name, "q").info.vhost == name
        assert name in {item.name for item in management.vhosts()}
    finally:
        management.delete_vhost(name)


def test_names_that_no_url_can_hold_are_refused_in_words(management: Management, vhost: str) -> None:
    with pytest.raises(BadResponse, match="one or two dots"):
        management.declare_exchange(vhost, "..")


def test_the_cluster(management: Management) -> None:
    overview = management.overview()
    assert overview.product == "RabbitMQ"
    assert overview.version[0].isdigit()
    node = management.nodes()[0]
    assert node.running
    assert node.mem_used
    assert node.disk_free
    assert management.alarms() == []
    assert "administrator" in management.whoami().tags


def test_a_queue_as_it_was_declared(management: Management, vhost: str) -> None:
    arguments = {"x-queue-type": "quorum", "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dlq"}
    management.declare_queue(vhost, "q", arguments=arguments)
    management.declare_queue(vhost, "dlq")
    management.set_policy(vhost, "p", "^q$", {"max-length": 9}, apply_to="queues")
    wait_until(lambda: management.queue(vhost, "q").info.policy == "p", what="the policy is applied")
    info = next(item for item in management.queues() if item.key == (vhost, "q"))
    assert (info.type, info.durable, info.exclusive, info.arguments) == ("quorum", True, False, arguments)
    assert info.effective_policy == {"max-length": 9}
    targets = dead_letter_map(
        management.queues(vhost), management.bindings(vhost), management.exchanges(vhost)
    )
    assert targets[vhost, "q"].to == ("dlq",)


def test_the_alternate_exchange_of_a_policy_is_found(management: Management, vhost: str) -> None:
    management.declare_exchange(vhost, "e")
    management.set_policy(vhost, "ae", "^e$", {"alternate-exchange": "amq.fanout"}, apply_to="exchanges")
    found = wait_until(
        lambda: next((item for item in management.exchanges(vhost) if item.name == "e" and item.policy), None)
    )
    assert found.alternate_exchange == "amq.fanout"


def test_numbers_and_history_of_a_busy_queue(
    management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    management.declare_queue(vhost, "q")
    assert management.queue(vhost, "q").info.publish_rate is None, "not counted yet is unknown, not 0"
    with opened_publisher(broker_config, vhost) as publisher, amqp.channel(broker_config, vhost) as channel:
        channel.basic_qos(prefetch_count=2)
        channel.basic_consume("q", lambda *_: None, consumer_tag="reader")
        publisher.publish_batch([Outgoing("", "q", b"x") for _ in range(5)])
        detail = wait_until(
            lambda: (
                (found := management.queue(vhost, "q", lengths=(60, 5), rates=(60, 5))).info.unacked == 2
                and found.info.consumers  # counted by other statistics than the details
                and found.consumer_details
                and found.rates.get("publish")
                and found
            ),
            timeout=30,
            interval=0.5,
            what="the statistics arrive",
        )
        listed = next(item for item in management.queues(vhost) if item.name == "q")
        consumers = management.consumers(vhost)
    assert (detail.info.ready, detail.info.total, detail.info.consumers) == (3, 5, 1)
    consumer = detail.consumer_details[0]
    assert (consumer.tag, consumer.queue, consumer.prefetch, consumer.ack_required) == (
        "reader",
        "q",
        2,
        True,
    )
    assert consumers == [consumer]
    times = [moment for moment, _ in detail.lengths["ready"]]
    assert times == sorted(times)
    assert 60 <= times[-1] - times[0] + 5 <= 70
    assert set(detail.lengths) == {"ready", "unacked", "total"}
    assert {"publish", "deliver", "ack", "redeliver"} <= set(detail.rates)
    assert (listed.ready, listed.unacked) == (3, 2)
    assert listed.publish_rate is not None


@contextmanager
def opened_publisher(config: BrokerConfig, vhost: str) -> Iterator[Publisher]:
    publisher = Publisher(config, vhost)
    yield publisher
    publisher.close()


def test_a_counter_becomes_a_rate_and_a_reset_is_no_dip() -> None:
    samples = [
        {"timestamp": second * 1000, "sample": count}
        for second, count in ((20, 4), (15, 60), (10, 10), (5, 0))
    ]
    item = {
        "vhost": "/",
        "name": "q",
        "message_stats": {"publish_details": {"rate": 1.0, "samples": samples}},
    }
    assert parse.queue_detail(item).rates["publish"] == ((10, 2.0), (15, 10.0), (20, 0.0))


def test_declaring_it_differently_is_refused(management: Management, vhost: str) -> None:
    management.declare_queue(vhost, "q")
    with pytest.raises(BadResponse, match="inequivalent arg"):
        management.declare_queue(vhost, "q", arguments={"x-max-length": 1})
    management.declare_queue(vhost, "..")
    with pytest.raises(ChannelLost, match="inequivalent arg"):
        management.declare_queue(vhost, "..", arguments={"x-max-length": 1})


def test_a_hundred_threads_share_a_client(management: Management) -> None:
    problems: list[BaseException] = []

    def ask() -> None:
        try:
            management.whoami()
        except RabbitError as error:
            problems.append(error)

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def elsewhere(config: BrokerConfig, url: str, timeout_s: float = 1.0) -> Management:
    return Management(replace(config, management_url=url, timeout_s=timeout_s))


@contextmanager
def answering(data: bytes | None) -> Iterator[str]:
    """Serve `data` to the first request, or with None accept and stay silent; yield the address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                client.recv(65536)
                if data is None:
                    client.recv(1)
                else:
                    client.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def page(status: str, body: bytes, kind: str = "text/html") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (None, NoResponse, "timeout"),
        (page("200 OK", b"<html>"), ManagementUnavailable, "management_unavailable"),
        (page("404 Not Found", b"<html>"), ManagementUnavailable, "management_unavailable"),
        (page("302 Found", b""), ManagementUnavailable, "management_unavailable"),
        (page("200 OK", b"[1, 2]", "application/json"), ManagementUnavailable, "management_unavailable"),
        (page("200 OK", b"{}", "application/json"), ManagementUnavailable, "management_unavailable"),
        (
            page("404 Not Found", b'{"error":"x","reason":"y"}', "application/json"),
            ManagementUnavailable,
            "api_absent",
        ),
        (page("503 Service Unavailable", b"starting"), NoResponse, "unavailable"),
        (page("500 Internal Server Error", b""), NoResponse, "unavailable"),
        (page("502 Bad Gateway", b"<html>"), NoResponse, "unavailable"),
        (page("500 Oops", b'{"error":"x","reason":"y"}', "application/json"), BadResponse, "bad_response"),
        (b"AMQP\x00\x00\x09\x01", ManagementUnavailable, "management_unavailable"),
        (b"", NoResponse, "no_response"),
    ],
)
def test_each_wrong_answer_has_its_own_words(
    broker_config: BrokerConfig, answer: bytes | None, error: type[RabbitError], code: str
) -> None:
    with answering(answer) as url, pytest.raises(error) as caught:
        elsewhere(broker_config, url).overview()
    assert caught.value.code == code
    assert "127.0.0.1" in str(caught.value) or "answered" in str(caught.value)
    assert "HTTPConnection" not in str(caught.value)


def test_a_listing_that_fails_is_asked_for_once_more(broker_config: BrokerConfig) -> None:
    with http_server() as server:
        server.body, server.headers = b"[]", {"Content-Type": "application/json"}
        client = elsewhere(broker_config, server.url)
        assert client.queues() == []
        server.status, server.body = 500, b""
        with pytest.raises(NoResponse):
            client.queues()
        assert len(server.requests) == 3


def test_nothing_listens(broker_config: BrokerConfig) -> None:
    with pytest.raises(
        NoResponse, match=r"Nothing answers at http://127\.0\.0\.1:1: Connection refused"
    ) as caught:
        elsewhere(broker_config, "http://u:secret@127.0.0.1:1").overview()
    assert caught.value.kind == "connection"
    assert "secret" not in str(caught.value)


def test_a_wrong_password(broker_config: BrokerConfig) -> None:
    address = broker_config.management_base.removeprefix("http://")
    with pytest.raises(Refused, match="refused the login") as caught:
        elsewhere(broker_config, f"http://nobody:wörng@{address}", 10).overview()
    assert (caught.value.code, caught.value.kind) == ("login_refused", "configuration")


def test_amqp_errands_speak_the_same_errors(broker_config: BrokerConfig, vhost: str) -> None:
    with pytest.raises(NotFound):
        purge(broker_config, vhost, "gone")
    with pytest.raises((NotFound, Refused)):
        purge(broker_config, "no-such-vhost", "q")
    dead = replace(broker_config, amqp_url="amqp://127.0.0.1:1")
    with pytest.raises(NoResponse, match=r"127\.0\.0\.1:1 cannot be reached"):
        purge(dead, vhost, "q")
    wrong = replace(broker_config, amqp_url=f"amqp://nobody:x@{broker_config.address}")
    with pytest.raises(Refused, match="user name or password"):
        purge(wrong, vhost, "q")
    http = replace(
        broker_config, amqp_url=f"amqp://{broker_config.management_base.removeprefix('http://')}", timeout_s=1
    )
    with pytest.raises(NoResponse):
        purge(http, vhost, "q")


def test_a_nul_in_a_name_is_shown_as_its_symbol(
    management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    with amqp.channel(broker_config, vhost) as channel:
        channel.queue_declare("a\0b", arguments={"x-note": "c\0d"})
        channel.queue_bind("a\0b", "amq.topic", "e\0f")
    (queue,) = management.queues(vhost)
    assert (queue.name, queue.arguments["x-note"]) == ("a␀b", "c␀d")  # 4.0 adds its own argument
    assert "e␀f" in {binding.routing_key for binding in management.bindings(vhost)}
