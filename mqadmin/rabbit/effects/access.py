"""Which clients a change of rights, of users or of their limits shuts out of what they do now. Pure.

RabbitMQ's rules: a right is asked for when a channel first uses a name, and remembered by that channel
(rabbit_channel:check_resource_access/4), so what runs goes on: it is refused the next time it begins. Who has no
permission in a virtual host is not let in (rabbit_access_control:check_vhost_access/4). Deleting a user closes its
connections (rabbit_connection_tracking, on `user_deleted`). A limit counts when something is opened
(rabbit_auth_backend_internal: 0 lets nothing in, a negative one is none).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from mqadmin.rabbit.topology import rights
from mqadmin.rabbit.topology.rights import DEFAULT_EXCHANGE, Granted


class Right(Granted, Protocol):
    """A permission: `rabbit.administration.permissions.Permission`."""

    @property
    def vhost(self) -> str: ...


class TopicRight(Protocol):
    """A topic permission: `rabbit.administration.permissions.TopicPermission`."""

    @property
    def user(self) -> str: ...
    @property
    def vhost(self) -> str: ...
    @property
    def exchange(self) -> str: ...
    @property
    def write(self) -> str: ...


@dataclass(frozen=True)
class Use:
    """What a user's clients do now, `count` of them: are connected to a virtual host, consume from the queue
    `name`, publish to the exchange `name` ("" for the default one), with `keys` where they are known."""

    does: Literal["connects", "consumes", "publishes"]
    user: str
    vhost: str
    name: str = ""
    count: int = 1
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Access:
    """Who may do what on a broker. `topic_exchanges`: (virtual host, name) of those that topic permissions are
    asked for; `limits`: of users; `channels`: how many each user has open."""

    rights: tuple[Right, ...] = ()
    topics: tuple[TopicRight, ...] = ()
    users: frozenset[str] = frozenset()
    topic_exchanges: frozenset[tuple[str, str]] = frozenset()
    limits: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    channels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class SetRight:
    """Rights are given, or those of the same user and virtual host replaced."""

    right: Right


@dataclass(frozen=True)
class ClearRight:
    user: str
    vhost: str


@dataclass(frozen=True)
class SetTopic:
    topic: TopicRight


@dataclass(frozen=True)
class ClearTopics:
    """All topic permissions of a user in a virtual host go."""

    user: str
    vhost: str


@dataclass(frozen=True)
class DeleteUser:
    user: str


@dataclass(frozen=True)
class SetUserLimit:
    """`max-connections` or `max-channels`; a negative value is none."""

    user: str
    name: str
    value: int


AccessChange = SetRight | ClearRight | SetTopic | ClearTopics | DeleteUser | SetUserLimit
Why = Literal["closed", "vhost", "right", "key", "limit"]


@dataclass(frozen=True)
class ShutOut:
    """What is refused after a change that was not before.

    `why`: "closed", at once, as the user is gone; "vhost": it is not let in; "right": the name is refused; "key":
    these routing keys; "limit": no more are let in. `is_sure`: False where RE2 cannot tell as RabbitMQ would, or a
    variable of a topic permission depends on the client.
    """

    use: Use
    why: Why
    is_sure: bool = True
    keys: tuple[str, ...] = ()


def after(access: Access, change: AccessChange) -> Access:
    """Return who may do what after the change."""
    match change:
        case SetRight(right=right):
            return replace(access, rights=(*_others(access.rights, right.user, right.vhost), right))
        case ClearRight(user=user, vhost=vhost):
            return replace(access, rights=tuple(_others(access.rights, user, vhost)))
        case SetTopic(topic=topic):
            place = (topic.user, topic.vhost, topic.exchange)
            kept = (item for item in access.topics if (item.user, item.vhost, item.exchange) != place)
            return replace(access, topics=(*kept, topic))
        case ClearTopics(user=user, vhost=vhost):
            gone = tuple(item for item in access.topics if (item.user, item.vhost) != (user, vhost))
            return replace(access, topics=gone)
        case DeleteUser(user=user):
            return replace(
                access,
                users=access.users - {user},
                rights=tuple(item for item in access.rights if item.user != user),
                topics=tuple(item for item in access.topics if item.user != user),
            )
        case SetUserLimit(user=user, name=name, value=value):
            return replace(
                access, limits={**access.limits, user: {**access.limits.get(user, {}), name: value}}
            )


def predict(access: Access, uses: Sequence[Use], change: AccessChange) -> list[ShutOut]:
    """Return what of `uses` would be refused after the change, and is not now."""
    then = after(access, change)
    found = []
    for use in uses:
        if use.user in access.users and use.user not in then.users:
            found += [ShutOut(use, "closed")] if use.does == "connects" else []
            continue
        was, now = _refused(access, use), _refused(then, use)
        if now is not None and now != was:
            found.append(now)
    return [*found, *_limited(access, then, uses)]


def _others(found: Iterable[Right], user: str, vhost: str) -> Iterator[Right]:
    return (item for item in found if (item.user, item.vhost) != (user, vhost))


def _refused(access: Access, use: Use) -> ShutOut | None:
    """Return why a use would be refused if it began now, None where it would not be."""
    right = next((item for item in access.rights if (item.user, item.vhost) == (use.user, use.vhost)), None)
    if right is None:
        return ShutOut(use, "vhost") if use.does == "connects" else None  # said once, of its connections
    if use.does == "connects":
        return None
    needed = right.read if use.does == "consumes" else right.write
    may = rights.allows(needed, use.name if use.does == "consumes" else use.name or DEFAULT_EXCHANGE)
    if may is not True:
        return ShutOut(use, "right", is_sure=may is False)
    return _refused_keys(access, use) if use.does == "publishes" else None


def _refused_keys(access: Access, use: Use) -> ShutOut | None:
    if (use.vhost, use.name) not in access.topic_exchanges:
        return None
    for item in access.topics:
        if (item.user, item.vhost, item.exchange) == (use.user, use.vhost, use.name):
            told = {
                key: rights.allows_topic(item.write, key, user=use.user, vhost=use.vhost) for key in use.keys
            }
            keys = tuple(key for key, may in told.items() if may is not True)
            is_sure = all(told[key] is False for key in keys)
            return ShutOut(use, "key", is_sure, keys) if keys else None
    return None


def _limited(access: Access, then: Access, uses: Sequence[Use]) -> Iterator[ShutOut]:
    """Yield the users that may open nothing more, once each."""
    open_now: Counter[str] = Counter()
    for use in uses:
        open_now[use.user] += use.count if use.does == "connects" else 0
    counts = {"max-connections": open_now, "max-channels": access.channels}
    for user in sorted(then.users):
        for name, counted in counts.items():
            was, now = (one.limits.get(user, {}).get(name) for one in (access, then))
            count = counted.get(user, 0)
            if now != was and _is_reached(now, count):
                yield ShutOut(Use("connects", user, "", name, count), "limit")


def _is_reached(limit: int | None, count: int) -> bool:
    return limit is not None and 0 <= limit <= count
