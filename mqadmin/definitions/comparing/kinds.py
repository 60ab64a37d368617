"""Which objects definitions hold, what each is known by, and in which order they can be made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

Body = dict[str, Any]

VHOST, USER, PERMISSION, TOPIC_PERMISSION = "vhost", "user", "permission", "topic_permission"
PARAMETER, GLOBAL_PARAMETER, LIMIT = "parameter", "global_parameter", "limit"
OPERATOR_POLICY, POLICY = "operator_policy", "policy"
EXCHANGE, QUEUE, BINDING = "exchange", "queue", "binding"

ORDER = (
    VHOST,
    USER,
    PERMISSION,
    TOPIC_PERMISSION,
    GLOBAL_PARAMETER,
    PARAMETER,
    LIMIT,
    OPERATOR_POLICY,
    POLICY,
    EXCHANGE,
    QUEUE,
    BINDING,
)
"""What others need comes first; policies stand before the queues that they are for. Deleting goes the other way."""

SECTIONS = {
    VHOST: "vhosts",
    USER: "users",
    PERMISSION: "permissions",
    TOPIC_PERMISSION: "topic_permissions",
    PARAMETER: "parameters",
    LIMIT: "parameters",
    OPERATOR_POLICY: "parameters",
    GLOBAL_PARAMETER: "global_parameters",
    POLICY: "policies",
    EXCHANGE: "exchanges",
    QUEUE: "queues",
    BINDING: "bindings",
}
"""Where RabbitMQ's document has them: operator policies and limits are parameters there."""

COMPONENTS = {"operator_policy": OPERATOR_POLICY, "vhost-limits": LIMIT}
WITHOUT_VHOST = (USER, GLOBAL_PARAMETER)
NOT_IN_PLACE = (QUEUE, EXCHANGE)
"""What the broker never changes: one with other arguments must go before it is made anew."""


class Key(NamedTuple):
    """What an object is known by. `vhost` is "" for users and global parameters."""

    kind: str
    vhost: str
    parts: tuple[str, ...]

    @property
    def id(self) -> str:
        """What stands for it in an address or a form: names may be anything."""
        text = json.dumps(self)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    @property
    def name(self) -> str:
        """What it is called, without its kind and its virtual host."""
        if self.kind == BINDING:
            source, _kind, destination, routing_key, arguments = self.parts
            key = f" ({routing_key})" if routing_key else ""
            return (
                f"{source or '(default)'} → {destination}{key}{'' if arguments == '{}' else ' ' + arguments}"
            )
        return " · ".join(self.parts)


Snapshot = dict[Key, Body]


def key_of(kind: str, body: Mapping[str, Any]) -> Key:
    """Return the key of an object of a document. Raises KeyError for one that lacks what it is known by."""
    vhost = "" if kind in WITHOUT_VHOST else str(body["name" if kind == VHOST else "vhost"])
    return Key(kind, vhost, _parts(kind, body))


def _parts(kind: str, body: Mapping[str, Any]) -> tuple[str, ...]:
    if kind == PERMISSION:
        return (str(body["user"]),)
    if kind == TOPIC_PERMISSION:
        return str(body["user"]), str(body["exchange"])
    if kind == PARAMETER:
        return str(body["component"]), str(body["name"])
    if kind == BINDING:
        arguments = json.dumps(body.get("arguments") or {}, sort_keys=True, ensure_ascii=False)
        ends = (str(body[name]) for name in ("source", "destination_type", "destination", "routing_key"))
        return (*ends, arguments)
    return (str(body["name"]),)


def sorted_keys(keys: Any) -> list[Key]:
    """Return keys in the order in which they can be made."""
    place = {kind: at for at, kind in enumerate(ORDER)}
    return sorted(keys, key=lambda key: (place[key.kind], key.vhost, key.parts))
