"""Messages at the edge of what RabbitMQ takes: none may end a connection, and with it everybody's work."""

from __future__ import annotations

from typing import Any

import pika
import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consumers.models import Consumer, ConsumerEvent, Record
from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.api import tokens
from mqadmin.deadletters.requeue import requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.search import selection
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.message import MAX_ENCODED, Properties
from mqadmin.rabbit.publishing.publisher import Outgoing, Publisher
from tests.core.conftest import make_user
from tests.deadletters.factories import died, letter
from tests.support import amqp
from tests.support.processes import manage
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]

FORM = "application/x-www-form-urlencoded"


def filled(short_by: int) -> dict[str, Any]:
    """Return headers that, alone, are `short_by` bytes smaller than a frame holds."""
    empty = sum(
        map(len, Properties(headers={"fill": ""}, message_id="m0", delivery_mode=2).to_pika().encode())
    )
    return {"fill": "x" * (MAX_ENCODED - empty - short_by)}


def test_the_limit_is_the_brokers(
    broker_config: BrokerConfig, management: ManagementClient, vhost: str
) -> None:
    management.declare_queue(vhost, "work")
    amqp.publish(broker_config, vhost, "work", [b"ok"], headers=filled(0))
    over = {**filled(0), "": None}
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker, match="frame_too_large"):
        amqp.publish(broker_config, vhost, "work", [b"ok"], headers=over)


def test_headers_that_no_frame_holds_fail_alone(
    broker_config: BrokerConfig, management: ManagementClient, vhost: str
) -> None:
    management.declare_queue(vhost, "work")
    publisher = Publisher(broker_config, vhost)
    sizes = (10, -1, 0, 10)
    batch = [
        Outgoing("", "work", b"", Properties(headers=filled(by), message_id="m0", delivery_mode=2))
        for by in sizes
    ]
    receipts = publisher.publish_batch(batch)
    publisher.close()
    assert [receipt.reason for receipt in receipts] == ["confirmed", "invalid", "confirmed", "confirmed"]
    assert f"RabbitMQ takes {MAX_ENCODED} at most" in receipts[1].detail


@pytest.mark.processes
@pytest.mark.parametrize("retries", [0, 1])
def test_a_failure_is_dead_lettered_however_full_its_headers_are(
    retries: int,
    broker_config: BrokerConfig,
    management: ManagementClient,
    vhost: str,
    process_environ: dict[str, str],
) -> None:
    management.declare_queue(vhost, "dead")
    dlx = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    management.declare_queue(vhost, "work", arguments=dlx)
    sizes = (0, 30, 300, 2_000)
    for short_by in sizes:
        amqp.publish(broker_config, vhost, "work", [b"fail"], headers=filled(short_by))
    Consumer.objects.create(
        name="work",
        broker="default",
        vhost=vhost,
        queue="work",
        handler="tests.by_body",
        desired="running",
        retry_attempts=retries,
        retry_first_delay=0.1,
    )
    environ = {**process_environ, "MQADMIN_HANDLERS": "tests.support.handlers"}
    with manage(environ, "run_consumer", "work"):
        found = amqp.drain(broker_config, vhost, "dead", expect=len(sizes), timeout=20)
        wait_until(lambda: Record.objects.filter(outcome="dead_lettered").count() == len(sizes), 10)
    told = {dead.headers["fill"]: dead.headers for dead in found}
    for short_by in sizes:
        headers = told.pop(filled(short_by)["fill"])
        assert ("mqadmin-error-type" in headers) == (short_by >= 300), short_by
        assert ("mqadmin-error-trace" in headers) == (short_by >= 2_000), short_by
    assert not told
    assert not ConsumerEvent.objects.filter(kind__in=("disconnected", "copy_refused")).exists()


@pytest.fixture
def queue(management: ManagementClient, vhost: str) -> Queue:
    """A queue that exists, and its row."""
    brokers.forget()
    management.declare_queue(vhost, "work")
    row = Broker.objects.create(slug="default", reachable=True, sampled_at=timezone.now())
    return Queue.objects.create(broker=row, vhost=vhost, name="work")


def test_twelve_megabytes_are_published_and_not_sent_back(queue: Queue, broker_config: BrokerConfig) -> None:
    browser = Client()
    browser.force_login(make_user("root"), backend="django.contrib.auth.backends.ModelBackend")
    body = "<b>é</b>" * 1_300_000
    fields = {"body": body, "encoding": "utf-8", "headers": '{"n": 1}'}
    answer = browser.post(reverse("queue_publish", args=[queue.pk]), fields)
    assert "Published and confirmed" in answer.text
    assert len(answer.content) < 50_000
    assert "&quot;n&quot;: 1" in answer.text
    [got] = amqp.drain(broker_config, queue.vhost, "work", expect=1)
    assert got.body == body.encode()


def test_more_than_a_request_may_hold_is_told_as_such(queue: Queue) -> None:
    user = make_user("root")
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    much = "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    page = browser.post(reverse("queue_publish", args=[queue.pk]), f"body={much}", content_type=FORM)
    assert page.status_code == 413
    assert "at most 32.0\N{NO-BREAK SPACE}MB" in page.text
    headers = {"Authorization": f"Bearer {tokens.create(user=user)}"}
    url = f"/api/v1/queues/{queue.pk}/publish"
    answer = Client().post(url, {"body": much}, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_one_letter_that_cannot_be_sent_does_not_hold_up_the_others(
    broker_config: BrokerConfig, management: ManagementClient, vhost: str
) -> None:
    brokers.forget()
    management.declare_queue(vhost, "orders")
    row = Broker.objects.create(slug="default", reachable=True, sampled_at=timezone.now())
    Queue.objects.create(broker=row, vhost=vhost, name="orders")
    headers = [died(), {**died(), **filled(0)}, died()]
    letters = [letter(vhost=vhost, queue="dead", headers=found, message_id="m0") for found in headers]
    operation = requeue.start(
        selection=selection.all_that_match(selection.Filter(broker="default", vhost=vhost)),
        to=To(),
        by=Actor("ann"),
    )
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.done, operation.failed) == ("done", 2, 1)
    for found in letters:
        found.refresh_from_db()
    assert [found.status for found in letters] == ["requeued", "parked", "requeued"]
    assert "its headers take" in letters[1].status_reason
