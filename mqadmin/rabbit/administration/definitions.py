"""The definitions of a broker: all that RabbitMQ exports and imports in one document, and deleting one thing of it.

An import only adds and changes: it deletes nothing, and says nothing of a queue or an exchange that is there with
other arguments (rabbit_definitions:add_queue/2 takes what is there; tried on 3.10.8, 4.0.5 and 4.3.6). A user
without `password_hash` loses the password that it had (tried on the same three). An import is not atomic: what came
before what is refused stays.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import BadResponse, ManagementUnavailable, NotFound
from mqadmin.rabbit.management_api.hosts import Hosts

Document = dict[str, Any]
"""What RabbitMQ exports: lists of objects by their section, and a few texts about itself."""

SECTIONS = (
    "vhosts",
    "users",
    "permissions",
    "topic_permissions",
    "parameters",
    "global_parameters",
    "policies",
    "queues",
    "exchanges",
    "bindings",
)
_EVENTS = "amq.rabbitmq.event"
PATIENCE_S = 60.0  # 10,000 queues are exported in about a second, and declared in many


@dataclass(frozen=True)
class Exported:
    """The definitions at a moment. `document` is None where they are as they were at `etag`; `etag` is "" before
    RabbitMQ 4.3.5. `took_s`: how long the answer took."""

    document: Document | None
    etag: str
    took_s: float


class DefinitionsClient:
    """The definitions of one broker; its user must be an administrator. Any thread may call it.

    Methods raise what `ManagementClient` raises: NoResponse, Refused, BadResponse, ManagementUnavailable.
    """

    def __init__(self, config: BrokerConfig) -> None:
        self.config = config
        self._http = Hosts(replace(config, timeout_s=max(config.timeout_s, PATIENCE_S)), None)

    def close(self) -> None:
        self._http.close()

    def export(self, *, etag: str = "") -> Exported:
        """Return the definitions of the whole broker."""
        began = time.monotonic()
        headers = {"If-None-Match": etag} if etag else None
        answer = self._http.answer("GET", "definitions", headers=headers)
        took = time.monotonic() - began
        if etag and answer.status == 304:
            return Exported(None, etag, took)
        return Exported(checked(answer.found, self.config.management_base), answer.etag, took)

    def export_vhost(self, vhost: str) -> Document:
        """Return the definitions of one virtual host; its objects say no `vhost`. Raises NotFound."""
        if vhost in (".", ".."):
            raise BadResponse(_UNADDRESSABLE, code="unaddressable")
        return checked(self._http.call("GET", "definitions", vhost), self.config.management_base)

    def whoami(self) -> None:
        """Return where the broker answers; else raise what it does instead."""
        self._http.call("GET", "whoami")

    def event_vhost(self) -> str | None:
        """Return the virtual host with the exchange of rabbitmq_event_exchange; None: the plugin is not enabled.

        The default virtual host has it, unless the plugin is told otherwise.
        """
        asked = {"name": _EVENTS, "page": "1", "page_size": "20", "columns": "vhost,name"}
        found = self._http.call("GET", "exchanges", params=asked)
        items = found.get("items") if isinstance(found, dict) else None
        if not isinstance(items, list):
            raise ManagementUnavailable(f"{self.config.management_base} answered with no list of exchanges.")
        return next((str(item.get("vhost")) for item in items if item.get("name") == _EVENTS), None)

    def load(self, document: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Have the broker make or change all of it, in its own order. BadRequest: what it refuses ends it."""
        self._http.call("POST", "definitions", body=dict(document))

    def delete(self, *segments: str, only_empty: bool = False) -> bool:
        """Delete what `/api/<segments>` is; returns False where it was gone already.

        `only_empty`: of a queue, refuse (BadRequest) where it holds messages.
        """
        if {".", ".."} & set(segments):
            raise BadResponse(_UNADDRESSABLE, code="unaddressable")
        try:
            self._http.call("DELETE", *segments, params={"if-empty": "true"} if only_empty else None)
        except NotFound:
            return False
        return True

    def binding_keys(self, vhost: str, source: str, kind: str, destination: str) -> list[Mapping[str, Any]]:
        """Return the bindings between two; each has `routing_key`, `arguments`, `properties_key`."""
        if {".", ".."} & {vhost, source, destination}:
            raise BadResponse(_UNADDRESSABLE, code="unaddressable")
        short = "q" if kind == "queue" else "e"
        found = self._http.call("GET", "bindings", vhost, "e", source, short, destination)
        if not isinstance(found, list):
            raise ManagementUnavailable(f"{self.config.management_base} answered with no list of bindings.")
        return [item for item in found if isinstance(item, dict)]

    def messages(self) -> dict[tuple[str, str], int | None]:
        """Return how many messages each queue holds by (vhost, name); None where the broker does not say."""
        found = self._http.call("GET", "queues", params={"columns": "vhost,name,messages"})
        if not isinstance(found, list):
            raise ManagementUnavailable(f"{self.config.management_base} answered with no list of queues.")
        return {(str(item["vhost"]), str(item["name"])): item.get("messages") for item in found}


_UNADDRESSABLE = "RabbitMQ's management API cannot address a name of one or two dots."


def checked(found: Any, where: str) -> Document:
    """Return a document whose sections are lists of objects. Raises ManagementUnavailable for anything else."""
    if not isinstance(found, dict):
        raise ManagementUnavailable(f"{where} answered with JSON that is no export of definitions.")
    for section in SECTIONS:
        items = found.get(section, [])
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise ManagementUnavailable(
                f"{where} answered with definitions whose {section} are no list of objects."
            )
    return found


def size(document: Document) -> int:
    """Return how many bytes a document is as JSON."""
    return len(json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass"))
