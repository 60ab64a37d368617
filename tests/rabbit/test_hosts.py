"""Several hosts of one broker: whoever connects goes on to the next one, and says what the others said."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from mqadmin.rabbit import amqp
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import BadResponse, NoResponse, NotFound, Refused
from mqadmin.rabbit.publishing.publisher import Outgoing, Publisher
from tests.rabbit.management_api.test_client import answering, page
from tests.rabbit.proxy import Proxy
from tests.support.management import Management, purge
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

NOWHERE = "127.0.0.1:1"


def with_hosts(config: BrokerConfig, *places: str, login: str = "") -> BrokerConfig:
    """The broker's AMQP under other addresses."""
    login = login or config.amqp_url.split("//")[1].rpartition("@")[0]
    return replace(config, amqp_url=f"amqp://{login}@{','.join(places)}/", timeout_s=2.0)


def with_pages(config: BrokerConfig, *places: str) -> BrokerConfig:
    """The broker's management API under other addresses."""
    login = config.management_url.split("//")[1].rpartition("@")[0]
    return replace(config, management_url=f"http://{login}@{','.join(places)}/", timeout_s=1.0)


def page_of(config: BrokerConfig) -> str:
    return config.management_base.removeprefix("http://")


@pytest.fixture
def proxies(broker_config: BrokerConfig) -> Iterator[tuple[Proxy, Proxy]]:
    """Two ways to the broker's AMQP."""
    place = broker_config.host, broker_config.port
    with Proxy(*place) as one, Proxy(*place) as two:
        yield one, two


@pytest.fixture
def page_proxies(broker_config: BrokerConfig) -> Iterator[tuple[Proxy, Proxy]]:
    """Two ways to the broker's management API."""
    host, _, port = page_of(broker_config).partition(":")
    with Proxy(host, int(port)) as one, Proxy(host, int(port)) as two:
        yield one, two


def test_an_errand_takes_the_first_host_that_answers(
    broker_config: BrokerConfig, vhost: str, proxies: tuple[Proxy, Proxy]
) -> None:
    one, two = proxies
    both = with_hosts(broker_config, NOWHERE, f"127.0.0.1:{one.port}", f"127.0.0.1:{two.port}")
    amqp.declare_queue(both, vhost, "q")
    assert (one.accepted, two.accepted) == (1, 0)
    with one.refusing():
        assert purge(both, vhost, "q") == 0
    assert two.accepted == 1


def test_without_any_host_each_is_named(broker_config: BrokerConfig, vhost: str) -> None:
    dead = with_hosts(broker_config, NOWHERE, "127.0.0.2:1")
    with pytest.raises(NoResponse) as caught:
        purge(dead, vhost, "q")
    publisher = Publisher(dead, vhost)
    receipt = publisher.publish_batch([Outgoing("", "q", b"")])[0]
    publisher.close()
    assert (receipt.reason, receipt.unknown) == ("connection_lost", False)
    for text in (str(caught.value), receipt.detail):
        assert text == (
            "127.0.0.1:1 cannot be reached: Connection refused. "
            "127.0.0.2:1 cannot be reached: Connection refused."
        )


def test_a_refused_login_is_not_asked_of_every_host(
    broker_config: BrokerConfig, vhost: str, proxies: tuple[Proxy, Proxy]
) -> None:
    one, two = proxies
    places = f"127.0.0.1:{one.port}", f"127.0.0.1:{two.port}"
    wrong = with_hosts(broker_config, *places, login="nobody:wrong")
    with pytest.raises(Refused, match=f"{places[0]} refused the user name or password"):
        purge(wrong, vhost, "q")
    publisher = Publisher(wrong, vhost)
    assert publisher.publish_batch([Outgoing("", "q", b"")])[0].reason == "refused"
    publisher.close()
    assert (one.accepted, two.accepted) == (2, 0)


