"""Bring the rows of queues up to what the standing rules say, in a few statements however many they are."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from mqadmin.core.rows.among import among
from mqadmin.queues.models import Queue, Standing
from mqadmin.queues.search import language
from mqadmin.queues.search.language import BadQuery
from mqadmin.queues.standing.effective import Rule, Settings, holds

log = logging.getLogger(__name__)

COLUMNS = ("owner", "thresholds", "muted_until", "muted_by", "own")


def rules_of(standings: Sequence[Standing], rows: QuerySet[Queue], now: datetime) -> dict[int, list[Rule]]:
    """Return for each of `rows` that any of `standings` matches its rules, the one that decides first on top."""
    found: dict[int, list[Rule]] = {}
    for standing in sorted(standings, key=lambda item: (-item.rank, -item.pk)):
        rule = Rule(standing.name, standing.by, standing.owner, standing.thresholds, standing.muted_until)
        try:
            matching = language.read(standing.query).apply(rows, now)
            for pk in matching.order_by().values_list("pk", flat=True):
                found.setdefault(pk, []).append(rule)
        except BadQuery as error:
            log.error("the standing rule %r is passed over: %s", standing.name, error.message)
    return found


def apply(rows: QuerySet[Queue], now: datetime | None = None) -> int:
    """Write what holds for each of `rows` where it is not so yet; return how many changed.

    What a person sets meanwhile on a queue itself wins: its row is not what it was then.
    """
    moment = now or timezone.now()
    standings = list(Standing.objects.all())
    rows = rows.order_by()
    if not standings:  # then only what rules left behind, and mutes that are over
        rows = rows.exclude(owner="", muted_until=None, thresholds={})
    rules = rules_of(standings, rows, moment)
    changes: list[tuple[int, Settings, Settings]] = []
    for row in rows.values("pk", *COLUMNS).iterator(chunk_size=2_000):
        was = settings_of(row)
        wanted = holds(was, rules.get(row["pk"], ()), moment)
        if wanted != was:
            changes.append((row["pk"], was, wanted))
    return write(changes)


def write(changes: Iterable[tuple[int, Settings, Settings]]) -> int:
    """Write (id, what it was, what it is to be), in a statement for each pair; return how many were still so."""
    groups: dict[str, tuple[Settings, Settings, list[int]]] = {}
    for pk, was, wanted in changes:
        key = json.dumps([stored(was), stored(wanted)], default=str, sort_keys=True)
        groups.setdefault(key, (was, wanted, []))[2].append(pk)
    return sum(
        Queue.objects.filter(among(ids), **stored(was)).update(**stored(wanted))
        for was, wanted, ids in groups.values()
    )


def settings_of(row: Mapping[str, Any] | Queue) -> Settings:
    """Return what a row, or its values, has."""
    values = {name: getattr(row, name) for name in COLUMNS} if isinstance(row, Queue) else row
    return Settings(**{name: values[name] for name in COLUMNS[:-1]}, own=tuple(values["own"]))


def stored(settings: Settings) -> dict[str, Any]:
    """Return the columns that hold `settings`."""
    return {**{name: getattr(settings, name) for name in COLUMNS[:-1]}, "own": list(settings.own)}
