"""Rules: made, changed, switched, deleted, put back as they were."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.alerts.models import Rule
from mqadmin.alerts.rules import built_in, checking
from mqadmin.alerts.seeing import looking, world
from mqadmin.alerts.seeing.of_letters import Letters
from mqadmin.alerts.telling import wording
from mqadmin.alerts.telling.members import Member
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal

EXAMPLES = 5
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


@dataclass(frozen=True)
class Forecast:
    """What a rule matches now, were it on: how many subjects, and a few of them in words. `fault`: why not."""

    count: int
    examples: tuple[str, ...] = ()
    fault: str = ""


def forecast(rule: Rule) -> Forecast:
    """Return what a rule, also one that is not stored, matches now; a few queries."""
    rule = copy(rule)
    rule.pk = rule.pk or 0
    around = world.look(timezone.now())
    found = looking.look([rule], around, Letters())
    holding = [hit for hit in found.hits.values() if hit.holds]
    members = [
        Member(hit.subject, rule, hit.since or around.now, hit.params, hit.value)
        for hit in holding[:EXAMPLES]
    ]
    return Forecast(len(holding), tuple(map(wording.subject, members)), next(iter(found.faults.values()), ""))


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
