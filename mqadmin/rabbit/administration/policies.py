"""Policies and operator policies: listed with what they match, set, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mqadmin.rabbit.administration import calls
from mqadmin.rabbit.management_api import parse
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.values import Json
from mqadmin.rabbit.topology import policy_matches
from mqadmin.rabbit.topology.policy_matches import Count, Named
from mqadmin.rabbit.types import PolicyInfo

Kind = Literal["policy", "operator"]
_PATHS: dict[Kind, str] = {"policy": "policies", "operator": "operator-policies"}


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy. `kind`: policy or operator. `queues`, `exchanges`: how many its pattern matches, of those that it
    is for, and `..._won`: to how many of them it applies; None where that was not counted."""

    vhost: str
    name: str
    kind: str
    pattern: str
    apply_to: str
    priority: int
    definition: Mapping[str, Any]
    queues: int | None
    queues_won: int | None
    exchanges: int | None
    exchanges_won: int | None

    @property
    def matched(self) -> int | None:
        """How many queues and exchanges its pattern matches."""
        return None if self.queues is None or self.exchanges is None else self.queues + self.exchanges

    @property
    def won(self) -> int | None:
        """To how many of them it applies."""
        if self.queues_won is None or self.exchanges_won is None:
            return None
        return self.queues_won + self.exchanges_won


def listed(client: ManagementClient) -> list[Policy]:
    """Return all policies of both kinds that the account sees, with what they match: four calls."""
    kinds: tuple[Kind, ...] = ("policy", "operator")
    by_kind = {kind: policies(client, kind) for kind in kinds}
    there = objects(client) if any(by_kind.values()) else []
    there = policy_matches.settled(there, by_kind["operator"])
    found = []
    for kind, items in by_kind.items():
        counts = policy_matches.counted(there, items, by_operator=kind == "operator")
        found += [
            _row(item, kind, counts[item.vhost, item.name] if counts is not None else None) for item in items
        ]
    return found


def policies(client: ManagementClient, kind: Kind, vhost: str | None = None) -> list[PolicyInfo]:
    """Return the policies of one kind."""
    found = calls.rows(client, parse.policy, _PATHS[kind], *([] if vhost is None else [vhost]))
    return [item for item in found if vhost in (None, item.vhost)]


def one(client: ManagementClient, kind: Kind, vhost: str, name: str) -> PolicyInfo:
    """Return one policy, live."""
    return calls.one(client, parse.policy, _PATHS[kind], vhost, name)


def objects(client: ManagementClient, vhost: str | None = None) -> list[Named]:
    """Return all queues and exchanges with the policies that apply to them now, without their statistics."""
    where = [] if vhost is None else [vhost]
    asked = {"columns": "vhost,name,type,policy,operator_policy", "disable_stats": "true"}
    queues = calls.rows(client, _queue, "queues", *where, params=asked)
    # Then their statistics are not computed (rabbit_mgmt_wm_exchanges:augment/2).
    asked = {"columns": "vhost,name,type,policy", "disable_stats": "true"}
    exchanges = calls.rows(client, _exchange, "exchanges", *where, params=asked)
    return [*queues, *exchanges]


def put(client: ManagementClient, kind: Kind, policy: PolicyInfo) -> None:
    """Make a policy, or replace the one of that name. BadRequest: the broker does not take its definition."""
    body = {
        "pattern": policy.pattern,
        "definition": dict(policy.definition),
        "priority": policy.priority,
        "apply-to": policy.apply_to,
    }
    calls.change(client, "PUT", _PATHS[kind], policy.vhost, policy.name, body=body)


def delete(client: ManagementClient, kind: Kind, vhost: str, name: str) -> None:
    """Delete a policy."""
    calls.change(client, "DELETE", _PATHS[kind], vhost, name)


def _row(item: PolicyInfo, kind: Kind, count: Count | None) -> Policy:
    return Policy(
        item.vhost,
        item.name,
        kind,
        item.pattern,
        item.apply_to,
        item.priority,
        item.definition,
        count.queues if count else None,
        count.queues_won if count else None,
        count.exchanges if count else None,
        count.exchanges_won if count else None,
    )


def _queue(item: Json) -> Named:
    return Named(
        str(item["vhost"]),
        str(item["name"]),
        str(item.get("type") or "classic"),
        str(item.get("policy") or ""),
        str(item["operator_policy"] or "") if "operator_policy" in item else None,
    )


def _exchange(item: Json) -> Named:
    return Named(str(item["vhost"]), str(item["name"]), "exchange", str(item.get("policy") or ""))
