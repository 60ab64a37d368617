"""Permissions of users in virtual hosts, and on topics: listed, set, taken away.

A right is a regular expression; "" allows nothing. RabbitMQ looks for it anywhere in a name, see
`rabbit.topology.rights`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mqadmin.rabbit.administration import calls
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.values import Json


@dataclass(frozen=True, slots=True)
class Permission:
    """What a user may do in a virtual host: three regular expressions over names of queues and exchanges."""

    user: str
    vhost: str
    configure: str
    write: str
    read: str


@dataclass(frozen=True, slots=True)
class TopicPermission:
    """With which routing keys a user may publish to a topic exchange (`write`) and bind to it (`read`)."""

    user: str
    vhost: str
    exchange: str
    write: str
    read: str


def listed(client: ManagementClient) -> list[Permission]:
    """Return all permissions. Administrators may ask."""
    return calls.rows(client, _permission, "permissions")


def topics(client: ManagementClient) -> list[TopicPermission]:
    """Return all topic permissions. Administrators may ask."""
    return calls.rows(client, _topic, "topic-permissions")


def put(client: ManagementClient, vhost: str, user: str, *, configure: str, write: str, read: str) -> None:
    """Set what a user may do in a virtual host, whatever it was. BadRequest for an expression that is none."""
    body = {"configure": configure, "write": write, "read": read}
    calls.change(client, "PUT", "permissions", vhost, user, body=body)


def clear(client: ManagementClient, vhost: str, user: str) -> None:
    """Take a user's permissions in a virtual host away: it cannot be entered any more."""
    calls.change(client, "DELETE", "permissions", vhost, user)


def put_topic(
    client: ManagementClient, vhost: str, user: str, exchange: str, *, write: str, read: str
) -> None:
    """Set what a user may do on one topic exchange. 4.3 takes no exchange that is not there."""
    body = {"exchange": exchange, "write": write, "read": read}
    calls.change(client, "PUT", "topic-permissions", vhost, user, body=body)


def clear_topics(client: ManagementClient, vhost: str, user: str) -> None:
    """Take all topic permissions of a user in a virtual host away: the API has no way to take one."""
    calls.change(client, "DELETE", "topic-permissions", vhost, user)


def _permission(item: Json) -> Permission:
    names = (str(item[name]) for name in ("user", "vhost", "configure", "write", "read"))
    return Permission(*names)


def _topic(item: Json) -> TopicPermission:
    names = (str(item[name]) for name in ("user", "vhost", "exchange", "write", "read"))
    return TopicPermission(*names)
