"""What rules on queues match: verdicts, numbers, rates, how long the oldest waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mqadmin.alerts.models import Alert, Rule
from mqadmin.alerts.rules import fields
from mqadmin.alerts.seeing import world as worlds
from mqadmin.alerts.seeing.hits import Hit, Subject, beyond
from mqadmin.alerts.seeing.world import World

RANKS = {"broken": 3, "watch": 2}
KEPT_REASONS = 3  # in what is stored with an alert


def verdicts(rules: Sequence[Rule], world: World) -> Iterator[tuple[Rule, Hit]]:
    """Yield what matches, for all rules on verdicts; those of all queues share one query."""
    everywhere = [rule for rule in rules if not rule.queues]
    if everywhere:
        least = min(RANKS.get(rule.level, 3) for rule in everywhere)
        for row in worlds.rows(world.queues().filter(health_rank__gte=least), "health_reasons"):
            for rule in everywhere:
                if not rule.broker or rule.broker == world.slug(row["broker_id"]):
                    yield from _verdict(rule, row, world)
    for rule in rules:
        if rule.queues:
            found = world.queues(rule.broker, rule.queues).filter(health_rank__gte=RANKS.get(rule.level, 3))
            for row in worlds.rows(found, "health_reasons"):
                yield from _verdict(rule, row, world)


def numbers(rule: Rule, world: World) -> Iterator[Hit]:
    """Yield what matches a rule on a number or a rate."""
    column = fields.ALL[rule.field].column
    for row in worlds.rows(_compared(rule, column, world), column):
        holds = beyond(rule, row[column])
        if holds is not None:
            params = {"field": rule.field, "value": row[column], "limit": rule.value}
            yield _hit(row, world, f"rule:{rule.pk}", holds=holds, value=row[column], params=params)


def lag(rule: Rule, world: World) -> Iterator[Hit]:
    """Yield the queues whose oldest message waits for longer than a rule allows.

    Not those that are meant to keep messages: delays, dead letters, streams.
    """
    now = world.now.timestamp()
    limit = min(rule.value or 0.0, (rule.value if rule.clear_value is None else rule.clear_value) or 0.0)
    found = world.queues(rule.broker, rule.queues).filter(oldest_at__lt=now - limit, ready__gt=0)
    found = found.filter(is_delay=False, is_inbox=False).exclude(type="stream")
    for row in worlds.rows(found, "oldest_at", "oldest_at_least", "ready"):
        waits = now - row["oldest_at"]
        holds = beyond(rule, waits)
        if holds is not None:
            params = {
                "oldest_at": row["oldest_at"],
                "at_least": row["oldest_at_least"],
                "ready": row["ready"],
            }
            yield _hit(row, world, "lag", holds=holds, value=waits, params=params)


def matched(reasons: Sequence[Mapping[str, Any]], rule: Rule) -> list[Mapping[str, Any]]:
    """Return the reasons of a verdict that a rule is about, the worst first."""
    least = RANKS.get(rule.level, 3)
    return [
        reason
        for reason in reasons
        # A row from before reasons had levels: its verdict is bad enough, or it would not be here.
        if RANKS.get(str(reason.get("level", rule.level)), 0) >= least
        and (not rule.codes or reason.get("code") in rule.codes)
    ]


def began(reason: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return since when a reason holds, where it says so."""
    since = reason.get("since")
    if not isinstance(since, int | float) or isinstance(since, bool):
        return None
    return min(datetime.fromtimestamp(since, UTC), now)


def _verdict(rule: Rule, row: Mapping[str, Any], world: World) -> Iterator[tuple[Rule, Hit]]:
    reasons = matched(row["health_reasons"], rule)
    if reasons:
        trouble = f"verdict:{reasons[0]['code']}"
        params = {"reasons": [dict(reason) for reason in reasons[:KEPT_REASONS]]}
        yield rule, _hit(row, world, trouble, params=params, since=began(reasons[0], world.now))


def _compared(rule: Rule, column: str, world: World) -> Any:
    clear = rule.value if rule.clear_value is None else rule.clear_value
    sign = "gt" if rule.operator == Rule.Operator.ABOVE else "lt"
    return world.queues(rule.broker, rule.queues).filter(**{f"{column}__{sign}": clear})


def _hit(row: Mapping[str, Any], world: World, trouble: str, **values: Any) -> Hit:
    subject = Subject(Alert.Subject.QUEUE, world.slug(row["broker_id"]), row["vhost"], row["name"])
    muted = worlds.is_muted(row, world.now)
    return Hit(subject, trouble, row_id=row["pk"], muted=muted, **values)
