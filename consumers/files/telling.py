"""A plan as the API and the command tell it."""

from __future__ import annotations

from typing import Any

from consumers.files.planning import Change, Plan
from mqadmin.core import brokers


def plan_out(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON: without what may be secret, and without what stays the same but for its count."""
    return {
        "steps": [
            {
                "name": step.name,
                "act": step.act,
                "changes": [change_out(item) for item in step.changes],
                "errors": dict(step.errors),
            }
            for step in plan.steps
            if step.act != "same"
        ],
        "same": plan.count("same"),
        "extra": list(plan.extra),
        "mark": plan.mark,
    }


def change_out(item: Change) -> dict[str, Any]:
    """Return a setting that differs as JSON."""
    return {"field": item.field, "before": item.before, "after": item.after, "hidden": item.hidden}


def production(plan: Plan) -> str:
    """Return the slugs of the production brokers whose consumers the plan touches, with blanks between."""
    slugs = {row.broker for step in plan.doing for row in (step.wanted, step.row) if row is not None}
    return " ".join(sorted(slug for slug in slugs if brokers.environment(slug) == "production"))
