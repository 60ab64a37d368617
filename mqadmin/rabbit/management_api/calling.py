"""How the management API is asked, whatever it is asked for: paths, faults, typed answers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Self, TypeVar

import requests

from mqadmin.rabbit import amqp
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import BadResponse, ManagementUnavailable, NotFound, Refused
from mqadmin.rabbit.management_api import entries, parse
from mqadmin.rabbit.management_api.entries import Entry
from mqadmin.rabbit.management_api.hosts import Hosts
from mqadmin.rabbit.management_api.http import Answer
from mqadmin.rabbit.types import UserInfo, VhostInfo

T = TypeVar("T")


class Calls:
    """What `ManagementClient` is made on: one broker's API, any call of it. See there for what is raised."""

    def __init__(self, config: BrokerConfig, session: requests.Session | None = None) -> None:
        self.config = config
        self._http: Hosts | _Guarded = Hosts(config, session)

    def close(self) -> None:
        self._http.close()

    def within(self, guard: Callable[[], AbstractContextManager[None]]) -> Self:
        """Return the same client, whose every call is made within `guard()`; it shares this one's sessions."""
        guarded = copy.copy(self)
        guarded._http = _Guarded(self._http, guard)
        return guarded

    def whoami(self) -> UserInfo:
        return self._one(parse.user, self._http.call("GET", "whoami"))

    def vhosts(self) -> list[VhostInfo]:
        return self._list(parse.vhost, parse.still_there(self._http.call("GET", "vhosts")))

    # What `rabbit.administration` asks for, and has changed

    def read(self, kind: str, *names: str, params: Mapping[str, str | int] | None = None) -> Any:
        """Return what GET of `/api/<kind>/<names>` answers; the first name is a virtual host's, where it is one."""
        require_path(*names)
        return self._read(kind, *names, params=params)

    def call(self, method: str, *segments: str, **options: Any) -> Any:
        """Make a call that changes something: once, unless no connection was made. Return what it answers.

        `options`: `body`, `params`, `headers`, `expect` of `Http.answer`.
        """
        require_path(*segments)
        return self._http.call(method, *segments, **options)

    def typed(self, read: Callable[[Any], T], items: Any) -> list[T]:
        """Return each item of a JSON array as `read` makes it; ManagementUnavailable where it cannot."""
        return self._list(read, items)

    # Reading

    def _read(self, kind: str, *names: str, **options: Any) -> Any:
        """Make a call about a virtual host, whose name comes first, or about all of them.

        `options`: of `Http.answer`.
        """
        try:
            return self._http.call("GET", kind, *names, **options)
        except NotFound as error:
            if names and self._is_hidden(names[0]):
                text = (
                    f"The user “{self.config.auth()[0]}” has no permission on the virtual host “{names[0]}”."
                )
                raise Refused(text, code="vhost_refused") from error
        # It said 404, and that its API is there: now it counts. Before, it may have been starting.
        return self._http.call("GET", kind, *names, **options)

    def _is_hidden(self, vhost: str) -> bool:
        """Tell whether a virtual host is there and not to be seen: RabbitMQ 4.3 says 404 of that too.

        Raises what a broker does that says 404 because it is stopping.
        """
        if not any(item.name == vhost for item in self.vhosts()):
            return not self.whoami().sees_the_cluster and amqp.has_vhost(self.config, vhost)
        try:
            self._http.call("GET", "exchanges", vhost, params={"columns": "name"})
        except NotFound:
            return True
        return False

    # Typing what came

    def _one(self, read: Callable[[Any], T], item: Any) -> T:
        try:
            return read(item)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._nonsense() from error

    def _list(self, read: Callable[[Any], T], items: Any) -> list[T]:
        if not isinstance(items, list):
            raise self._nonsense()
        return [
            self._entry(read, item) if isinstance(item, Entry) else self._one(read, item) for item in items
        ]

    def _entry(self, read: Callable[[Any], T], entry: Entry) -> T:
        return self._one(lambda found: read(entries.read(found)), entry)

    def _nonsense(self) -> ManagementUnavailable:
        return ManagementUnavailable(
            f"{self.config.management_base} answered with JSON that is not RabbitMQ's management API."
        )


class _Guarded:
    """The hosts of a management API, each call of which is made within a guard."""

    def __init__(self, hosts: Hosts | _Guarded, guard: Callable[[], AbstractContextManager[None]]) -> None:
        self._hosts, self._guard = hosts, guard

    def call(self, method: str, *segments: str, **options: Any) -> Any:
        return self.answer(method, *segments, **options).found

    def answer(self, method: str, *segments: str, **options: Any) -> Answer:
        with self._guard():
            return self._hosts.answer(method, *segments, **options)

    def close(self) -> None:
        self._hosts.close()


def in_path(*names: str) -> bool:
    """Tell whether all names can be path segments: cowboy resolves `.` and `..` after decoding."""
    return not any(name in (".", "..") for name in names)


def require_path(*names: str) -> None:
    """Raise BadResponse for what the API cannot address, NotFound for no name: it would ask for the whole list."""
    if not all(names):
        raise NotFound("Nothing on a broker has an empty name here.")
    if not in_path(*names):
        raise BadResponse(
            "RabbitMQ's management API cannot address a name of one or two dots.", code="unaddressable"
        )
