"""Events of rabbitmq_event_exchange read: which object, by whom. Pure; no value of an event is looked at.

An event is a message without a body; its headers say what happened (rabbit_exchange_type_event). Those of
parameters hold the whole value, with passwords in the addresses of shovels and upstreams (tried on 3.10.8 and
4.3.6): only names are read.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from mqadmin.definitions.comparing import kinds
from mqadmin.definitions.keeping import events
from mqadmin.definitions.keeping.events import Heard

KEYS = (
    "policy.set",
    "policy.cleared",
    "parameter.set",
    "parameter.cleared",
    "queue.created",
    "queue.deleted",
    "exchange.created",
    "exchange.deleted",
    "binding.created",
    "binding.deleted",
    "vhost.created",
    "vhost.updated",
    "vhost.deleted",
    "user.created",
    "user.deleted",
    "user.password.changed",
    "user.password.cleared",
    "user.tags.set",
    "user.limits.set",
    "user.limits.cleared",
    "permission.created",
    "permission.deleted",
    "topic.permission.created",
    "topic.permission.deleted",
)
"""What is listened to. `user.#` would bring `user.authentication.success`, one for each call of the API."""
MOST_PASSING = 20_000  # names of what comes and goes that are remembered
_OWN_COMPONENTS = ("exchange-delete-in-progress",)  # RabbitMQ's notes to itself
Subject = tuple[str, str, tuple[str, ...]]
Headers = Mapping[str, Any]


class Reader:
    """Reads events in the order in which they come. One thread."""

    def __init__(self) -> None:
        self._passing: OrderedDict[tuple[str, str, str], None] = OrderedDict()
        self._operator: tuple[str, str] | None = None  # the operator policy of the event before

    def read(self, name: str, headers: Headers, at: datetime) -> Heard | None:
        """Return what an event says; None where it is of nothing that definitions keep, or lacks what names it."""
        find = _FINDERS.get(name.rpartition(".")[0])
        found = find(headers) if find is not None else None
        before, self._operator = self._operator, None
        if found is None:
            return None
        kind, vhost, parts = found
        if kind == kinds.OPERATOR_POLICY:
            self._operator = (vhost, parts[0])
        elif kind == kinds.POLICY and before == (vhost, parts[0]):
            return None  # of an operator policy it is told twice
        if self._passes(name, kind, vhost, parts, headers):
            return None
        by = _text(headers, "user_who_performed_action") or ""
        by = by.replace("\0", "\N{REPLACEMENT CHARACTER}")  # PostgreSQL has none
        return Heard(at, name[:40], events.subject(kind, vhost, parts), by[:255])

    def _passes(self, name: str, kind: str, vhost: str, parts: tuple[str, ...], headers: Headers) -> bool:
        """Whether it is of what comes and goes with clients, which is not kept (see `comparing.document`)."""
        if kind == kinds.BINDING:
            source, to, destination, _routing_key = parts
            ends = ((vhost, kinds.EXCHANGE, source), (vhost, to, destination))
            return not source or any(end in self._passing for end in ends)
        if kind not in (kinds.QUEUE, kinds.EXCHANGE):
            return False
        own = (vhost, kind, parts[0])
        if parts[0] == "" or parts[0].startswith("amq."):
            return kind == kinds.EXCHANGE or parts[0].startswith("amq.gen-")
        if name.endswith(".deleted"):
            # Its bindings may be told after it.
            return own in self._passing
        if headers.get("exclusive") or headers.get("auto_delete") or _expires(headers):
            self._passing[own] = None
            if len(self._passing) > MOST_PASSING:
                self._passing.popitem(last=False)
            return True
        self._passing.pop(own, None)
        return False


def _expires(headers: Headers) -> bool:
    """Arguments are told as texts in Erlang's form: {<<"x-expires">>,long,5}."""
    arguments = headers.get("arguments")
    return isinstance(arguments, list) and any('<<"x-expires">>' in str(item) for item in arguments)


def _text(headers: Headers, name: str) -> str | None:
    value = headers.get(name)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None


def _named(kind: str, *names: str, vhost: str = "vhost") -> Callable[[Headers], Subject | None]:
    """Return what finds an object in headers; `vhost`: the header that says its virtual host, "" for none."""

    def find(headers: Headers) -> Subject | None:
        parts = tuple(_text(headers, name) for name in names)
        where = _text(headers, vhost) if vhost else ""
        if where is None or None in parts:
            return None
        return kind, where, tuple(part for part in parts if part is not None)

    return find


def _parameter(headers: Headers) -> Subject | None:
    component, name, vhost = (_text(headers, key) for key in ("component", "name", "vhost"))
    if component is None or name is None or component in _OWN_COMPONENTS:
        return None
    if component == "global":
        return kinds.GLOBAL_PARAMETER, "", (name,)
    if vhost is None:
        return None
    kind = kinds.COMPONENTS.get(component, kinds.PARAMETER)
    return kind, vhost, (name,) if kind != kinds.PARAMETER else (component, name)


_USER = _named(kinds.USER, "name", vhost="")
_FINDERS: dict[str, Callable[[Headers], Subject | None]] = {
    "policy": _named(kinds.POLICY, "name"),
    "parameter": _parameter,
    "queue": _named(kinds.QUEUE, "name"),
    "exchange": _named(kinds.EXCHANGE, "name"),
    "binding": _named(kinds.BINDING, "source_name", "destination_kind", "destination_name", "routing_key"),
    "vhost": _named(kinds.VHOST, "name", vhost="name"),
    "user": _USER,
    "user.password": _USER,
    "user.tags": _USER,
    "user.limits": _named(kinds.USER, "username", vhost=""),
    "permission": _named(kinds.PERMISSION, "user"),
    "topic.permission": _named(kinds.TOPIC_PERMISSION, "user"),
}
