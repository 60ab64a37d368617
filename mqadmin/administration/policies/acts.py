"""Policies and operator policies are set and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.administration.acting import second
from mqadmin.administration.acting.changing import blame, change, require_name
from mqadmin.administration.parameters.acts import plainly
from mqadmin.approvals.gate import kinds
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.rabbit.administration import policies
from mqadmin.rabbit.administration.policies import Kind
from mqadmin.rabbit.errors import NotFound
from mqadmin.rabbit.types import PolicyInfo

SET, DELETE = "policy.set", "policy.delete"
SET_BY_OPERATOR, DELETE_BY_OPERATOR = "operator_policy.set", "operator_policy.delete"
MOST_PRIORITY = 2**31 - 1


def put(
    *,
    broker: str,
    by: Actor,
    vhost: str,
    name: str,
    pattern: str,
    definition: Mapping[str, Any],
    priority: int = 0,
    apply_to: str = "all",
    by_operator: bool = False,
    only_new: bool = False,
) -> None:
    """Make a policy, or replace the one of that name unless `only_new`. It holds at once.

    Raises Refusal (422 with the field to blame; 409 `exists` or in the broker's words, on `definition` or
    `pattern`), RabbitError.
    """
    require_name("vhost", vhost)
    require_name("name", name)
    if not definition:
        raise blame("definition", _("Say what it sets: a policy without any key is refused."))
    if not -MOST_PRIORITY <= priority <= MOST_PRIORITY:
        raise blame("priority", _("That is no priority."))
    policy = PolicyInfo(vhost, name, pattern, priority, dict(definition), apply_to)
    with change(
        by=by,
        action=SET_BY_OPERATOR if by_operator else SET,
        broker=broker,
        vhost=None if by_operator else vhost,
        target=f"{vhost}:{name}",
        kinds=["policies", "exchanges"],
        detail=_detail(policy),
    ) as act:
        kind = kind_of(by_operator)
        try:
            act.was(**_detail(policies.one(act.client, kind, vhost, name)))
        except NotFound:
            pass
        else:
            if only_new:
                text = _("There is a policy of that name already.")
                raise Refusal(text, "exists", fields={"name": text})
        second.ask(
            act,
            by=by,
            action=SET_BY_OPERATOR if by_operator else SET,
            broker=broker,
            summary=_("Set the policy %(name)s") % {"name": f"{vhost}:{name}"},
            arguments={**_values(policy), "by_operator": by_operator, "only_new": only_new},
            values=_values(policy),
        )
        with plainly(policy.definition, lambda text: "pattern" if "regular expression" in text else ""):
            policies.put(act.client, kind, policy)


def delete(*, broker: str, by: Actor, vhost: str, name: str, by_operator: bool = False) -> None:
    """Delete a policy. It holds at once. Raises Refusal (404; 409 in the broker's words), RabbitError."""
    with change(
        by=by,
        action=DELETE_BY_OPERATOR if by_operator else DELETE,
        broker=broker,
        vhost=None if by_operator else vhost,
        target=f"{vhost}:{name}",
        kinds=["policies", "exchanges"],
    ) as act:
        kind = kind_of(by_operator)
        act.was(**_detail(policies.one(act.client, kind, vhost, name)))
        second.ask(
            act,
            by=by,
            action=DELETE_BY_OPERATOR if by_operator else DELETE,
            broker=broker,
            summary=_("Delete the policy %(name)s") % {"name": f"{vhost}:{name}"},
            arguments={"vhost": vhost, "name": name, "by_operator": by_operator},
            values={"vhost": vhost, "name": name},
        )
        policies.delete(act.client, kind, vhost, name)


def _put_agreed(given: Mapping[str, Any], by: Actor) -> None:
    """Do what waited for a second person."""
    put(by=by, **given)


def _delete_agreed(given: Mapping[str, Any], by: Actor) -> None:
    """Do what waited for a second person."""
    delete(by=by, **given)


for _name in (SET, SET_BY_OPERATOR):
    kinds.register(_name, needs="configure", counts_as="policy")(_put_agreed)
for _name in (DELETE, DELETE_BY_OPERATOR):
    kinds.register(_name, needs="configure", counts_as="policy")(_delete_agreed)


def kind_of(by_operator: bool) -> Kind:
    """Return which of the two kinds is meant."""
    return "operator" if by_operator else "policy"


def _values(policy: PolicyInfo) -> dict[str, Any]:
    return {"vhost": policy.vhost, "name": policy.name, **_detail(policy)}


def _detail(policy: PolicyInfo) -> dict[str, Any]:
    return {
        "pattern": policy.pattern,
        "apply_to": policy.apply_to,
        "priority": policy.priority,
        "definition": dict(policy.definition),
    }
