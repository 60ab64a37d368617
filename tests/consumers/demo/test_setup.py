from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.management import call_command

from consumers.definitions import definitions
from consumers.demo import systems, topology
from consumers.models import Consumer
from mqadmin.core import brokers
from mqadmin.core.acts import audit
from mqadmin.deadletters.models import TrackedQueue
from mqadmin.rabbit.errors import NotFound
from tests.support.management import Management
from tests.support.waiting import patient, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.broker]


@pytest.fixture
def shop(management: Management, vhost: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The demo's vhost under a name of this test's own."""
    monkeypatch.setattr(topology, "VHOST", vhost)
    management.delete_vhost(vhost)
    brokers.forget()
    return vhost


def test_sets_up_the_reference_systems(shop: str, management: Management) -> None:
    call_command("setup_demo")

    queues = {queue.name: queue for queue in management.queues(shop)}
    assert set(queues) == {spec.name for spec in topology.QUEUES}
    orders = management.queue(shop, "order.processing").info
    assert orders.arguments["x-message-ttl"] == 86_400_000
    assert orders.arguments["x-dead-letter-exchange"] == "dlx.exchange"
    assert management.queue(shop, "priority_queue").info.arguments["x-max-priority"] == 10
    bound = {(item.source, item.destination, item.routing_key) for item in management.bindings(shop)}
    assert {
        ("order.events", "order.processing", "order.#"),
        ("dlx.exchange", "dlx.orders", "#"),
        ("logs", "logs.error", "*.error"),
        ("logs", "logs.all", "#"),
    } <= bound

    consumers = {consumer.name: consumer for consumer in Consumer.objects.filter(is_collector=False)}
    assert set(consumers) == {fields["name"] for fields in systems.CONSUMERS}
    assert {consumer.desired for consumer in consumers.values()} == {"running"}
    assert (consumers["tasks"].prefetch, consumers["threads"].concurrency) == (1, 5)
    assert (consumers["priority"].order, consumers["log-store"].prefetch) == ("priority", 20)
    assert TrackedQueue.objects.get().queue == "task_queue.dead"


def test_second_run_leaves_what_the_user_changed(shop: str, management: Management) -> None:
    call_command("setup_demo")
    by = audit.SYSTEM
    definitions.stop(consumer=Consumer.objects.get(name="threads"), by=by)
    definitions.update(consumer=Consumer.objects.get(name="orders"), by=by, prefetch=33)
    Consumer.objects.filter(name="priority").delete()
    management.delete_queue(shop, "priority_queue")

    call_command("setup_demo")

    assert Consumer.objects.get(name="threads").desired == "stopped"
    assert Consumer.objects.get(name="orders").prefetch == 33
    assert not Consumer.objects.filter(name="priority").exists()
    with pytest.raises(NotFound):
        management.queue(shop, "priority_queue")


def test_a_run_that_was_cut_short_is_completed(shop: str, management: Management) -> None:
    management.create_vhost(shop)
    management.declare_queue(shop, "thread_queue")
    systems.define("default", audit.SYSTEM)
    call_command("setup_demo")
    assert len(management.queues(shop)) == len(topology.QUEUES)
    assert TrackedQueue.objects.exists()


@pytest.fixture
def producer(shop: str, process_environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    topology.declare(brokers.client("default"), brokers.config("default").username)
    code = (
        "import sys, django; django.setup();"
        "from consumers.demo import topology; topology.VHOST = sys.argv[1];"
        "from django.core.management import call_command; call_command('run_demo_producer')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, shop], cwd=settings.BASE_DIR, env=process_environ, stderr=subprocess.PIPE
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.mark.processes
def test_producer_feeds_every_queue_and_ends_cleanly(
    producer: subprocess.Popen[bytes], shop: str, management: Management
) -> None:
    fed = {"task_queue", "thread_queue", "priority_queue", "order.processing", "logs.all"}

    def waiting() -> bool:
        totals = {queue.name: queue.ready or 0 for queue in management.queues(shop)}
        return all(totals[name] > 0 for name in fed)

    wait_until(waiting, 30, interval=0.5)
    producer.send_signal(signal.SIGTERM)
    assert producer.wait(patient(10)) == 0


@pytest.mark.processes
def test_producer_goes_on_when_its_vhost_comes_back(
    producer: subprocess.Popen[bytes], shop: str, management: Management
) -> None:
    def published() -> int:
        try:
            return sum(queue.ready or 0 for queue in management.queues(shop))
        except NotFound:
            return 0

    wait_until(published, 30, interval=0.5)
    management.delete_vhost(shop)
    wait_until(lambda: not topology.exists(management), 10)
    topology.declare(management, management.config.username)
    wait_until(published, 60, interval=0.5)
    assert producer.poll() is None
