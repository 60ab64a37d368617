"""The API's calls for alert rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import Field

from mqadmin.alerts.acts import rules
from mqadmin.alerts.api import severities
from mqadmin.alerts.models import Rule
from mqadmin.alerts.pages import preview, rule_rows, rule_words
from mqadmin.alerts.rules import checking
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, Body, one
from mqadmin.core.errors import Refusal

router = Router(tags=["alerts"], auth=VIEW)

About = Literal[
    "verdict",
    "number",
    "rate",
    "lag",
    "letters",
    "cause",
    "new_cause",
    "consumer",
    "broker_away",
    "broker_reason",
    "process_away",
    "approval",
]


class AlertRuleFields(Schema):
    """What is told of. `broker`, `queues` (in the language of the queues' filter): "" is all. Times in seconds.

    `level`: of `verdict` and `broker_reason`. `codes`: reasons of verdicts, states of consumers, groups of causes;
    of `process_away` sampling, supervisor, worker, beat, web, heartbeat; of `approval` waiting, alone; [] is any.
    `field`, `operator`, `value`: of `number` and `rate`; `value` is also the seconds of `lag`, and how many letters
    within `window_s`. It is fine again beyond `clear_value`. `repeat_s` 0: told once.
    """

    name: str = Field("", max_length=120)
    about: About = "number"
    is_on: bool = True
    broker: str = Field("", max_length=60)
    queues: str = Field("", max_length=1000)
    level: Literal["", "broken", "watch"] = ""
    codes: list[str] = Field([], max_length=100)
    field: str = Field("", max_length=30)
    operator: Literal["above", "below"] = "above"
    value: float | None = None
    clear_value: float | None = None
    window_s: int = 600
    for_s: int = 60
    clear_s: int = 60
    severity: severities.Name = "warning"
    repeat_s: int = 4 * 3600


class AlertRuleIn(Body, AlertRuleFields):
    """A new rule: what is left out is as it is written here."""

    name: str = Field(max_length=120)
    about: About


class AlertRulePatch(Body, AlertRuleFields):
    """What is to change: what is left out stays as it is."""


class AlertRuleOut(AlertRuleFields):
    """A rule, in words too. `built_in`: its key, "" for one of people's own. `fires_for`: for how many now."""

    id: int
    built_in: str
    words: str
    fires_for: int
    changed_by: str
    changed_at: datetime


class AlertRuleList(Schema):
    items: list[AlertRuleOut]
    total: int
    next: str | None = None


class AlertRulePreviewOut(Schema):
    """For how many the rule would fire now, and the names of the first five."""

    fires_for: int
    names: list[str]
    words: str


@router.get("/alert-rules", response=AlertRuleList)
def alert_rule_list(request: HttpRequest) -> dict[str, Any]:
    """List the rules: people's own first, then the worst."""
    items = [_shown(row.rule, row.fires) for row in rule_rows.rows()]
    return {"items": items, "total": len(items)}


@router.post("/alert-rules", response={201: AlertRuleOut}, auth=CONFIGURE)
def alert_rule_create(request: HttpRequest, wanted: AlertRuleIn) -> Status[dict[str, Any]]:
    """Make a rule."""
    return Status(201, _shown(rules.create(by=audit.actor(request), **_values(wanted.dict())), 0))


@router.post("/alert-rules/preview", response=AlertRulePreviewOut, auth=CONFIGURE)
def alert_rule_preview(request: HttpRequest, wanted: AlertRuleIn) -> dict[str, Any]:
    """Say what a rule would fire for now, without making it."""
    rule = Rule(**_values(wanted.dict()))
    if faults := checking.rule(rule):
        raise Refusal(next(iter(faults.values())), "invalid", status=422, fields=faults)
    found = preview.of(rule)
    return {"fires_for": found.count, "names": found.names, "words": found.sentence}


@router.patch("/alert-rules/{int:rule_id}", response=AlertRuleOut, auth=CONFIGURE)
def alert_rule_change(request: HttpRequest, rule_id: int, wanted: AlertRulePatch) -> dict[str, Any]:
    """Change a rule, or switch it on or off."""
    values = _values(wanted.dict(exclude_unset=True))
    return _fresh(rules.change(by=audit.actor(request), rule=_rule(rule_id), **values))


@router.post("/alert-rules/{int:rule_id}/restore", response=AlertRuleOut, auth=CONFIGURE)
def alert_rule_restore(request: HttpRequest, rule_id: int) -> dict[str, Any]:
    """Make a built-in rule what it was at first."""
    return _fresh(rules.restore(by=audit.actor(request), rule=_rule(rule_id)))


@router.delete("/alert-rules/{int:rule_id}", response={204: None}, auth=CONFIGURE)
def alert_rule_delete(request: HttpRequest, rule_id: int) -> Status[None]:
    """Delete one of people's own rules, and what it fires for."""
    rules.delete(rule=_rule(rule_id), by=audit.actor(request))
    return Status(204, None)


def _rule(pk: int) -> Rule:
    return one(Rule.objects.filter(pk=pk), _("There is no rule %(id)s.") % {"id": pk})


def _values(given: dict[str, Any]) -> dict[str, Any]:
    if "severity" in given:
        given["severity"] = severities.VALUES[given["severity"]]
    return given


def _fresh(rule: Rule) -> dict[str, Any]:
    return _shown(rule, rule_rows.fires_for(rule))


def _shown(rule: Rule, fires_for: int) -> dict[str, Any]:
    found = {name: getattr(rule, name) for name in AlertRuleFields.model_fields}
    found |= {name: getattr(rule, name) for name in ("id", "built_in", "changed_by", "changed_at")}
    return {
        **found,
        "severity": severities.NAMES[rule.severity],
        "words": rule_words.sentence(rule),
        "fires_for": fires_for,
    }
