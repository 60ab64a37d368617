"""Upkeep that goes on when one part of it fails, and nudges that reach a real broker."""

from __future__ import annotations

import pytest
from django.conf import settings

from mqadmin import celery
from mqadmin.core import hooks, tasks
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.models import Operation
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.support.waiting import wait_until


def test_retention_runs_every_part_also_after_one_failed(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        raise ValueError("no")

    parts = [lambda: "deleted 3 records", broken, lambda: "", lambda: "deleted 1 letter"]
    monkeypatch.setattr(hooks, "retention", lambda: parts)
    assert tasks.retention() == ["deleted 3 records", "deleted 1 letter"]


def test_beat_takes_up_what_was_left(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "_kinds", {})
    operations.runner("test")(lambda run: run.progress(done=1))
    left = Operation.objects.create(kind="test", created_by="ann", total=1)
    Operation.objects.create(kind="test", created_by="ann", status="paused")
    assert tasks.resume_operations() == [left.pk]
    left.refresh_from_db()
    assert left.status == "done"
    assert tasks.resume_operations() == []


def test_what_beat_sends_exists_and_does_not_pile_up() -> None:
    celery.app.loader.import_default_modules()  # as a worker does when it starts
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in celery.app.tasks
        assert entry["options"]["expires"] > 0


def test_celery_works_in_a_vhost_of_its_own_on_the_first_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RABBITMQ_URL", "amqps://me:p%40ss@mq.example:5671/shop")
    monkeypatch.setattr(settings, "CELERY_BROKER_URL", "")
    chosen = celery.broker_settings()
    assert chosen["broker_url"] == "amqps://me:p%40ss@mq.example:5671/mqadmin"
    assert chosen["broker_use_ssl"]["server_hostname"] == "mq.example"
    monkeypatch.setenv("RABBITMQ_URL", "nonsense")
    assert celery.broker_settings() == {"broker_url": celery.UNUSABLE}
    monkeypatch.setattr(settings, "CELERY_BROKER_URL", "amqp://elsewhere//")
    assert celery.broker_settings() == {"broker_url": "amqp://elsewhere//"}


@pytest.mark.broker
def test_a_nudge_arrives(
    transactional_db: None,
    monkeypatch: pytest.MonkeyPatch,
    broker_config: BrokerConfig,
    management: ManagementClient,
    vhost: str,
) -> None:
    base = broker_config.amqp_url.split("?")[0].rsplit("/", 1)[0]
    monkeypatch.setattr(celery.app.conf, "broker_url", f"{base}/{vhost}")
    operation = operations.start(kind="t", by=Actor("a"), broker="b", summary="s", params={}, total=1)
    queue = settings.CELERY_TASK_DEFAULT_QUEUE

    def arrived() -> bool:
        if [item for item in management.queues(vhost) if item.name == queue]:
            return True
        operations.nudge(operation.pk)  # one gives up after 2 s: a busy broker may take longer
        return False

    wait_until(arrived, 20, 1, what="the queue of the tasks")
    found = management.get_messages(vhost, queue, 1)
    assert f"[[{operation.pk}]" in found[0].message.body.decode()
