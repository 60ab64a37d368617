"""Differences, steps and results as the API and the commands tell them."""

from __future__ import annotations

from typing import Any

from mqadmin.definitions.acts.planning import Step
from mqadmin.definitions.acts.steps import Result
from mqadmin.definitions.comparing import secret
from mqadmin.definitions.comparing.differing import Change, Difference
from mqadmin.definitions.comparing.kinds import Body, Key
from mqadmin.definitions.pages import words


def key_out(key: Key) -> dict[str, Any]:
    """Return what an object is known by."""
    return {
        "id": key.id,
        "kind": key.kind,
        "vhost": key.vhost or None,
        "name": key.name,
        "key": list(key.parts),
    }


def difference_out(item: Difference) -> dict[str, Any]:
    """Return one difference; secrets are masked without their fingerprints."""
    return {
        **key_out(item.key),
        "how": item.how,
        "text": words.difference(item),
        "changes": _changes(item.changes),
        "before": _body(item.before),
        "after": _body(item.after),
    }


def step_out(step: Step) -> dict[str, Any]:
    """Return one step of a plan. `step` is what a restore is asked to do it by."""
    return {
        "step": step.id,
        "act": step.act,
        **key_out(step.key),
        "why": words.why(step) or None,
        "is_dangerous": step.is_dangerous,
        "messages": step.messages,
        "changes": _changes(step.changes),
    }


def result_out(result: Result) -> dict[str, Any]:
    """Return what became of one step."""
    return {**step_out(result.step), "outcome": result.outcome, "text": result.text or None}


def _changes(changes: list[Change]) -> list[dict[str, Any]]:
    return [
        {"path": list(item.path), "before": _value(item.before), "after": _value(item.after)}
        for item in changes
    ]


def _value(value: Any) -> Any:
    return secret.without_prints({"value": value})["value"]


def _body(body: Body | None) -> Body | None:
    return None if body is None else secret.without_prints(body)
