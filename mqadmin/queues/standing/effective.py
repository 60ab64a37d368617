"""Which owner, thresholds and mute hold for a queue. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

OWNER, THRESHOLDS, MUTE = "owner", "thresholds", "mute"
PARTS = (OWNER, THRESHOLDS, MUTE)
LONGEST_NAME = 150  # of who muted


@dataclass(frozen=True)
class Settings:
    """What holds for one queue. `own`: the PARTS of it that a person set on the queue itself."""

    owner: str = ""
    thresholds: dict[str, Any] = field(default_factory=dict)
    muted_until: datetime | None = None
    muted_by: str = ""
    own: tuple[str, ...] = ()

    def part(self, name: str) -> Any:
        """Return the value of one of PARTS, to compare."""
        return self.muted_until if name == MUTE else getattr(self, name)


@dataclass(frozen=True)
class Rule:
    """What a standing says: "" or None is nothing."""

    name: str
    by: str
    owner: str = ""
    thresholds: dict[str, Any] | None = None
    muted_until: datetime | None = None


def holds(settings: Settings, rules: Sequence[Rule], now: datetime) -> Settings:
    """Return what holds for a queue with `settings` where `rules` match it, the one that decides first on top.

    A mute that is over holds no more: neither a person's nor a rule's.
    """
    own = settings.own
    if MUTE in own and settings.muted_until is not None and settings.muted_until <= now:
        own = tuple(name for name in own if name != MUTE)
    found = settings
    if OWNER not in own:
        found = replace(found, owner=next((rule.owner for rule in rules if rule.owner), ""))
    if THRESHOLDS not in own:
        said = (rule.thresholds for rule in rules if rule.thresholds is not None)
        found = replace(found, thresholds=next(said, {}))
    if MUTE not in own:
        rule = next((rule for rule in rules if rule.muted_until and rule.muted_until > now), None)
        by = f"{rule.by} ({rule.name})"[:LONGEST_NAME] if rule else ""
        found = replace(found, muted_until=rule.muted_until if rule else None, muted_by=by)
    return replace(found, own=own)
