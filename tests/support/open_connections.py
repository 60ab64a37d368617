"""The connections of one vhost as the management API lists them, and closing them there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from mqadmin.rabbit.config import BrokerConfig


@dataclass(frozen=True)
class Connections:
    """`config` says where the management API is."""

    config: BrokerConfig
    vhost: str

    def named(self, client_name: str) -> list[dict[str, Any]]:
        """Return the connections whose clients call themselves `client_name...`, as RabbitMQ describes them.

        A new connection shows up within a second or so. Raises requests.RequestException.
        """
        url = f"{self.config.management_base}/api/vhosts/{quote(self.vhost, safe='')}/connections"
        answer = requests.get(url, auth=self.config.auth(), timeout=10)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        wanted = (str(row.get("client_properties", {}).get("connection_name", "")) for row in found)
        return [row for row, name in zip(found, wanted, strict=True) if name.startswith(client_name)]

    def close(self, client_name: str) -> int:
        """Close those connections as an administrator does; return how many there were."""
        closed = 0
        for row in self.named(client_name):
            url = f"{self.config.management_base}/api/connections/{quote(row['name'], safe='')}"
            headers = {"X-Reason": "closed by a test"}
            answer = requests.delete(url, auth=self.config.auth(), headers=headers, timeout=10)
            closed += answer.status_code == 204  # 404: it had ended meanwhile
        return closed
