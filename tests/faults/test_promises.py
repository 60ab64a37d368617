"""Guarantees 5 to 8 against a real broker: looking, failing, acting and racing. (1 to 4: test_kill.py)"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client

from mqadmin.core import brokers
from mqadmin.core.acts.audit import Actor
from mqadmin.core.api import tokens
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.deadletters.capture import tracking
from mqadmin.deadletters.models import TrackedQueue
from mqadmin.local.node import Node
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.monitor.sampling import Sampler
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import RabbitError
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.support import amqp

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def api() -> Client:
    """The API with an operator's token."""
    user = User.objects.create_user("ann")
    user.groups.add(Group.objects.get(name="operator"))
    return Client(headers={"Authorization": f"Bearer {tokens.create(user=user)}"})


@pytest.fixture
def own_broker(
    restartable_broker: Node, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Node, BrokerConfig]]:
    """The broker `default` is a node that the test may stop; it runs again afterwards."""
    monkeypatch.setenv("RABBITMQ_URL", restartable_broker.amqp_url)
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", restartable_broker.management_url)
    brokers.forget()
    yield restartable_broker, brokers.config("default")
    brokers.forget()


def row(vhost: str, name: str, **fields: object) -> Queue:
    broker, _made = Broker.objects.get_or_create(slug="default")
    return Queue.objects.create(broker=broker, vhost=vhost, name=name, **fields)


def test_looking_stops_before_it_harms(
    api: Client, broker_config: BrokerConfig, management: ManagementClient, vhost: str
) -> None:
    """Guarantee 5: a quorum queue with a delivery limit still has its message after any number of looks."""
    management.declare_queue(
        vhost,
        "orders",
        arguments={"x-queue-type": "quorum", "x-delivery-limit": 4, "x-dead-letter-exchange": ""},
    )
    amqp.publish(broker_config, vhost, "orders", [b"precious"])
    queue = row(vhost, "orders", type="quorum")
    answers = [
        api.post(f"/api/v1/queues/{queue.pk}/peek", {"count": 1}, "application/json") for _ in range(12)
    ]
    if management.overview().version < "4.3":
        assert answers[-1].status_code == 409, "refused, with the reason"
        assert answers[-1].json()["detail"]
    [message] = amqp.drain(broker_config, vhost, "orders", expect=1)
    assert message.body == b"precious"


def test_a_dead_broker_is_never_shown_as_empty(api: Client, own_broker: tuple[Node, BrokerConfig]) -> None:
    """Guarantee 6: the last picture, its age and the fault; a live question is answered with 503."""
    node, config = own_broker
    with amqp.channel(config, "/") as channel:
        channel.queue_declare("orders", durable=True)
    sampler = Sampler("default", brokers.client("default"))
    sampler.sample()
    queue = Queue.objects.get(name="orders", vhost="/")
    node.kill()
    with pytest.raises(RabbitError) as caught:
        sampler.sample()
    sampler.fail(caught.value)

    [broker] = api.get("/api/v1/brokers").json()["items"]
    assert broker["reachable"] is False
    assert broker["error"]
    assert broker["sampled_at"]
    assert [item["name"] for item in api.get("/api/v1/queues").json()["items"]] == ["orders"]
    assert api.get(f"/api/v1/queues/{queue.pk}").status_code == 503
    browser = Client()
    browser.force_login(User.objects.get(), backend="django.contrib.auth.backends.ModelBackend")
    for address in ("/", "/queues/", f"/queues/{queue.pk}/"):
        page = browser.get(address)
        assert page.status_code == 200
        assert "cannot be reached" in page.content.decode(), address
    assert "orders" in browser.get("/queues/").content.decode()


def test_every_act_is_audited_with_its_outcome(
    api: Client, broker_config: BrokerConfig, management: ManagementClient, vhost: str
) -> None:
    """Guarantee 7: what was done, what was refused, what failed; who, on what, how many."""
    management.declare_queue(vhost, "orders")
    amqp.publish(broker_config, vhost, "orders", [b"1", b"2", b"3"])
    queue, gone = row(vhost, "orders"), row(vhost, "no-such-queue")
    assert api.post(f"/api/v1/queues/{queue.pk}/purge", {"expect": 3}, "application/json").status_code == 202
    assert (
        api.post(f"/api/v1/queues/{queue.pk}/purge", {"expect": 900}, "application/json").status_code == 409
    )
    message = {"body": "x", "encoding": "utf-8", "properties": {}, "headers": {}}
    assert api.post(f"/api/v1/queues/{gone.pk}/publish", message, "application/json").status_code < 500
    purged, refused, published = AuditEntry.objects.order_by("pk")
    assert (purged.actor, purged.via, purged.action) == ("ann", "api", "queue.purge")
    assert (purged.outcome, purged.count) == ("done", 3)
    assert f"{vhost}:orders" in purged.target
    assert refused.outcome == "refused"
    assert refused.reason
    assert published.action == "queue.publish"
    assert published.outcome != "intent", "nothing is left open"


def test_two_at_once_never_both_win(management: ManagementClient, vhost: str) -> None:
    """Guarantee 8: two people track the same queue at the same moment; one collector is made."""
    management.declare_queue(vhost, "orders.dead")
    queue = row(vhost, "orders.dead", dead_letters_from=["orders"], is_inbox=True)
    together = threading.Barrier(2)
    results: list[str] = []

    def click(name: str) -> None:
        together.wait()
        try:
            tracking.track(queue=Queue.objects.get(pk=queue.pk), by=Actor(name, "web"))
            results.append("won")
        except Refusal:
            results.append("second")
        finally:
            connection.close()

    threads = [threading.Thread(target=click, args=(name,)) for name in ("ann", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["second", "won"]
    tracked = TrackedQueue.objects.get()
    assert tracked.consumer is not None
    assert Operation.objects.count() == 0
