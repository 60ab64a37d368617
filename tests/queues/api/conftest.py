"""Brokers as they are configured, and a queue that exists."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mqadmin.core import brokers
from mqadmin.queues.models import Broker, Queue
from tests.queues.conftest import make_queue
from tests.support.management import Management


@pytest.fixture(autouse=True)
def _own_brokers() -> Iterator[None]:
    brokers.forget()
    yield
    brokers.forget()


@pytest.fixture
def work(broker: Broker, management: Management, vhost: str) -> Queue:
    management.declare_queue(vhost, "work", arguments={"x-max-priority": 5})
    return make_queue(broker, "work", vhost)
