"""RabbitMQ's management API: one method per endpoint, always timed out, typed results."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

import requests

from mqadmin.rabbit import amqp
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import (
    BadResponse,
    ManagementUnavailable,
    NotFound,
    Refused,
)
from mqadmin.rabbit.management_api import entries, parse, parse_inside
from mqadmin.rabbit.management_api.entries import Entry, Kept
from mqadmin.rabbit.management_api.hosts import Hosts
from mqadmin.rabbit.types import (
    AlarmInfo,
    BindingInfo,
    ChannelInfo,
    ChannelLoad,
    ConnectionInfo,
    ConsumerInfo,
    ExchangeDetail,
    ExchangeFlow,
    ExchangeInfo,
    NodeInfo,
    OverviewInfo,
    PeekedMessage,
    PermissionInfo,
    PolicyInfo,
    QueueDetail,
    QueueInfo,
    ReplicaInfo,
    UserInfo,
    VhostInfo,
)

MAX_SAMPLES = 500  # What the management API returns at most for one range.
T = TypeVar("T")


class ManagementClient:
    """The management API of one broker. Any thread may call it; one pooled session for each of its hosts.

    Every method raises NoResponse (unreachable, timed out), Refused (login, permission), BadResponse,
    ManagementUnavailable (not the management API), and where it names an object NotFound. A queue named `.`
    or `..` cannot be addressed in a URL (RabbitMQ's web server drops such path segments even when encoded):
    reads find it in a listing, writes go through AMQP.
    """

    def __init__(self, config: BrokerConfig, session: requests.Session | None = None) -> None:
        self.config = config
        self._http = Hosts(config, session)

    def close(self) -> None:
        self._http.close()

    # The cluster

    def overview(self) -> OverviewInfo:
        answer = self._http.answer("GET", "overview")
        return self._one(lambda item: parse.overview(item, answer.clock_ahead), answer.found)

    def nodes(self) -> list[NodeInfo]:
        return self._list(parse.node, self._http.call("GET", "nodes"))

    def resource_alarms(self) -> list[AlarmInfo]:
        """Return the alarms in force. It may be asked for by users who may not ask for nodes."""
        answer = self._http.call("GET", "health", "checks", "alarms", expect=(503,))
        return self._list(parse.alarm, answer.get("alarms", []) if isinstance(answer, dict) else answer)

    def whoami(self) -> UserInfo:
        return self._one(parse.user, self._http.call("GET", "whoami"))

    def vhosts(self) -> list[VhostInfo]:
        return self._list(parse.vhost, self._http.call("GET", "vhosts"))

    def feature_flags(self) -> dict[str, str]:
        """Return the state of each feature flag by its name: enabled, disabled or unavailable."""
        answer = self._http.call("GET", "feature-flags")
        return dict(self._list(lambda item: (str(item["name"]), str(item["state"])), answer))

    def deprecated_features_used(self) -> list[str]:
        """Return the names of the deprecated features that are in use; NotFound where none is called so yet."""
        return self._list(
            lambda item: str(item["name"]), self._http.call("GET", "deprecated-features", "used")
        )

    # Queues

    def queues(
        self,
        vhost: str | None = None,
        *,
        columns: str = parse.QUEUE_COLUMNS,
        kept: Kept[QueueInfo] | None = None,
    ) -> list[QueueInfo]:
        """Return all queues the user may see. `columns` must hold vhost and name; what it lacks is unknown.

        Call it with the same arguments everywhere: different ones evict each other's cached listing. Who asks again
        and again gives `kept`: a queue of which the same is said as the last time is then the same object.
        """
        answer = self._read("queues", *_only(vhost), params={"columns": columns}, in_entries=True)
        if kept is not None and isinstance(answer, list) and all(type(item) is Entry for item in answer):
            found = kept.read(answer, partial(self._entry, parse.queue_info))
        else:
            found = self._list(parse.queue_info, answer)
        return found if vhost is None else [item for item in found if item.vhost == vhost]

    def queue(
        self,
        vhost: str,
        name: str,
        *,
        lengths: tuple[int, int] | None = None,
        rates: tuple[int, int] | None = None,
    ) -> QueueDetail:
        """Return one queue with its consumers, live.

        `lengths` and `rates` ask for history as (age, increment) in seconds, at most 500 steps; a queue keeps
        one hour by default.
        """
        params: dict[str, str | int] = {}
        for prefix, span in (("lengths", lengths), ("msg_rates", rates)):
            if span is not None:
                age, increment = span
                params[f"{prefix}_age"] = age
                params[f"{prefix}_incr"] = max(increment, -(-age // MAX_SAMPLES))
        if _in_path(vhost, name):
            return self._one(parse.queue_detail, self._read("queues", vhost, name, params=params))
        params |= {"name": f"^{re.escape(name)}$", "use_regex": "true", "page": 1, "page_size": 100}
        answer = self._read("queues", *_only(vhost), params=params)
        items = answer.get("items", ()) if isinstance(answer, dict) else ()
        for item in items:
            if (item.get("vhost"), item.get("name")) == (vhost, name):
                return self._one(parse.queue_detail, item)
        raise NotFound("The broker has no such object: queue.")

    def consumers(self, vhost: str | None = None) -> list[ConsumerInfo]:
        answer = self._read("consumers", *_only(vhost), in_entries=True)
        return [item for item in self._list(parse.consumer, answer) if vhost in (None, item.vhost)]

    def replicas(self, vhost: str, name: str) -> list[ReplicaInfo]:
        """Return the members of a quorum queue as each sees itself; [] where the broker does not tell (3.10)."""
        try:
            return parse_inside.replicas(self._http.call("GET", "queues", "quorum", vhost, name, "status"))
        except NotFound:
            return []

    def channel_loads(self, names: Iterable[str]) -> list[ChannelLoad]:
        """Return what the channels of these names hold, in one call."""
        pattern = "|".join(re.escape(name) for name in names)
        params: dict[str, str | int] = {"name": f"^({pattern})$", "use_regex": "true", "page": 1}
        params |= {"page_size": 100, "columns": parse_inside.LOAD_COLUMNS}
        answer = self._read("channels", params=params)
        return self._list(
            parse_inside.channel_load, answer.get("items") if isinstance(answer, dict) else answer
        )

    def declare_queue(
        self,
        vhost: str,
        name: str,
        *,
        durable: bool = True,
        auto_delete: bool = False,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        """Create the queue; the same again changes nothing, another definition raises BadResponse."""
        if not _in_path(vhost, name):
            amqp.declare_queue(
                self.config, vhost, name, durable=durable, auto_delete=auto_delete, arguments=arguments
            )
            return
        body = {"durable": durable, "auto_delete": auto_delete, "arguments": dict(arguments or {})}
        self._http.call("PUT", "queues", vhost, name, body=body)

    def get_messages(
        self, vhost: str, name: str, count: int, *, truncate: int = 50_000, ackmode: str = "ack_requeue_true"
    ) -> list[PeekedMessage]:
        """Take up to `count` messages and return them to the queue; bodies are cut at `truncate` bytes.

        This is not harmless everywhere: call `peek.peek`, which goes another way where a return counts. `requeue`
        is sent for LavinMQ and old brokers; RabbitMQ reads only `ackmode`.
        """
        if not _in_path(vhost, name):
            return amqp.get_and_return(self.config, vhost, name, count, truncate=truncate)
        body = {
            "count": count,
            "ackmode": ackmode,
            "requeue": True,
            "encoding": "base64",
            "truncate": truncate,
        }
        return self._list(parse.peeked, self._http.call("POST", "queues", vhost, name, "get", body=body))

    # Clients

    def connections(self) -> list[ConnectionInfo]:
        """Return the connections: all of them for a user who sees the cluster, else its own."""
        return self._list(
            parse.connection,
            self._read("connections", params={"columns": parse.CONNECTION_COLUMNS}, in_entries=True),
        )

    def channels(self) -> list[ChannelInfo]:
        return self._list(
            parse.channel, self._read("channels", params={"columns": parse.CHANNEL_COLUMNS}, in_entries=True)
        )

    # Topology

    def bindings(self, vhost: str | None = None) -> list[BindingInfo]:
        answer = self._read("bindings", *_only(vhost), in_entries=True)
        return [item for item in self._list(parse.binding, answer) if vhost in (None, item.vhost)]

    def queue_bindings(self, vhost: str, name: str) -> list[BindingInfo]:
        if _in_path(vhost, name):
            return self._list(parse.binding, self._read("queues", vhost, name, "bindings"))
        wanted = ("queue", name)
        return [item for item in self.bindings(vhost) if (item.destination_type, item.destination) == wanted]

    def exchange_bindings(self, vhost: str, name: str) -> list[BindingInfo]:
        """Return the bindings by which other exchanges pass messages on to this one."""
        _require_path(vhost, name)
        answer = self._read("exchanges", vhost, name, "bindings", "destination")
        return [item for item in self._list(parse.binding, answer) if item.source]

    def exchange(self, vhost: str, name: str) -> ExchangeDetail:
        """Return one exchange with who publishes to it; `name` "" is the default exchange."""
        _require_path(vhost, name)
        return self._one(parse_inside.exchange_detail, self._read("exchanges", vhost, name or _DEFAULT))

    def connection_names(self, names: Iterable[str]) -> dict[str, str]:
        """Return what the clients of these connections, at most 100, call themselves; "" for nothing."""
        pattern = "|".join(re.escape(name) for name in names)
        params: dict[str, str | int] = {"name": f"^({pattern})$", "use_regex": "true", "page": 1}
        params |= {"page_size": 100, "columns": "name,user_provided_name"}
        answer = self._read("connections", params=params)
        items = answer.get("items") if isinstance(answer, dict) else answer
        return dict(self._list(parse_inside.connection_name, items))

    def exchanges(self, vhost: str | None = None) -> list[ExchangeInfo]:
        """Return the exchanges; the alternate exchange of a policy is looked up in the policies."""
        answer = self._read("exchanges", *_only(vhost))
        has_policy = isinstance(answer, list) and any(item.get("policy") for item in answer)
        definitions = (
            {(item.vhost, item.name): item.definition for item in self.policies()} if has_policy else {}
        )
        items = self._list(lambda item: parse.exchange(item, definitions), answer)
        return [item for item in items if vhost in (None, item.vhost)]

    def exchange_flows(self) -> list[ExchangeFlow]:
        """Return what goes into and out of each exchange."""
        return self._list(
            parse.exchange_flow, self._read("exchanges", params={"columns": parse.EXCHANGE_FLOW_COLUMNS})
        )

    def declare_exchange(
        self,
        vhost: str,
        name: str,
        *,
        type: str = "direct",
        durable: bool = True,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        _require_path(vhost, name)
        body = {"type": type, "durable": durable, "arguments": dict(arguments or {})}
        self._http.call("PUT", "exchanges", vhost, name, body=body)

    def bind(
        self,
        vhost: str,
        source: str,
        destination: str,
        routing_key: str = "",
        *,
        destination_type: str = "queue",
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        """Bind a queue (or with `destination_type="exchange"` an exchange) to exchange `source`."""
        _require_path(vhost, source, destination)
        body = {"routing_key": routing_key, "arguments": dict(arguments or {})}
        kind = "q" if destination_type == "queue" else "e"
        self._http.call("POST", "bindings", vhost, "e", source, kind, destination, body=body)

    # Policies, vhosts, permissions

    def policies(self, vhost: str | None = None) -> list[PolicyInfo]:
        answer = self._read("policies", *_only(vhost))
        return [item for item in self._list(parse.policy, answer) if vhost in (None, item.vhost)]

    def operator_policies(self, vhost: str | None = None) -> list[PolicyInfo]:
        answer = self._read("operator-policies", *_only(vhost))
        return [item for item in self._list(parse.policy, answer) if vhost in (None, item.vhost)]

    def vhost_limits(self, vhost: str) -> dict[str, int]:
        """Return the limits of a virtual host by name (`max-queues`, `max-connections`)."""
        answer = self._read("vhost-limits", *_only(vhost))
        found = self._list(lambda item: (str(item["vhost"]), dict(item["value"])), answer)
        return {key: int(value) for name, limits in found if name == vhost for key, value in limits.items()}

    def policy_order(self, vhost: str) -> tuple[list[str], list[str]]:
        """Return the names of the policies and of the operator policies in the broker's own order.

        Of those of one priority the first applies. It is the order of the definitions alone (tried on 3.10.8, 4.0.5
        and 4.3.6).
        """
        _require_path(vhost)
        return self._one(parse_inside.policy_order, self._read("definitions", vhost))

    def create_vhost(self, name: str) -> None:
        """Create the vhost; if it exists, nothing changes. Its creator gets full permissions."""
        _require_path(name)
        self._http.call("PUT", "vhosts", name, body={})

    def set_permissions(
        self, vhost: str, user: str, *, configure: str = ".*", write: str = ".*", read: str = ".*"
    ) -> None:
        _require_path(vhost, user)
        body = {"configure": configure, "write": write, "read": read}
        self._http.call("PUT", "permissions", vhost, user, body=body)

    def permission(self, vhost: str, user: str) -> PermissionInfo | None:
        """Return what a user may do in a virtual host, None for nothing at all. Administrators may ask."""
        _require_path(vhost, user)
        try:
            return self._one(parse.permission, self._http.call("GET", "permissions", vhost, user))
        except NotFound:
            return None

    # What `rabbit.administration` asks for, and has changed

    def read(self, kind: str, *names: str, params: Mapping[str, str | int] | None = None) -> Any:
        """Return what GET of `/api/<kind>/<names>` answers; the first name is a virtual host's, where it is one."""
        _require_path(*names)
        return self._read(kind, *names, params=params)

    def call(self, method: str, *segments: str, **options: Any) -> Any:
        """Make a call that changes something: once, unless no connection was made. Return what it answers.

        `options`: `body`, `params`, `expect` of `Http.answer`.
        """
        _require_path(*segments)
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


_DEFAULT = "amq.default"  # what the API calls the default exchange


def _in_path(*names: str) -> bool:
    """Tell whether all names can be path segments: cowboy resolves `.` and `..` after decoding."""
    return not any(name in (".", "..") for name in names)


def _require_path(*names: str) -> None:
    if not _in_path(*names):
        raise BadResponse(
            "RabbitMQ's management API cannot address a name of one or two dots.", code="unaddressable"
        )


def _only(vhost: str | None) -> tuple[str, ...]:
    """Return the path segment that limits a listing to `vhost`, or none when it must be filtered here."""
    return () if vhost is None or not _in_path(vhost) else (vhost,)
