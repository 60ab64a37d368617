"""One evaluation: what rules see now, what follows from it, and all of that written at once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from mqadmin.alerts.engine import grouping, planning, telling_now, writing
from mqadmin.alerts.models import Alert, Channel, Incident, Rule, Silence
from mqadmin.alerts.seeing import looking, world
from mqadmin.alerts.seeing.looking import NEEDS_SAMPLES
from mqadmin.alerts.seeing.of_letters import Letters
from mqadmin.core import unseen

log = logging.getLogger(__name__)

TRIES = 3


@dataclass(frozen=True)
class Evaluation:
    """What one evaluation found and wrote. `faults`: rules that could not be applied, by id."""

    firing: int = 0
    waiting: int = 0
    messages: int = 0
    faults: dict[int, str] | None = None


class Evaluator:
    """Evaluates all rules. For one thread; what it keeps between two evaluations is a memory of causes alone."""

    def __init__(self) -> None:
        self._letters = Letters()
        self._faults: dict[str, str] = {}  # of rules by name, of filters by their text

    def evaluate(self, now: datetime, *, heartbeat: str = "") -> Evaluation:
        """Evaluate at `now`. `heartbeat`: why the last heartbeats failed, "" while they do not.

        Raises ConfigurationError, django.db.Error; then nothing was written.
        """
        for attempt in range(1, TRIES + 1):
            try:
                return self._once(now, heartbeat)
            except writing.Raced as error:
                log.info("alerts: %s was changed meanwhile (%d of %d)", error, attempt, TRIES)
        return Evaluation()

    def _once(self, now: datetime, heartbeat: str) -> Evaluation:
        rules = {rule.pk: rule for rule in Rule.objects.filter(is_on=True)}
        alerts = Alert.objects.filter(state__in=(Alert.State.PENDING, Alert.State.FIRING)).defer("params")
        around = world.look(now)
        found = looking.look(list(rules.values()), around, self._letters, heartbeat=heartbeat)
        unseen = around.unseen_slugs()

        def is_unknown(rule: Rule, broker: str) -> bool:
            return rule.pk in found.faults or (rule.about in NEEDS_SAMPLES and broker in unseen)

        plan = planning.plan(alerts.order_by("id"), rules, found.hits, is_unknown=is_unknown, now=now)
        open_now = list(Incident.objects.filter(resolved_at=None))
        silences = list(Silence.objects.filter(begins_at__lte=now, ends_at__gt=now))
        channels = list(Channel.objects.filter(is_on=True))
        groups = grouping.groups(plan.firing, open_now, silences, around)
        before = telling_now.told_before(open_now)
        wanted = telling_now.wanted(groups, channels, before, around)
        messages = writing.write(plan, groups, wanted, now)
        self._tell({rules[pk].name: fault for pk, fault in found.faults.items()} | around.faults)
        return Evaluation(len(plan.firing), len(plan.begin), messages, found.faults)

    def _tell(self, faults: dict[str, str]) -> None:
        """Log what cannot be applied when that changes, not at each evaluation."""
        for name, fault in faults.items():
            if self._faults.get(name) != fault:
                log.error("alerts: %s cannot be applied: %s", unseen.plain(name), unseen.line(fault))
        self._faults = faults
