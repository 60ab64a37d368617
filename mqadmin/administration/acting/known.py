"""What forms offer to choose from: asked of the broker when a form is opened."""

from __future__ import annotations

from collections.abc import Mapping

from mqadmin.core import brokers, permissions
from mqadmin.queues.models import Queue
from mqadmin.rabbit.administration import exchanges, users
from mqadmin.rabbit.administration import permissions as permission_calls
from mqadmin.rabbit.administration import vhosts as vhost_calls
from mqadmin.rabbit.administration.permissions import Permission, TopicPermission
from mqadmin.rabbit.administration.users import User
from mqadmin.rabbit.administration.vhosts import Vhost
from mqadmin.rabbit.errors import RabbitError


def vhosts(broker: str) -> list[str]:
    """Return the virtual hosts with which who asks may do what is needed: as the broker says, else those whose
    queues are known."""
    try:
        found = {item.name for item in brokers.for_page(broker).vhosts()}
    except RabbitError:
        known = Queue.objects.filter(broker__slug=broker, gone_at__isnull=True)
        found = set(known.order_by().values_list("vhost", flat=True).distinct())
    return sorted(name for name in found if permissions.allows(broker, name))


def exchange_types(broker: str) -> list[str]:
    """Return the types that exchanges of this broker may have; [] where it does not say."""
    try:
        return [item.name for item in exchanges.types(brokers.for_page(broker))]
    except RabbitError:
        return []


def exchange_type(broker: str, vhost: str, name: str) -> str:
    """Return the type of an exchange, "" where the broker does not say or has none of that name."""
    try:
        return exchanges.one(brokers.for_page(broker), vhost, name).type
    except RabbitError:
        return ""


def vhost(broker: str, name: str) -> Vhost | None:
    """Return a virtual host as it is now, None where the broker does not say or has none."""
    try:
        return vhost_calls.one(brokers.for_page(broker), name)
    except RabbitError:
        return None


def user(broker: str, name: str) -> User | None:
    """Return a user as it is now, None where the broker does not say or has none."""
    try:
        return users.one(brokers.for_page(broker), name)
    except RabbitError:
        return None


def granted(broker: str, names: Mapping[str, str]) -> list[Permission]:
    """Return the permission of a user in a virtual host, where both are named and the broker says."""
    if len(names) < 2:
        return []
    try:
        found = permission_calls.listed(brokers.for_page(broker))
    except RabbitError:
        return []
    return [item for item in found if _is(item, names) and permissions.allows(broker, item.vhost)]


def topics(broker: str, names: Mapping[str, str]) -> list[TopicPermission]:
    """Return the topic permissions that have all these names, where the broker says."""
    try:
        found = permission_calls.topics(brokers.for_page(broker))
    except RabbitError:
        return []
    return [item for item in found if _is(item, names) and permissions.allows(broker, item.vhost)]


def _is(item: object, names: Mapping[str, str]) -> bool:
    return all(getattr(item, key) == value for key, value in names.items())


def nodes(broker: str) -> list[str]:
    """Return the names of the nodes that run; [] where the account may not ask."""
    try:
        return sorted(item.name for item in brokers.for_page(broker).nodes() if item.running)
    except RabbitError:
        return []


def exchange_names(broker: str, vhost: str, most: int = 500) -> list[str]:
    """Return the exchanges of a virtual host to bind to, the first `most`; [] where the broker does not say."""
    try:
        found = brokers.for_page(broker).exchanges(vhost)
    except RabbitError:
        return []
    return sorted(item.name for item in found if item.name)[:most]
