from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from mqadmin.local.node import Node
from mqadmin.rabbit.config import BrokerConfig, load
from tests.faults.soak.harness import Place
from tests.support.vhosts import temporary_vhost


@pytest.fixture
def place(broker_config: BrokerConfig, vhost: str, process_environ: dict[str, str], tmp_path: Path) -> Place:
    """A vhost of the run's broker, whatever its version."""
    return Place(broker_config, vhost, process_environ, tmp_path)


@pytest.fixture
def own_place(restartable_broker: Node, process_environ: dict[str, str], tmp_path: Path) -> Iterator[Place]:
    """A vhost of a node that the test may stop, start and alarm; it is Debian's, whatever the run's broker is."""
    environ = {
        **process_environ,
        "RABBITMQ_URL": restartable_broker.amqp_url,
        "RABBITMQ_MANAGEMENT_URL": restartable_broker.management_url,
    }
    config = load(environ)["default"]
    with temporary_vhost(config) as vhost:
        yield Place(config, vhost, environ, tmp_path, restartable_broker)


@pytest.fixture
def chance() -> random.Random:
    """Random moments, which SEED in the environment repeats."""
    seed = int(os.environ.get("SEED") or random.randrange(10**6))
    print(f"SEED={seed}")
    return random.Random(seed)
