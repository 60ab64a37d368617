"""A fresh vhost for a test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from mqadmin.rabbit.config import BrokerConfig
from tests.support.management import Management


@contextmanager
def temporary_vhost(config: BrokerConfig, prefix: str = "test") -> Iterator[str]:
    """Create a vhost with a name of its own, yield the name, delete it with all that is in it."""
    name = f"{prefix}-{uuid.uuid4().hex[:12]}"
    client = Management(config)
    client.create_vhost(name)
    try:
        yield name
    finally:
        client.delete_vhost(name)
        client.close()
