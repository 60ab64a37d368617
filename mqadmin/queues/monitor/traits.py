"""What a broker is made of, and which of it will go: its Erlang, its metadata store, deprecated features in use."""

from __future__ import annotations

import logging
import re
from typing import Any

from mqadmin.rabbit.errors import NotFound, RabbitError
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.types import OverviewInfo

log = logging.getLogger(__name__)


def ask(client: ManagementClient, overview: OverviewInfo) -> dict[str, Any]:
    """Return {"erlang": "29.1.1", "metadata_store": "Khepri", "deprecated": [names]}; what is not told is left out.

    Never raises RabbitError: a user may see queues, and not this.
    """
    found: dict[str, Any] = {"erlang": overview.erlang} if overview.erlang else {}
    if overview.product != "RabbitMQ":
        return found
    try:
        found["metadata_store"] = _store(overview.version, client.feature_flags())
        found["deprecated"] = sorted(client.deprecated_features_used())
    except NotFound:
        pass  # as on RabbitMQ 3.10: nothing is called deprecated yet
    except RabbitError as error:
        log.info("what broker %s is made of is not known: %s", client.config.slug, error)
    return found


def _store(version: str, flags: dict[str, str]) -> str:
    """Mnesia until the flag is enabled; from 4.3 on it is gone, and so may be the flag one day."""
    match = re.match(r"(\d{1,4})\.(\d{1,4})", version)
    only_khepri = match is not None and (int(match[1]), int(match[2])) >= (4, 3)
    return "Khepri" if only_khepri or flags.get("khepri_db") == "enabled" else "Mnesia"
