"""Brokers as they are configured, and a queue that exists."""

from __future__ import annotations

import pytest

from mqadmin.queues.models import Broker, Queue
from tests.queues.conftest import make_queue
from tests.support.management import Management
from tests.support.several_brokers import number_of_brokers  # noqa: F401


@pytest.fixture
def work(broker: Broker, management: Management, vhost: str) -> Queue:
    management.declare_queue(vhost, "work", arguments={"x-max-priority": 5})
    return make_queue(broker, "work", vhost)
