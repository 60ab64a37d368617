"""Which alerts begin, fire, end: stored alerts beside what rules match now. Asks no database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mqadmin.alerts.engine import states
from mqadmin.alerts.models import Alert, Rule
from mqadmin.alerts.seeing.hits import Hit, Subject, subject_of

Key = tuple[int, Subject]  # a rule and whom it speaks of


@dataclass
class Firing:
    """An alert that fires after this moment. `alert.pk` is None where it was not stored before."""

    alert: Alert
    rule: Rule
    hit: Hit | None
    is_new: bool = False


@dataclass
class Plan:
    """What is to be written of alerts, and what fires then."""

    begin: list[Alert] = field(default_factory=list)
    drop: list[Alert] = field(default_factory=list)
    fine: list[Alert] = field(default_factory=list)
    again: list[Alert] = field(default_factory=list)
    resolve: list[Alert] = field(default_factory=list)
    firing: list[Firing] = field(default_factory=list)


def key(alert: Alert) -> Key:
    return alert.rule_id, subject_of(alert)


def plan(
    alerts: Iterable[Alert],
    rules: Mapping[int, Rule],
    hits: Mapping[Key, Hit],
    *,
    is_unknown: Callable[[Rule, str], bool],
    now: datetime,
) -> Plan:
    """Return what becomes of all alerts. `is_unknown`: of a rule on a broker, whether nothing can be said now."""
    found = Plan()
    stored = set()
    for alert in alerts:
        stored.add(key(alert))
        rule = rules.get(alert.rule_id)
        if rule is None:  # it was switched off
            (found.resolve if alert.state == Alert.State.FIRING else found.drop).append(alert)
        elif is_unknown(rule, alert.broker):
            if alert.state == Alert.State.FIRING:
                found.firing.append(Firing(alert, rule, None))
        else:
            _one(found, alert, rule, hits.get(key(alert)), now)
    for (rule_id, subject), hit in hits.items():
        rule = rules[rule_id]
        if (rule_id, subject) not in stored and not is_unknown(rule, subject.broker):
            _new(found, rule, hit, now)
    return found


def _one(found: Plan, alert: Alert, rule: Rule, hit: Hit | None, now: datetime) -> None:
    at = states.Now(
        "firing" if alert.state == Alert.State.FIRING else "pending", alert.since, alert.fine_since
    )
    step = _step(at, rule, hit, now)
    if step == "resolve":
        found.resolve.append(alert)
        return
    if step == "drop":
        found.drop.append(alert)
    elif step == "fine":
        found.fine.append(alert)
    elif step == "again":
        found.again.append(alert)
    if step == "fire" and hit is not None:
        _fires(alert, now)
        found.firing.append(Firing(alert, rule, hit, is_new=True))
    elif at.state == "firing":
        found.firing.append(Firing(alert, rule, hit))


def _new(found: Plan, rule: Rule, hit: Hit, now: datetime) -> None:
    step = _step(None, rule, hit, now)
    if not step:
        return
    kind, broker, vhost, name = hit.subject
    alert = Alert(rule=rule, subject=kind, broker=broker, vhost=vhost, name=name)
    alert.since, alert.row_id = hit.since or now, hit.row_id
    alert.params, alert.value = dict(hit.params), hit.value
    if step == "begin":
        found.begin.append(alert)
    else:
        _fires(alert, now)
        found.firing.append(Firing(alert, rule, hit, is_new=True))


def _step(at: states.Now | None, rule: Rule, hit: Hit | None, now: datetime) -> states.Step:
    return states.step(
        at,
        hit=hit is not None,
        holds=hit is not None and hit.holds,
        since=hit.since if hit else None,
        now=now,
        for_s=rule.for_s,
        clear_s=rule.clear_s,
    )


def _fires(alert: Alert, now: datetime) -> None:
    alert.state, alert.firing_at = Alert.State.FIRING, now
