"""The web processes killed with SIGKILL: consumers and supervisor go on, and the page is right afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess, Record
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.support import amqp
from tests.support.processes import manage
from tests.support.waiting import wait_until
from tests.support.web import Web

pytestmark = [pytest.mark.broker, pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def web(process_environ: dict[str, str]) -> Iterator[Web]:
    web = Web(process_environ)
    web.start()
    yield web
    web.kill()


@pytest.fixture
def consumer(transactional_db: None, vhost: str, management: ManagementClient) -> Consumer:
    management.declare_queue(vhost, "work")
    return Consumer.objects.create(name="work", broker="default", vhost=vhost, queue="work", handler="record")


def test_the_web_is_killed_right_after_a_click(
    web: Web, consumer: Consumer, process_environ: dict[str, str], broker_config: BrokerConfig, vhost: str
) -> None:
    password = web.run("create_user", "ann", "--role", "operator").rpartition("Password: ")[2].strip()
    web.post("/login/", "/login/", username="ann", password=password)
    environ = {**process_environ, "MQADMIN_SUPERVISOR_ON_EXIT": "stop"}
    with manage(environ, "run_supervisor", "--name", "real") as supervisor:
        assert "stopped" in web.page("/consumers/work/")
        web.post("/consumers/work/start/", "/consumers/work/")
        web.kill()
        rows = ConsumerProcess.objects.filter(state="running", ended_at=None)
        row = wait_until(rows.first, 20, what="started although nobody shows it")
        assert row is not None
        amqp.publish(broker_config, vhost, "work", [b"{}"])
        wait_until(Record.objects.exists, 10, what="it handles meanwhile")
        assert supervisor.poll() is None

        web.start()
        text = web.page("/consumers/work/")  # signed in as before: sessions are in the database
        assert "1 of 1 running" in text
        assert f" {row.pid} " in text
        web.post("/consumers/work/stop/", "/consumers/work/")
        open_rows = ConsumerProcess.objects.filter(ended_at=None)
        wait_until(lambda: not open_rows.exists(), 10, what="its buttons work")
        assert "Stopped by ann" in web.page("/consumers/work/")
    assert ConsumerEvent.objects.filter(kind="started").count() == 1
