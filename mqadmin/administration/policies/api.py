"""The API's calls for policies and operator policies."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from mqadmin.administration.acting.dry_run import DryRun, answers, dry_run
from mqadmin.administration.listed.api import Listed, ListQuery, page
from mqadmin.administration.policies import acts, pages, words
from mqadmin.administration.policies.lists import POLICIES
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, Asked, Body, a_broker, a_place

router = Router(tags=["policies and parameters"], auth=VIEW.of("vhost"))


class PolicyOut(Schema):
    """One policy. `kind`: policy or operator. `queues`, `exchanges`: how many its pattern matches, of those that it
    is for; `..._won`: to how many of them it applies; null where there are too many names to count."""

    vhost: str
    name: str
    kind: str
    pattern: str
    apply_to: str
    priority: int
    definition: dict[str, Any]
    queues: int | None
    queues_won: int | None
    exchanges: int | None
    exchanges_won: int | None


class PolicyList(Listed):
    items: list[PolicyOut]


class PolicyMatchOut(Schema):
    """A policy that matches an object. `why`: applies, lower or tie (`by` applies instead), keys (its type passes
    the policy over for `keys`), apply_to (it is not for the type), unclear; `text` says so."""

    kind: str
    name: str
    priority: int
    why: str
    by: str
    keys: list[str]
    text: str


class ObjectNamed(Asked):
    """Which queue or exchange."""

    broker: str = ""
    vhost: str
    name: str
    type: Literal["queue", "exchange"] = "queue"


class PolicyIn(Body, DryRun):
    """A policy to set. `definition`: the keys as RabbitMQ has them; `only_new`: refuse to replace one."""

    broker: str = ""
    vhost: str
    name: str
    pattern: str
    definition: dict[str, Any]
    priority: int = 0
    apply_to: str = "all"
    by_operator: bool = False
    only_new: bool = False


class PolicyNamed(Asked, DryRun):
    """Which policy; `by_operator`: an operator policy."""

    broker: str = ""
    vhost: str
    name: str
    by_operator: bool = False


@router.get("/policies", response=PolicyList)
def policy_list(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List policies of both kinds with what they match: `q` as `is:operator queues:0`."""
    return page(POLICIES, wanted, asdict)


@router.get("/policies/matching", response=list[PolicyMatchOut])
def policy_matching(request: HttpRequest, wanted: Query[ObjectNamed]) -> list[dict[str, Any]]:
    """Tell which policies match a queue or an exchange now, which applies, and why the others do not."""
    found = pages.of_thing(
        a_place(wanted.broker, wanted.vhost), wanted.vhost, wanted.name, is_exchange=wanted.type == "exchange"
    )
    return [
        {
            "kind": kind,
            "name": match.policy.name,
            "priority": match.policy.priority,
            "why": match.why,
            "by": match.by,
            "keys": list(match.keys or match.idle),
            "text": words.why(match, item.kind),
        }
        for kind, match, item in found
    ]


@router.put("/policies", response=answers(204), auth=CONFIGURE.of("vhost"))
@dry_run(lambda wanted: acts.SET_BY_OPERATOR if wanted.by_operator else acts.SET)
def policy_set(request: HttpRequest, wanted: PolicyIn) -> Status[None]:
    """Make a policy, or replace the one of that name; with `dry_run` 200 and what it would do."""
    values = wanted.dict(exclude={"dry_run"})
    acts.put(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(204, None)


@router.delete("/policies", response=answers(204), auth=CONFIGURE.of("vhost"))
@dry_run(lambda wanted: acts.DELETE_BY_OPERATOR if wanted.by_operator else acts.DELETE)
def policy_delete(request: HttpRequest, wanted: Query[PolicyNamed]) -> Status[None]:
    """Delete a policy; 404 where there is none of that name."""
    values = wanted.dict(exclude={"dry_run"})
    acts.delete(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(204, None)
