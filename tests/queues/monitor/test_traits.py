"""What a broker is made of and which deprecated features are in use: asked by the monitor, told on the overview."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.core import brokers
from mqadmin.queues.monitor.sampling import Sampler
from mqadmin.rabbit.config import BrokerConfig
from tests.queues.conftest import Api
from tests.support import amqp
from tests.support.management import Management


@pytest.mark.broker
@pytest.mark.django_db
def test_a_transient_queue_is_told_of_where_rabbitmq_calls_it_deprecated(
    management: Management, broker_config: BrokerConfig, vhost: str, viewer: Client, api: Api
) -> None:
    with amqp.channel(broker_config, vhost) as channel:
        channel.queue_declare("gone with a restart", durable=False)
    version = tuple(map(int, management.overview().version.split(".")[:2]))
    Sampler("default", brokers.client("default")).sample()

    [row] = [item for item in api.get("/brokers").json()["items"] if item["slug"] == "default"]
    assert row["erlang_version"]
    assert row["metadata_store"] == ("Khepri" if version >= (4, 3) else "Mnesia")
    text = viewer.get(reverse("overview")).content.decode()
    assert f"metadata in {row['metadata_store']}" in text
    if version < (3, 13):
        assert row["deprecated_features"] is None
    else:
        assert "transient_nonexcl_queues" in row["deprecated_features"]
        assert "gone with a restart. Declare them durable" in text
