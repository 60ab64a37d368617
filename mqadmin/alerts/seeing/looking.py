"""All rules at one moment. A rule that cannot be applied leaves its alerts as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.db import DatabaseError, InterfaceError

from mqadmin.alerts.models import Rule
from mqadmin.alerts.seeing import of_approvals, of_letters, of_ourselves, of_queues
from mqadmin.alerts.seeing.hits import Hit, Subject
from mqadmin.alerts.seeing.of_letters import Letters
from mqadmin.alerts.seeing.world import World

# What says nothing while its broker is not seen as it is now.
NEEDS_SAMPLES = frozenset({"verdict", "number", "rate", "lag", "broker_reason"})


@dataclass
class Found:
    """What each rule matches, by its id and subject; `faults`: rules that could not be applied, and why."""

    hits: dict[tuple[int, Subject], Hit] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)

    def add(self, rule: Rule, hits: Iterable[Hit]) -> None:
        for hit in hits:
            self.hits[rule.pk, hit.subject] = hit


def look(rules: Sequence[Rule], world: World, letters: Letters, *, heartbeat: str = "") -> Found:
    """Return what `rules` match. Raises django.db.Error."""
    found = Found()
    verdicts = [rule for rule in rules if rule.about == Rule.About.VERDICT]
    plain = [rule for rule in verdicts if not rule.queues]
    try:
        for rule, hit in of_queues.verdicts(plain, world):
            found.add(rule, [hit])
    except Exception as error:
        _failed(found, plain, error)
    for rule in rules:
        if rule not in plain:
            try:
                found.add(rule, _hits(rule, world, letters, heartbeat))
            except Exception as error:
                _failed(found, [rule], error)
    return found


def _hits(rule: Rule, world: World, letters: Letters, heartbeat: str) -> Iterator[Hit]:
    about = Rule.About
    if rule.about == about.VERDICT:
        yield from (hit for _rule, hit in of_queues.verdicts([rule], world))
    elif rule.about in (about.NUMBER, about.RATE):
        yield from of_queues.numbers(rule, world)
    elif rule.about == about.LAG:
        yield from of_queues.lag(rule, world)
    elif rule.about == about.LETTERS:
        yield from of_letters.many(rule, world, letters)
    elif rule.about == about.CAUSE:
        yield from of_letters.of_causes(rule, world, letters)
    elif rule.about == about.NEW_CAUSE:
        yield from of_letters.new_causes(rule, world, letters)
    elif rule.about == about.CONSUMER:
        yield from of_ourselves.consumers(rule, world)
    elif rule.about == about.BROKER_AWAY:
        yield from of_ourselves.brokers_away(rule, world)
    elif rule.about == about.BROKER_REASON:
        yield from of_ourselves.broker_reasons(rule, world)
    elif rule.about == about.PROCESS_AWAY:
        yield from of_ourselves.processes_away(rule, world, heartbeat=heartbeat)
    elif rule.about == about.APPROVAL:
        yield from of_approvals.approvals(rule, world)


def _failed(found: Found, rules: Sequence[Rule], error: Exception) -> None:
    if isinstance(error, DatabaseError | InterfaceError):
        raise error
    for rule in rules:
        found.faults[rule.pk] = f"{type(error).__name__}: {error}"
