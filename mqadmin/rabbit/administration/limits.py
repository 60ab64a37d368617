"""Limits of virtual hosts and of users: listed, set, taken away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mqadmin.rabbit.administration import calls
from mqadmin.rabbit.management_api import values
from mqadmin.rabbit.management_api.client import ManagementClient

Of = Literal["vhost", "user"]
NAMES: Mapping[Of, tuple[str, ...]] = {
    "vhost": ("max-connections", "max-queues"),
    "user": ("max-connections", "max-channels"),
}
"""The limits that RabbitMQ knows of each (rabbit_vhost_limit, rabbit_auth_backend_internal)."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of the virtual host or user `name`. A negative value is none; 0 lets nothing in."""

    of: str
    name: str
    limit: str
    value: int


def listed(client: ManagementClient) -> list[Limit]:
    """Return all limits that are set. Those of users an administrator alone may read."""
    found = (("vhost", of_vhosts(client)), ("user", of_users(client)))
    return [
        Limit(of, name, limit, value)
        for of, known in found
        for name, limits in known.items()
        for limit, value in limits.items()
    ]


def of_vhosts(client: ManagementClient) -> dict[str, dict[str, int]]:
    """Return the limits of each virtual host that has any."""
    return dict(calls.rows(client, lambda item: _limits(item, "vhost"), "vhost-limits"))


def of_users(client: ManagementClient) -> dict[str, dict[str, int]]:
    """Return the limits of each user that has any."""
    return dict(calls.rows(client, lambda item: _limits(item, "user"), "user-limits"))


def put(client: ManagementClient, of: Of, name: str, limit: str, value: int) -> None:
    """Set a limit. What is over it already stays."""
    calls.change(client, "PUT", f"{of}-limits", name, limit, body={"value": value})


def clear(client: ManagementClient, of: Of, name: str, limit: str) -> None:
    """Take a limit away; one that is not set is no error."""
    calls.change(client, "DELETE", f"{of}-limits", name, limit)


def read(item: object) -> dict[str, int]:
    """Return limits by name, of what the management API says of them."""
    found = ((name, values.integer(value)) for name, value in values.table(item).items())
    return {name: value for name, value in found if value is not None}


def _limits(item: Mapping[str, object], key: str) -> tuple[str, dict[str, int]]:
    return str(item[key]), read(item.get("value"))