def test_a_publisher_goes_on_with_the_next_host_and_stays_there(
    broker_config: BrokerConfig, vhost: str, management: Management, proxies: tuple[Proxy, Proxy]
) -> None:
    one, two = proxies
    management.declare_queue(vhost, "q")
    places = NOWHERE, f"127.0.0.1:{one.port}", f"127.0.0.1:{two.port}"
    publisher = Publisher(with_hosts(broker_config, *places), vhost)
    message = [Outgoing("", "q", b"x")]
    assert publisher.publish_batch(message)[0].ok
    with one.refusing():
        with ThreadPoolExecutor(8) as pool:
            receipts = [found[0] for found in pool.map(publisher.publish_batch, [message] * 40)]
        unsure = sum(receipt.unknown for receipt in receipts)
        assert sum(receipt.ok for receipt in receipts) >= 40 - unsure
        assert two.accepted == 1
    assert publisher.publish_batch(message)[0].ok
    assert (one.accepted, two.accepted) == (1, 1)
    publisher.close()
    assert 41 - unsure <= purge(broker_config, vhost, "q") <= 42


def test_a_publisher_without_any_host_tries_again_with_the_next_message(
    broker_config: BrokerConfig, vhost: str, management: Management, proxies: tuple[Proxy, Proxy]
) -> None:
    one, two = proxies
    management.declare_queue(vhost, "q")
    config = with_hosts(broker_config, f"127.0.0.1:{one.port}", f"127.0.0.1:{two.port}")
    publisher = Publisher(config, vhost)
    before = threading.active_count()
    message = [Outgoing("", "q", b"x")]
    with one.refusing(), two.refusing():
        for _ in range(3):
            receipt = publisher.publish_batch(message)[0]
            assert (receipt.reason, receipt.unknown) == ("connection_lost", False)
            assert all(f"127.0.0.1:{proxy.port} cannot be reached" in receipt.detail for proxy in proxies)
    assert publisher.publish_batch(message)[0].ok
    assert one.accepted + two.accepted == 1
    publisher.close()
    wait_until(lambda: threading.active_count() <= before, what="the thread ended")


def test_the_management_api_is_read_from_the_next_host_and_then_from_there(
    broker_config: BrokerConfig, page_proxies: tuple[Proxy, Proxy]
) -> None:
    one, two = page_proxies
    client = Management(with_pages(broker_config, NOWHERE, f"127.0.0.1:{one.port}", f"127.0.0.1:{two.port}"))
    for _ in range(3):
        assert client.whoami().name == broker_config.auth()[0]
    assert (one.accepted, two.accepted) == (1, 0)
    one.freeze()  # it accepts, and says nothing
    assert client.whoami().name == broker_config.auth()[0]
    one.thaw()
    assert client.whoami().name == broker_config.auth()[0]
    assert two.accepted == 1
    client.close()


def test_without_any_management_api_each_is_named(broker_config: BrokerConfig) -> None:
    with pytest.raises(NoResponse) as caught:
        Management(with_pages(broker_config, NOWHERE, "127.0.0.2:1")).whoami()
    assert str(caught.value) == (
        "Nothing answers at http://127.0.0.1:1: Connection refused. "
        "Nothing answers at http://127.0.0.2:1: Connection refused."
    )


def test_what_writes_is_sent_to_one_host_only(
    broker_config: BrokerConfig, vhost: str, management: Management
) -> None:
    management.declare_queue(vhost, "q")
    with answering(None) as silent:  # takes the request and never answers: it may have been carried out
        client = Management(with_pages(broker_config, silent.removeprefix("http://"), page_of(broker_config)))
        with pytest.raises(NoResponse, match="did not answer within 1 s"):
            client.delete_queue(vhost, "q")
        client.close()
    assert [queue.name for queue in management.queues(vhost)] == ["q"]
    client = Management(with_pages(broker_config, NOWHERE, page_of(broker_config)))
    client.delete_queue(vhost, "q")  # nothing was sent to the first
    client.close()
    assert management.queues(vhost) == []


def test_an_answer_that_is_a_no_is_the_clusters(broker_config: BrokerConfig, vhost: str) -> None:
    body = page("500 Oops", b'{"error":"x","reason":"y"}', "application/json")
    with answering(body) as broken, pytest.raises(BadResponse, match="500"):
        Management(with_pages(broker_config, broken.removeprefix("http://"), page_of(broker_config))).whoami()
    client = Management(with_pages(broker_config, page_of(broker_config), NOWHERE))
    with pytest.raises(NotFound):
        client.queue(vhost, "gone")
    client.close()
