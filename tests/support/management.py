"""What only tests do with a broker: making users and policies, deleting things, asking for its alarms."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from mqadmin.rabbit import amqp
from mqadmin.rabbit.administration import vhosts
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import ChannelLost, NotFound
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.types import QueueDetail

_DOTS = (".", "..")  # no URL of the management API can name these


class Management(ManagementClient):
    """mqadmin's client, and more of the management API."""

    def alarms(self) -> list[str]:
        """Return the resources whose alarm is in force. The broker tells of them with status 503: a result."""
        answer = self._http.call("GET", "health", "checks", "alarms", expect=(503,))
        return [str(alarm["resource"]) for alarm in answer.get("alarms", [])]

    def delete_queue(self, vhost: str, name: str) -> None:
        if name not in _DOTS:
            self._http.call("DELETE", "queues", vhost, name)
            return
        with amqp.channel(self.config, vhost) as channel:
            # The broker takes the deletion of a missing queue for done; the HTTP API says 404, and so do we.
            channel.queue_declare(name, passive=True)
            channel.queue_delete(name)

    def purge(self, vhost: str, name: str) -> None:
        """Drop every ready message of the queue; unacked ones stay."""
        if name not in _DOTS:
            self._http.call("DELETE", "queues", vhost, name, "contents")
        else:
            purge(self.config, vhost, name)

    def delete_exchange(self, vhost: str, name: str) -> None:
        self._http.call("DELETE", "exchanges", vhost, name)

    def set_policy(
        self,
        vhost: str,
        name: str,
        pattern: str,
        definition: Mapping[str, Any],
        *,
        apply_to: str = "all",
        priority: int = 0,
        kind: str = "policies",
    ) -> None:
        """`kind` is `policies` or `operator-policies`."""
        body = {
            "pattern": pattern,
            "definition": dict(definition),
            "apply-to": apply_to,
            "priority": priority,
        }
        self._http.call("PUT", kind, vhost, name, body=body)

    def delete_policy(self, vhost: str, name: str, *, kind: str = "policies") -> None:
        self._http.call("DELETE", kind, vhost, name)

    def unbind(
        self, vhost: str, source: str, destination: str, key: str, *, destination_type: str = "queue"
    ) -> None:
        """Take away the binding without arguments that has this key; `~` stands for one of none."""
        place = ("e", source, destination_type[0], destination)
        self._http.call("DELETE", "bindings", vhost, *place, key or "~")

    def set_vhost_limit(self, vhost: str, name: str, value: int) -> None:
        self._http.call("PUT", "vhost-limits", vhost, name, body={"value": value})

    def delete_vhost_limit(self, vhost: str, name: str) -> None:
        self._http.call("DELETE", "vhost-limits", vhost, name)

    def policies_now(self, vhost: str) -> dict[str, str]:
        """Return the policy of each queue that has one, as of now: the statistics are up to five seconds old."""
        params = {"disable_stats": "true", "enable_queue_totals": "true"}
        answer = self._http.call("GET", "queues", vhost, params=params)
        return {str(item["name"]): str(item["policy"]) for item in answer if item.get("policy")}

    def delete_vhost(self, name: str) -> None:
        """Delete the vhost and everything in it."""
        vhosts.delete(self, name)

    def create_user(self, name: str, password: str, *, tags: Sequence[str] = ()) -> None:
        self._http.call("PUT", "users", name, body={"password": password, "tags": ",".join(tags)})

    def clear_permissions(self, vhost: str, user: str) -> None:
        """Take a user's permissions on the vhost away; it need not have any."""
        with contextlib.suppress(NotFound):
            self._http.call("DELETE", "permissions", vhost, user)

    def delete_user(self, name: str) -> None:
        self._http.call("DELETE", "users", name)


def purge(config: BrokerConfig, vhost: str, name: str) -> int:
    """Drop the ready messages over AMQP and return how many they were. Raises RabbitError."""
    with amqp.channel(config, vhost) as channel:
        count = channel.queue_purge(name).method.message_count
    if count is None:
        raise ChannelLost("The broker did not say how many messages it dropped.")
    return int(count)


@contextlib.contextmanager
def no_statistics() -> Iterator[None]:
    """Have a queue be told as with `management_agent.disable_metrics_collector`: neither unacked nor total."""
    told = ManagementClient.queue

    def queue(self: ManagementClient, *given: Any, **more: Any) -> QueueDetail:
        found = told(self, *given, **more)
        return replace(found, info=replace(found.info, unacked=None, total=None))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ManagementClient, "queue", queue)
        yield
