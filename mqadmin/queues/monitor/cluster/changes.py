"""What happened to a broker between two observations: alarms, nodes, policies, virtual hosts, queues. Pure.

An event is a kind with parameters, worded when it is shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mqadmin.rabbit.types import NodeInfo, PolicyInfo

NAMED = 10
KINDS = {"policies": "policy", "operator_policies": "operator_policy"}


class Event(NamedTuple):
    """`at`: epoch seconds."""

    at: float
    kind: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Definitions:
    """What people define: virtual hosts, and in each of them that mqadmin's user may see its policies and operator
    policies by their names. `hidden`: those that it may not see."""

    vhosts: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    operator_policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        vhosts: Iterable[str],
        hidden: Iterable[str],
        policies: Iterable[PolicyInfo],
        operator_policies: Iterable[PolicyInfo],
    ) -> Definitions:
        listed = frozenset(vhosts)
        unseen = listed & frozenset(hidden)
        seen = listed - unseen
        return cls(listed, unseen, _by_vhost(policies, seen), _by_vhost(operator_policies, seen))

    @property
    def seen(self) -> frozenset[str]:
        return self.vhosts - self.hidden

    def to_json(self) -> dict[str, Any]:
        return {
            "vhosts": sorted(self.vhosts),
            "hidden": sorted(self.hidden),
            "policies": self.policies,
            "operator_policies": self.operator_policies,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Definitions | None:
        """Return what `to_json` wrote, None where nothing is."""
        if not stored:
            return None
        return cls(
            frozenset(stored["vhosts"]),
            frozenset(stored.get("hidden", ())),
            stored["policies"],
            stored["operator_policies"],
        )


def _by_vhost(found: Iterable[PolicyInfo], vhosts: Iterable[str]) -> dict[str, dict[str, Any]]:
    kept: dict[str, dict[str, Any]] = {vhost: {} for vhost in vhosts}
    for item in found:
        if item.vhost in kept:
            kept[item.vhost][item.name] = {
                "pattern": item.pattern,
                "apply-to": item.apply_to,
                "priority": item.priority,
                "definition": dict(item.definition),
            }
    return {vhost: items for vhost, items in kept.items() if items}


def of_definitions(before: Definitions | None, now: Definitions, at: float) -> Iterator[Event]:
    """Yield what was made, changed and deleted. What was not to be seen before or is not now says nothing."""
    if before is None:
        return
    for vhost in sorted(now.vhosts - before.vhosts):
        yield Event(at, "vhost_made", {"vhost": vhost})
    for vhost in sorted(before.vhosts - now.vhosts):
        yield Event(at, "vhost_deleted", {"vhost": vhost})
    for kind, word in KINDS.items():
        for vhost in sorted(before.seen & now.seen):
            old, new = getattr(before, kind).get(vhost, {}), getattr(now, kind).get(vhost, {})
            yield from _policies(word, vhost, old, new, at)


def _policies(
    word: str, vhost: str, old: Mapping[str, Any], new: Mapping[str, Any], at: float
) -> Iterator[Event]:
    found = {
        "made": sorted(new.keys() - old.keys()),
        "changed": sorted(name for name in old.keys() & new.keys() if old[name] != new[name]),
        "deleted": sorted(old.keys() - new.keys()),
    }
    for act, names in found.items():
        if len(names) > NAMED:
            yield Event(at, f"{word}_{act}", _some(vhost, names))
            continue
        for name in names:
            params: dict[str, Any] = {"vhost": vhost, "names": [name], "count": 1}
            if name in new:
                params["what"] = difference(old.get(name, {}), new[name])
            yield Event(at, f"{word}_{act}", params)


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[list[str]]:
    """Return [name, before, after] of each setting that differs, as text; "" for none."""
    before, after = _settings(old), _settings(new)
    names = sorted(before.keys() | after.keys())
    return [
        [name, before.get(name, ""), after.get(name, "")]
        for name in names
        if before.get(name) != after.get(name)
    ]


def _settings(policy: Mapping[str, Any]) -> dict[str, str]:
    flat = {**policy.get("definition", {}), **{k: v for k, v in policy.items() if k != "definition"}}
    return {
        name: (value if isinstance(value, str) else json.dumps(value))[:200] for name, value in flat.items()
    }


def _some(vhost: str, names: list[str]) -> dict[str, Any]:
    return {"vhost": vhost, "names": names[:NAMED], "count": len(names)}


def of_nodes(
    before: Iterable[Mapping[str, Any]], now: Iterable[NodeInfo], restarts: Mapping[str, float], at: float
) -> Iterator[Event]:
    """Yield what became of nodes; `before`: as `Broker.nodes` keeps them, `restarts`: since the sample before."""
    old = {node["name"]: node for node in before}
    new = {node.name: node for node in now}
    for name in new.keys() - old.keys() if old else ():
        yield Event(at, "node_joined", {"node": name})
    for name in old.keys() - new.keys() if new else ():
        yield Event(at, "node_left", {"node": name})
    for name, node in new.items():
        was = old.get(name)
        if was is None:
            continue
        if was.get("running", True) and not node.running:
            yield Event(at, "node_stopped", {"node": name})
        elif name in restarts:
            yield Event(restarts[name], "node_started", {"node": name})
        elif node.running and not was.get("running", True):
            yield Event(at, "node_back", {"node": name})
        if node.partitions and not was.get("partitions"):
            yield Event(at, "split", {"node": name, "others": list(node.partitions)})
        elif node.running and was.get("partitions") and not node.partitions:
            yield Event(at, "split_over", {"node": name})


def of_alarms(
    before: Iterable[Mapping[str, str]], now: Iterable[Mapping[str, str]], at: float
) -> Iterator[Event]:
    """Yield the alarms that were raised and those that are gone."""
    old, new = ({(alarm["node"], alarm["resource"]) for alarm in alarms} for alarms in (before, now))
    for kind, found in (("alarm_raised", new - old), ("alarm_gone", old - new)):
        for node, resource in sorted(found):
            yield Event(at, kind, {"node": node, "resource": resource})


def of_queues(made: Iterable[tuple[str, str]], gone: Iterable[tuple[str, str]], at: float) -> Iterator[Event]:
    """Yield an event for each virtual host in which queues came or went."""
    for kind, keys in (("queues_declared", made), ("queues_gone", gone)):
        names: dict[str, list[str]] = {}
        for vhost, name in keys:
            names.setdefault(vhost, []).append(name)
        for vhost, found in sorted(names.items()):
            yield Event(at, kind, _some(vhost, sorted(found)))


def stays(name: str, queue: Mapping[str, Any]) -> bool:
    """Whether a queue is made to stay: not one of a connection, or of a while. `queue`: fields of a `QueueInfo`."""
    passing = queue["exclusive"] or queue["auto_delete"] or "x-expires" in queue["arguments"]
    return not passing and "expires" not in queue["effective_policy"] and not name.startswith("amq.gen-")
