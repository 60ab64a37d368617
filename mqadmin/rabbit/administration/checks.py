"""RabbitMQ's own health checks: which there are, and what each answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mqadmin.rabbit.administration import calls
from mqadmin.rabbit.errors import NotFound, NotOffered, Refused
from mqadmin.rabbit.management_api import values
from mqadmin.rabbit.management_api.client import ManagementClient

# What is asked, behind /api/health/checks/, and what it is called here. "node" are about the node that answers.
CHECKS: dict[str, tuple[str, ...]] = {
    "alarms": ("alarms",),
    "local_alarms": ("local-alarms",),
    "quorum_critical": ("node-is-quorum-critical",),
    "mirror_critical": ("node-is-mirror-sync-critical",),
    "no_leader": ("quorum-queues-without-elected-leaders", "all-vhosts"),
    "virtual_hosts": ("virtual-hosts",),
    "certificates": ("certificate-expiration", "1", "months"),
    "amqp": ("protocol-listener", "amqp"),
    "in_service": ("is-in-service",),
    "serves": ("ready-to-serve-clients",),
    "connection_limit": ("below-node-connection-limit",),
    "metadata": ("metadata-store", "initialized"),
    "metadata_data": ("metadata-store", "initialized", "with-data"),
}
PASSED, FAILED, ABSENT, REFUSED = "passed", "failed", "absent", "refused"


@dataclass(frozen=True)
class Check:
    """What a check answered. `state`: PASSED, FAILED, ABSENT (this version has no such check) or REFUSED (the
    account
    may not ask); `reason`: RabbitMQ's words, "" for none; `objects`: names of what is at fault, at most 50."""

    name: str
    state: str
    reason: str = ""
    objects: tuple[str, ...] = ()


def run(client: ManagementClient, name: str) -> Check:
    """Run one check of CHECKS. Raises KeyError for none of these, RabbitError where the broker does not answer."""
    segments = ("health", "checks", *CHECKS[name])
    try:
        # 503 is what a check answers that did not pass, and no fault.
        found = calls.change(client, "GET", *segments, expect=(503,))
    except (NotFound, NotOffered):
        return Check(name, ABSENT)
    except Refused as error:
        return Check(name, REFUSED, str(error))
    table = values.table(found)
    passed = table.get("status") == "ok"
    return Check(name, PASSED if passed else FAILED, values.text(table.get("reason")) or "", _objects(table))


def _objects(table: Any) -> tuple[str, ...]:
    """Return what is at fault: RabbitMQ names it under a different key in each check."""
    for key in ("queues", "alarms", "virtual-hosts", "listeners", "expired"):
        entries = table.get(key)
        if isinstance(entries, list) and entries:
            return tuple(_name(entry) for entry in entries[:50])
    return ()


def _name(entry: Any) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    if "name" in entry:
        return str(entry.get("readable_name") or entry["name"])
    return " ".join(str(entry[key]) for key in ("resource", "node", "protocol", "port") if key in entry)
