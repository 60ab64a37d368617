"""Rules as the list and the API show them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from mqadmin.alerts.models import Alert, Rule
from mqadmin.alerts.pages import rule_words, tones
from mqadmin.core.tones import Tone


@dataclass(frozen=True)
class Row:
    """One rule. `fires`: for how many subjects now; `waits`: for how many it holds, not for long enough."""

    rule: Rule
    fires: int
    waits: int

    @property
    def tone(self) -> Tone:
        if not self.rule.is_on:
            return "grey"
        return tones.SEVERITY[self.rule.severity] if self.fires else "green"

    @property
    def sentence(self) -> str:
        return rule_words.sentence(self.rule)

    @property
    def aftermath(self) -> str:
        return rule_words.aftermath(self.rule)


def fires_for(rule: Rule) -> int:
    """Return for how many subjects a rule fires now."""
    return rule.alerts.filter(state=Alert.State.FIRING).count()


def rows() -> list[Row]:
    """Return all rules, people's own first, then the worst; one read."""
    firing, pending = Q(alerts__state=Alert.State.FIRING), Q(alerts__state=Alert.State.PENDING)
    found = Rule.objects.annotate(fires=Count("alerts", filter=firing), waits=Count("alerts", filter=pending))
    ordered = sorted(found.order_by("-severity", "name", "pk"), key=lambda rule: bool(rule.built_in))
    return [Row(rule, rule.fires, rule.waits) for rule in ordered]
