"""Users that RabbitMQ itself keeps: listed, made, changed, deleted. A hash never leaves this module."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mqadmin.rabbit.administration import calls, limits, permissions
from mqadmin.rabbit.management_api import values
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.values import Json

ALGORITHMS = ("rabbit_password_hashing_sha256", "rabbit_password_hashing_sha512")
DIGEST_BYTES = {ALGORITHMS[0]: 32, ALGORITHMS[1]: 64}
SALT_BYTES = 4


@dataclass(frozen=True, slots=True)
class User:
    """One user. `has_password`: without one, no login by password; `algorithm`: by which it is hashed.

    `limits` by name; `vhosts`: those that the user has permissions in.
    """

    name: str
    tags: list[str]
    has_password: bool
    algorithm: str
    limits: dict[str, int]
    vhosts: list[str]


@dataclass(frozen=True)
class Login:
    """What a user signs in with: a password, the hash of one (base64, `algorithm`), or nothing at all."""

    password: str = field(default="", repr=False)
    password_hash: str = field(default="", repr=False)
    algorithm: str = ""


def listed(client: ManagementClient) -> list[User]:
    """Return all users, with the virtual hosts that each may enter: two calls. Administrators may ask."""
    found = calls.asked(client, "users")
    inside: dict[str, list[str]] = {}
    for item in permissions.listed(client):
        inside.setdefault(item.user, []).append(item.vhost)
    return client.typed(lambda item: _user(item, inside), found)


def one(client: ManagementClient, name: str) -> User:
    """Return one user, live, without the virtual hosts. Raises NotFound."""
    return calls.one(client, lambda item: _user(item, {}), "users", name)


def put(client: ManagementClient, name: str, *, tags: Sequence[str], login: Login) -> None:
    """Make a user, or change the one of that name: tags and login as they are given, whatever was there."""
    body: dict[str, Any] = {"tags": ",".join(tags)}
    if login.password:
        body["password"] = login.password
    else:
        body["password_hash"] = login.password_hash
        if login.algorithm:
            body["hashing_algorithm"] = login.algorithm
    calls.change(client, "PUT", "users", name, body=body)


def put_tags(client: ManagementClient, name: str, tags: Sequence[str]) -> None:
    """Change the tags of a user and leave the password as it is: RabbitMQ's one call sets both."""
    found = calls.one(client, dict, "users", name)
    login = Login(
        password_hash=str(found.get("password_hash") or ""),
        algorithm=str(found.get("hashing_algorithm") or ""),
    )
    put(client, name, tags=tags, login=login)


def delete(client: ManagementClient, name: str) -> None:
    """Delete a user with all permissions. Connections that are open are closed."""
    calls.change(client, "DELETE", "users", name)


def is_hash(text: str, algorithm: str) -> bool:
    """Whether a text is what RabbitMQ keeps of a password: salt and digest in base64."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(found) == SALT_BYTES + DIGEST_BYTES[algorithm]


def _user(item: Json, inside: Mapping[str, list[str]]) -> User:
    name, tags = str(item["name"]), item.get("tags")
    told = tags.split(",") if isinstance(tags, str) else values.texts(tags)
    return User(
        name=name,
        tags=[tag.strip() for tag in told if tag.strip()],
        has_password=bool(item.get("password_hash")),
        algorithm=str(item.get("hashing_algorithm") or ""),
        limits=limits.read(item.get("limits")),
        vhosts=sorted(inside.get(name, ())),
    )
