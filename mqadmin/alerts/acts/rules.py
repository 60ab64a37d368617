"""Rules: made, changed, switched, deleted, put back as they were."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from mqadmin.alerts.models import Rule
from mqadmin.alerts.rules import built_in, checking
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal

FIELDS = (
    "name",
    "is_on",
    "about",
    "broker",
    "queues",
    "level",
    "codes",
    "field",
    "operator",
    "value",
    "clear_value",
    "window_s",
    "for_s",
    "clear_s",
    "severity",
    "repeat_s",
)


def create(*, by: Actor, **values: Any) -> Rule:
    """Make a rule. Raises Refusal (422) with the faults by field."""
    return _stored(Rule(), values, by, "alert_rule.create")


def change(*, by: Actor, rule: Rule, **values: Any) -> Rule:
    """Change a rule. Raises Refusal (422) with the faults by field."""
    return _stored(rule, values, by, "alert_rule.change")


def switch(*, by: Actor, rule: Rule, is_on: bool) -> Rule:
    """Switch a rule on or off; off, its alerts end."""
    return _stored(rule, {"is_on": is_on}, by, "alert_rule.on" if is_on else "alert_rule.off")


def restore(*, by: Actor, rule: Rule) -> Rule:
    """Make a built-in rule what it was at first. Raises Refusal for one of a person's own."""
    if rule.built_in not in built_in.RULES:
        raise Refusal(_("This rule is your own: there is nothing to put it back to."))
    fresh = Rule(**built_in.RULES[rule.built_in])
    return _stored(rule, {name: getattr(fresh, name) for name in FIELDS}, by, "alert_rule.restore")


def delete(*, by: Actor, rule: Rule) -> None:
    """Delete a rule, its alerts with it. Raises Refusal for a built-in one, which would come back."""
    if rule.built_in:
        raise Refusal(_("A built-in rule stays: switch it off instead."))
    with audit.act(by=by, action="alert_rule.delete", target=rule.name, detail=_told(rule)):
        rule.delete()


def _stored(rule: Rule, values: dict[str, Any], by: Actor, action: str) -> Rule:
    unknown = sorted(set(values) - set(FIELDS))
    if unknown:
        raise TypeError(f"a rule has no {', '.join(unknown)}")
    before = _told(rule)
    for name, value in values.items():
        setattr(rule, name, value.strip() if isinstance(value, str) else value)
    if faults := checking.rule(rule):
        raise Refusal(next(iter(faults.values())), "invalid", status=422, fields=faults)
    rule.changed_by = by.name
    now = _told(rule)
    changed = now if rule.pk is None else {name: now[name] for name in now if now[name] != before[name]}
    with audit.act(by=by, action=action, broker=rule.broker, target=rule.name, detail=changed):
        rule.save()
    return rule


def _told(rule: Rule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in FIELDS}
