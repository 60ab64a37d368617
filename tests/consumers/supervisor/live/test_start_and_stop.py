"""The real supervisor and real consumers as processes, on a real broker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import F

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess, Record, SupervisorHost
from consumers.supervisor.machine import spawn
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.publishing.publisher import Outgoing, Publisher
from tests.consumers.supervisor.conftest import BOTH_WAYS, Launch, is_alive, is_forked
from tests.support.waiting import patient, wait_until

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.broker,
]


@pytest.fixture
def consumer(transactional_db: None, vhost: str, management: ManagementClient) -> Consumer:
    management.declare_queue(vhost, "work")
    return Consumer.objects.create(
        name="work", broker="default", vhost=vhost, queue="work", handler="record", desired="running"
    )


def running(consumer: Consumer, timeout: float = 20) -> ConsumerProcess:
    rows = ConsumerProcess.objects.filter(consumer=consumer, state="running", ended_at=None)
    row = wait_until(rows.first, timeout, what="a running process")
    assert isinstance(row, ConsumerProcess)
    return row


@BOTH_WAYS
def test_killed_supervisor_is_followed_by_one_that_adopts(
    launch: Launch, consumer: Consumer, way: str
) -> None:
    first = launch()
    row = running(consumer)
    assert is_forked(row) == (way == "on")
    first.kill()
    first.wait()
    assert is_alive(row.pid)

    second = launch()
    wait_until(lambda: ConsumerEvent.objects.filter(kind="adopted", process=row).exists())
    assert list(spawn.survivors()) == [row.pk]
    assert ConsumerProcess.objects.count() == 1

    Consumer.objects.update(desired="stopped")
    wait_until(lambda: ConsumerProcess.objects.get().state == "stopped")
    assert not is_alive(row.pid)
    second.terminate()
    assert second.wait(patient(10)) == 0
    assert not SupervisorHost.objects.exists()


def test_consumers_go_on_when_the_supervisor_is_stopped(launch: Launch, consumer: Consumer) -> None:
    supervisor = launch()
    row = running(consumer)
    supervisor.terminate()
    assert supervisor.wait(patient(10)) == 0
    assert is_alive(row.pid)
    before = ConsumerProcess.objects.get().heartbeat_at
    wait_until(lambda: ConsumerProcess.objects.get().heartbeat_at > before)


def test_consumers_stop_with_the_supervisor_where_so_configured(launch: Launch, consumer: Consumer) -> None:
    supervisor = launch(MQADMIN_SUPERVISOR_ON_EXIT="stop")
    row = running(consumer)
    supervisor.terminate()
    assert supervisor.wait(patient(14)) == 0
    assert not is_alive(row.pid)
    row.refresh_from_db()
    assert row.state == "stopped"
    assert row.ended_at is not None
    assert Consumer.objects.get().desired == "running"

    launch()
    assert running(consumer).pk != row.pk


def test_second_supervisor_of_the_same_name_refuses_in_words(launch: Launch) -> None:
    first = launch()
    second = launch(wait=False)
    _, words = second.communicate(timeout=patient(20))
    assert second.returncode == 1
    assert f"A supervisor named real already runs here (pid {first.pid})" in words.decode()
    assert "Traceback" not in words.decode()


def test_unknown_handler_ends_failed_with_the_reason(launch: Launch, consumer: Consumer) -> None:
    Consumer.objects.update(handler="no.such.handler")
    launch()
    row = wait_until(lambda: ConsumerProcess.objects.filter(state="failed").first(), 20)
    assert "No handler is named 'no.such.handler'" in row.state_reason
    assert row.state_reason.startswith("exit 3")


def test_click_to_first_message_and_to_stopped(
    launch: Launch,
    consumer: Consumer,
    broker_config: BrokerConfig,
    record_property: Callable[[str, Any], None],
) -> None:
    """Reports the times that the user feels; asserts only that it happens."""
    Consumer.objects.update(desired="stopped")
    launch()
    publisher = Publisher(broker_config, consumer.vhost)
    publisher.publish_batch([Outgoing("", "work", b"{}", Properties(message_id="1"))])
    publisher.close()

    began = time.monotonic()
    Consumer.objects.update(desired="running", nudge=F("nudge") + 1)
    wait_until(Record.objects.exists, 20)
    record_property("start_to_first_message_s", round(time.monotonic() - began, 2))

    running(consumer)
    began = time.monotonic()
    Consumer.objects.update(desired="stopped")
    wait_until(lambda: not ConsumerProcess.objects.filter(ended_at=None).exists(), 20)
    record_property("stop_to_stopped_s", round(time.monotonic() - began, 2))
