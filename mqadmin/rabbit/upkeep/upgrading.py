"""What breaks, changes or should be known when this broker is upgraded towards the newest RabbitMQ 4. Pure.

The rules are those of RabbitMQ's release notes: 4.0 removed mirroring and version 1 of classic queues'
storage, made
20 the delivery limit of quorum queues and 16 MiB the largest message; 4.3 takes the shared prefetch of a
channel and
transient queues only where they are permitted, and knows Khepri alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mqadmin.rabbit.upkeep.facts import Client, Installed, Placed, PolicyFact
from mqadmin.rabbit.upkeep.finding import BREAKS, CARE, NOTE, Finding, an_object, found, ranked

MIRRORING = ("ha-mode", "ha-params", "ha-sync-mode", "ha-promote-on-shutdown", "ha-promote-on-failure")
LARGEST = 16 * 1024 * 1024  # bytes: `max_message_size` of RabbitMQ 4
# Keys of policies (as arguments with x- before them) that are not read any more, with their successors.
OUTDATED = {"queue-mode": "", "queue-master-locator": "queue-leader-locator", "max-in-memory-length": ""}
OUTDATED["max-in-memory-bytes"] = ""
_Version = tuple[int, int]
# The next series to which one may go at once.
_NEXT: dict[_Version, str] = {
    (3, 8): "3.9",
    (3, 9): "3.10",
    (3, 10): "3.11",
    (3, 11): "3.12",
    (3, 12): "3.13",
    (3, 13): "4.2",
    (4, 0): "4.2",
    (4, 1): "4.2",
    (4, 2): "4.3",
}


def assess(broker: Installed) -> list[Finding]:
    """Return what is to be known before an upgrade, the worst first; [] where nothing is."""
    version = series(broker.version)
    if version is None:
        return [Finding("", 0, "version_unknown", CARE)]
    rules: tuple[Callable[[Installed, _Version], Iterator[Finding]], ...] = (
        _flags,
        _machines,
        _mirrored,
        _limits,
        _prefetch,
        _transient,
        _storage,
        _large,
        _outdated,
        _deprecated,
        _protocols,
        _unknown,
        _route,
    )
    return ranked("", (finding for rule in rules for finding in rule(broker, version)))


def series(version: str) -> _Version | None:
    """Return (4, 3) of "4.3.6", None of what is no version."""
    match = re.match(r"(\d{1,4})\.(\d{1,4})", version)
    return (int(match[1]), int(match[2])) if match else None


def _flags(broker: Installed, version: _Version) -> Iterator[Finding]:
    disabled = [flag for flag in broker.flags or () if flag.state == "disabled"]
    stable = [an_object("flag", flag.name) for flag in disabled if flag.stability == "stable"]
    if stable:
        yield found("flags_missing", BREAKS, stable)
    if version >= (4, 0) and any(flag.name == "khepri_db" for flag in disabled):
        yield found("khepri_missing", BREAKS, [an_object("flag", "khepri_db")])


def _machines(broker: Installed, version: _Version) -> Iterator[Finding]:
    ram = [an_object("node", node.name) for node in broker.nodes if node.is_ram]
    if ram:
        yield found("ram_nodes", BREAKS, ram)
    down = [an_object("node", node.name) for node in broker.nodes if not node.running]
    if down:
        yield found("nodes_down", BREAKS, down)
    versions = sorted({node.version for node in broker.nodes if node.version})
    if len(versions) > 1:
        mixed = [an_object("node", node.name, detail=node.version) for node in broker.nodes if node.version]
        yield found("versions_mixed", BREAKS, mixed)
    erlang = re.match(r"\d+", broker.erlang)
    if version < (4, 0) and erlang and int(erlang[0]) < 26:
        yield Finding("", 0, "erlang_old", BREAKS, params={"erlang": broker.erlang, "least": "26.2"})


def _mirrored(broker: Installed, version: _Version) -> Iterator[Finding]:
    policies = [item for item in broker.policies if any(key in item.definition for key in MIRRORING)]
    examples = [_policy(item, [key for key in MIRRORING if key in item.definition]) for item in policies]
    queues = [
        _queue(item) for item in broker.queues if item.type == "classic" and "ha-mode" in item.effective
    ]
    if version >= (4, 0):
        if examples:
            yield found("mirrored_left", CARE, examples)
    elif examples or queues:
        yield found("mirrored", BREAKS, [*examples, *queues], policies=len(examples), queues=len(queues))


def _limits(broker: Installed, version: _Version) -> Iterator[Finding]:
    if version >= (4, 0):
        return
    unlimited = [item for item in broker.queues if item.type == "quorum" and not _is_limited(item)]
    losing = [_queue(item) for item in unlimited if _set(item, "dead-letter-exchange") is None]
    keeping = [_queue(item) for item in unlimited if _set(item, "dead-letter-exchange") is not None]
    if losing:
        yield found("limit_loses", BREAKS, losing, limit=20)
    if keeping:
        yield found("limit_dead_letters", CARE, keeping, limit=20)


def _prefetch(broker: Installed, _version: _Version) -> Iterator[Finding]:
    shared = [
        an_object("channel", item.connection or item.name, item.vhost, f"{item.user}, prefetch {item.count}")
        for item in broker.shared_prefetch or ()
    ]
    if shared:
        yield found("shared_prefetch", BREAKS, shared)


def _transient(broker: Installed, _version: _Version) -> Iterator[Finding]:
    queues = [_queue(item) for item in broker.queues if not item.durable and not item.exclusive]
    if queues:
        yield found("transient", BREAKS, queues)


def _storage(broker: Installed, version: _Version) -> Iterator[Finding]:
    if version >= (4, 0):
        return
    old = [item for item in broker.queues if item.type == "classic" and item.version == 1]
    if old:
        messages = sum(item.messages for item in old)
        yield found(
            "storage_one", CARE, [_queue(item, str(item.messages)) for item in old], messages=messages
        )


def _large(broker: Installed, version: _Version) -> Iterator[Finding]:
    """An average above the limit says that some message is above it; that one is not, says nothing."""
    if version >= (4, 0):
        return
    large = [
        _queue(item, str(item.bytes // item.messages))
        for item in broker.queues
        if item.messages and item.bytes / item.messages > LARGEST
    ]
    if large:
        yield found("too_large", BREAKS, large, limit=LARGEST)
    else:
        yield Finding("", 0, "size_limit", NOTE, params={"limit": LARGEST})


def _outdated(broker: Installed, version: _Version) -> Iterator[Finding]:
    policies = [
        _policy(item, keys)
        for item in broker.policies
        if (keys := [key for key in OUTDATED if key in item.definition])
    ]
    if version < (4, 0):
        policies += [_policy(item, ["queue-version"]) for item in broker.policies if _asks_for_one(item)]
    names = tuple(f"x-{key}" for key in OUTDATED)
    queues = [
        _queue(item, ", ".join(keys))
        for item in broker.queues
        if (keys := [name for name in names if name in item.arguments])
    ]
    if policies or queues:
        yield found("outdated_keys", CARE, [*policies, *queues])


def _deprecated(broker: Installed, _version: _Version) -> Iterator[Finding]:
    # What is found by itself above, with its objects, is not said twice.
    known = {"classic_queue_mirroring", "transient_nonexcl_queues", "ram_node_type"}
    if broker.shared_prefetch:
        known.add("global_qos")
    used = [an_object("deprecated", name) for name in broker.deprecated or () if name not in known]
    if used:
        yield found("deprecated_used", CARE, used)


def _protocols(broker: Installed, version: _Version) -> Iterator[Finding]:
    if version >= (4, 0):
        return
    clients = broker.clients or ()
    amqp = [_client(item) for item in clients if item.protocol.startswith("AMQP 1")]
    mqtt = [_client(item) for item in clients if "MQTT" in item.protocol]
    if amqp or "rabbitmq_amqp1_0" in broker.plugins:
        yield found("amqp_one", CARE, amqp)
    if mqtt or (version < (3, 12) and "rabbitmq_mqtt" in broker.plugins):
        yield found("mqtt", CARE, mqtt)


def _unknown(broker: Installed, _version: _Version) -> Iterator[Finding]:
    unknown = [
        name
        for name, value in (
            ("flags", broker.flags),
            ("clients", broker.clients),
            ("channels", broker.shared_prefetch),
        )
        if value is None
    ]
    if unknown:
        yield Finding("", 0, "not_known", CARE, params={"what": unknown})


def _route(broker: Installed, version: _Version) -> Iterator[Finding]:
    steps, at = [broker.version], version
    while at in _NEXT:
        steps.append(_NEXT[at])
        at = series(_NEXT[at]) or at
    if len(steps) > 1:
        yield Finding("", 0, "route", NOTE, params={"steps": steps})


def _is_limited(item: Placed) -> bool:
    return _set(item, "delivery-limit") is not None


def _set(item: Placed, key: str) -> Any:
    """Return what an argument or the policies set of a queue, None for nothing."""
    return item.arguments.get(f"x-{key}", item.effective.get(key))


def _asks_for_one(item: PolicyFact) -> bool:
    return item.definition.get("queue-version") == 1


def _policy(item: PolicyFact, keys: Iterable[str]) -> dict[str, str]:
    kind = "operator policy" if item.is_operator else "policy"
    return an_object(kind, item.name, item.vhost, ", ".join(keys))


def _queue(item: Placed, detail: str = "") -> dict[str, str]:
    return an_object("queue", item.name, item.vhost, detail)


def _client(item: Client) -> dict[str, str]:
    return an_object("connection", item.label, item.vhost, f"{item.user}, {item.protocol}")
